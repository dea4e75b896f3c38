"""What the readers share on the way from files to a labelled `Raw`."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pipeline.axes import Precise
from pipeline.components import did_you_mean
from pipeline.errors import DataError

if TYPE_CHECKING:
    import mne

ChannelType = Literal["ecg", "eeg", "emg"]
LineFrequency = Annotated[
    float | None,
    Field(gt=0, le=100, description="mains where it was recorded, Hz; null: unknown"),
]

FAULTS = re.compile(
    "Omitted .* annotation|outside the data range.*omitted"
    "|Number of records from the header does not match"
    "|Scaling factor is not defined|[Pp]hysical range is not defined"
    "|[Dd]igital range is not defined"
)
"""What MNE only warns of, though the samples or labels cannot be trusted then."""

HARMLESS = re.compile(
    "Limited .* annotation"
    "|Unable to map the following column"
    "|participants.tsv file not found|is not listed in participants"
    "|HED annotations were detected"
    "|coordsystem.json is REQUIRED|Skipping reading electrode locations"
    "|Did not find any events.tsv"
    "|[Mm]easurement date|measurement time|patient birthdate|participant's birthdate"
    "|highpass filter|lowpass filter|cutoff frequency"
)
"""What says nothing about samples, channels or labels: we keep none of it."""


def present(folder: Path, files: Sequence[Path]) -> None:
    """Refuse files that are missing or empty."""
    for file in files:
        path = folder / file
        if not path.is_file() or path.stat().st_size == 0:
            raise DataError(
                str(file),
                "is empty (0 bytes)" if path.is_file() else "there is no such file",
                expected=f"{len(files)} files that make up the recording",
                remedy="fetch the data set again, or ask who delivered it",
            )


@contextmanager
def opening(folder: Path, where: str) -> Iterator[None]:
    """Say in our words what a library says while it reads a file.

    Raises
    ------
    DataError
        The library failed, or warned of something in `FAULTS`.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except DataError:
            raise
        # A broken file makes parsers fail in any way they can.
        except Exception as error:
            told = f"{type(error).__name__}: {_without(folder, str(error))}"
            raise _unreadable(where, f"cannot be read ({told})") from error
    for warning in caught:
        _judge(folder, where, warning)


def _judge(folder: Path, where: str, warning: warnings.WarningMessage) -> None:
    text = _without(folder, str(warning.message))
    if FAULTS.search(text):
        raise _unreadable(where, text)
    if not HARMLESS.search(text):
        warnings.warn(f"{where}: {text}", warning.category, stacklevel=4)


def _unreadable(where: str, found: str) -> DataError:
    return DataError(
        where,
        found,
        expected="a whole file, and labels that belong to it",
        remedy="fetch it again, or leave the recording out with on_bad_recording: skip",
    )


def _without(folder: Path, text: str) -> str:
    """Drop the machine's own paths, and what a library adds on further lines."""
    first = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return first.replace(f"{folder}/", "").replace(f"{folder.resolve()}/", "")


def make_raw(
    samples: Precise,
    *,
    sfreq: float,
    channels: Sequence[str],
    channel_type: ChannelType,
    line_freq: float | None,
) -> "mne.io.BaseRaw":
    """Make a `Raw` of samples in volts, shape (channel, time)."""
    import mne

    info = mne.create_info(list(channels), sfreq, channel_type, verbose="error")
    info["line_freq"] = line_freq
    return mne.io.RawArray(samples, info, copy=None, verbose="error")


def annotate(
    raw: "mne.io.BaseRaw",
    onset: np.ndarray,
    duration: np.ndarray,
    codes: Sequence[Any],
    labels: Mapping[Any, str],
) -> None:
    """Give a recording the labels of its codes, and count the codes without one.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Its annotations are replaced, and `info["temp"]["unlabelled"]` is set.
    onset, duration : array, shape (annotation,)
        Seconds.
    codes : sequence
        What the files call each annotation.
    labels : mapping
        The data set's label of a code.
    """
    import mne

    known = np.fromiter((code in labels for code in codes), bool, len(codes))
    names = [labels[code] for code in codes if code in labels]
    raw.set_annotations(
        mne.Annotations(np.asarray(onset)[known], np.asarray(duration)[known], names),
        verbose="error",
    )
    raw.info["temp"] = {"unlabelled": int((~known).sum())}


def choose(have: Sequence[str], wanted: Sequence[str], where: str) -> None:
    """Refuse a recording that lacks a wanted channel or column."""
    for name in wanted:
        if name not in have:
            raise DataError(
                where,
                f"has no '{name}'",
                expected=did_you_mean(name, list(have)),
                remedy="correct the reader's settings in params.yaml",
            )
