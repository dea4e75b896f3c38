"""Shared parts of all readers: missing files, and libraries that fail or warn."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import DataError, PipelineError
from pipeline.machine import spent
from pipeline.readers.base import LEAVE_OUT, REPLACE, either

FAULTS = {
    "Number of records from the header does not match": (
        "its header states another number of data records than it holds"
    ),
    "Scaling factor (is|will) not be defined|[Dd]igital range is not defined": (
        "a channel has no digital range that makes sense, so its samples "
        "have no value in volts"
    ),
    "[Pp]hysical range is not defined": (
        "a channel has no physical range, so its samples have no value in volts"
    ),
    "Unsupported physical dimension": "a channel has a unit that is not known",
    "Header information is incorrect for record length": (
        "its header states no length of a data record, so its rate is unknown"
    ),
    "mixed sampling frequencies": (
        "its channels have several rates, of which MNE would raise the lower ones"
    ),
    "Bad (EDF|BDF) file provided|Invalid tag": "its structure makes no sense",
}
"""Warnings of MNE after which the samples cannot be trusted, in our words."""

HARMLESS = re.compile(
    "Limited .* annotation|HED annotations were detected"
    "|[Mm]easurement date|measurement time|patient birthdate|participant's birthdate"
    "|No coordinate information found for channels|Not setting positions of"
    "|highpass filter|lowpass filter|cutoff frequency"
)
"""Parts unrelated to samples, channels or texts: we keep none of them."""

NOTED = re.compile(
    "Omitted .* annotation|outside the data range|MarkerFile .* not found; using"
)
"""Remarks for the user on a recording that can be used."""


def present(folder: Path, files: Sequence[str]) -> None:
    """Refuse files that are missing or empty."""
    for file in files:
        path = folder / file
        if not path.is_file() or path.stat().st_size == 0:
            raise DataError(
                str(file),
                "is empty (0 bytes)" if path.is_file() else "there is no such file",
                expected=f"each of the {len(files)} files that make up the recording"
                if len(files) > 1
                else "the file of the recording",
                remedy=either(REPLACE, LEAVE_OUT),
            )


@contextmanager
def opening(folder: Path, where: str) -> Iterator[list[str]]:
    """Express in our words what a library reports while it reads a file.

    Parameters
    ----------
    folder : Path
        Its name is dropped from what the library reports.
    where : str
        The file.

    Yields
    ------
    noted : list of str
        Filled at the end: what the library warned of that is in `NOTED`.

    Raises
    ------
    DataError
        The library failed, or warned of something in `FAULTS`.
    """
    noted: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield noted
        except PipelineError:
            raise
        # A broken file makes parsers fail in any way they can.
        except Exception as error:
            if spent(error):
                raise
            reason = f"{type(error).__name__}: {_without(folder, str(error))}"
            raise _unreadable(where, f"cannot be read ({reason})") from error
    for warning in caught:
        noted += _judge(folder, where, warning)


def _judge(folder: Path, where: str, warning: warnings.WarningMessage) -> list[str]:
    text = _without(folder, str(warning.message))
    for pattern, found in FAULTS.items():
        if re.search(pattern, text):
            raise _unreadable(where, f"{found} ({text})")
    if NOTED.search(text):
        return [text]
    if not HARMLESS.search(text):
        warnings.warn(f"{where}: {text}", warning.category, stacklevel=4)
    return []


def _unreadable(where: str, found: str) -> DataError:
    return DataError(
        where,
        found,
        expected="a complete file in a format that this reader knows",
        remedy=either(REPLACE, LEAVE_OUT),
    )


def _without(folder: Path, text: str) -> str:
    """Drop the machine's own paths, and what a library adds on further lines."""
    first = text.strip().splitlines()[0] if text.strip() else "no reason given"
    first = first.partition(", please report this")[0]
    return first.replace(f"{folder}/", "").replace(f"{folder.resolve()}/", "")
