"""BrainVision files: which belong together, how long they are, where pauses are.

MNE takes what there is of a file that was cut short, and joins what a pause parts.
Source: BrainVision Core Data Format 1.0, www.brainproducts.com/support-resources.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from math import isfinite
from pathlib import Path, PurePosixPath

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.names import path_fault
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, Marks, either, unchecked_if
from pipeline.readers.parts.lengths import spare

SUFFIXES = (".vhdr", ".ahdr")
SAMPLE_BYTES = {"INT_16": 2, "UINT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}
NAMED = re.compile(
    r"^[ \t]*(DataFile|MarkerFile)[ \t]*[=:][ \t]*(.*?)[ \t]*$", re.I | re.M
)
"""The files that a header refers to, as configparser finds them."""
NEW = re.compile(r"^Mk\d+=New Segment,[^,]*,(\d+),\d*,\d*,?(\d*)", re.MULTILINE)
"""Position, counted from 1, and date of a marker where the recorder went on."""
MARKER = re.compile(r"(?!.*[\x00-\x08\x0b-\x1f])Mk\d+=[^,]*,[^,]*,\d+,\d*.*")
"""A line of a marker: a control character in it may have been the end of a line."""
LINE = re.compile(r"\r\n|\r|\n")
CHANNEL = re.compile(r"Ch\d+")
Remarks = tuple[str, ...]


def header_keys(folder: Path, main: str) -> dict[str, str]:
    """Read the keys of a header; of a key that stands there twice, the first counts."""
    text = (folder / main).read_text("latin-1")
    pairs = re.findall(r"^(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)
    return dict(reversed(pairs))


def referenced(folder: Path, main: str) -> list[str]:
    """List the files of samples and markers that a header refers to."""
    path = PurePosixPath(main)
    keys = header_keys(folder, main)
    names = [keys[key] for key in ("DataFile", "MarkerFile") if keys.get(key)]
    return [str(path.parent / name) for name in names]


def refuse_elsewhere(folder: Path, main: str) -> None:
    """Refuse a header whose files do not lie beside it, as MNE would read them.

    Raises
    ------
    DataError
        It names a path that leads elsewhere, or one that configparser makes of others.
    """
    for key, name in NAMED.findall((folder / main).read_text("latin-1")):
        fault = path_fault(name) or ("is put together" if "%(" in name else "")
        if name and fault:
            raise DataError(
                main,
                f"its {key} {name!r} {fault}",
                expected="a file beside the header",
                remedy="correct the header, or leave the recording out by `except`",
            )


def check_files(folder: Path, main: str, unchecked: Collection[Check]) -> Remarks:
    """Hold the samples and the markers against the header.

    Parameters
    ----------
    folder : Path
    main : str
        The header.
    unchecked : collection of str
        The reader's setting.

    Returns
    -------
    remarks : tuple of str

    Raises
    ------
    DataError
        Binary samples end within a point in time, before the last one or far behind
        it; a channel has no resolution; or markers are missing or cannot be read.
    """
    keys = header_keys(folder, main)
    _check_header(main, keys)
    return _check_length(folder, main, keys, unchecked) + _check_markers(
        folder, main, keys, unchecked
    )


def _check_header(main: str, keys: Mapping[str, str]) -> None:
    interval = keys.get("SamplingInterval", "")
    if not _size(interval):
        raise DataError(
            main,
            f"its SamplingInterval is '{interval}'",
            expected="a number of microseconds above 0",
            remedy="correct the header, or ask who delivered it",
        )
    for name in ("NumberOfChannels", "DataPoints"):
        if (text := keys.get(name, "")) and not (text.isascii() and text.isdigit()):
            raise DataError(
                main,
                f"its {name} is '{text}'",
                expected="an integer, or none",
                remedy="correct the header, or ask who delivered it",
            )
    for name, text in keys.items():
        parts = text.split(",")
        if CHANNEL.fullmatch(name) and any(parts[2:3]) and not _size(parts[2]):
            raise DataError(
                main,
                f"channel '{parts[0]}' has the resolution {parts[2]}",
                expected="the size of a count in the channel's unit",
                remedy="correct the header, or ask who delivered it",
            )


def _size(text: str) -> float:
    """Give a number over 0; 0 for what is none."""
    with suppress(ValueError):
        return max(0.0, float(text)) if isfinite(float(text)) else 0.0
    return 0.0


def _check_length(
    folder: Path, main: str, keys: Mapping[str, str], unchecked: Collection[Check]
) -> Remarks:
    n_channels, points = (
        int(text) if (text := keys.get(key, "")).isdigit() else 0
        for key in ("NumberOfChannels", "DataPoints")
    )
    size = SAMPLE_BYTES.get(keys.get("BinaryFormat", ""), 0) * n_channels
    files = referenced(folder, main)
    if keys.get("DataFormat") != "BINARY" or not size or not files:
        return ()
    path = folder / files[0]
    found = path.stat().st_size if path.is_file() else 0
    by_channel = keys.get("DataOrientation") == "VECTORIZED"
    if found % size or found < points * size or (by_channel and found > points * size):
        expected = f"{points * size} bytes by its header" if points else "complete data"
        raise DataError(
            files[0],
            f"is cut short: {found} bytes, at {size} bytes for each point in time",
            expected=expected,
            remedy=either(REPLACE, LEAVE_OUT),
        )
    if not points:
        return ()
    return spare(files[0], found, points * size, PurePosixPath(main).name, unchecked)


def _check_markers(
    folder: Path, main: str, keys: Mapping[str, str], unchecked: Collection[Check]
) -> Remarks:
    """Refuse lines among the markers that are none: MNE leaves them out."""
    if not (name := keys.get("MarkerFile")):
        return ()
    path = (folder / main).with_name(name)
    if not path.is_file():  # MNE would take one that is called like the header
        raise DataError(
            main,
            "names a file of markers that is not there",
            expected=name,
            remedy="put the file beside the header, or take the line MarkerFile out of "
            "the header",
        )
    lines = LINE.split(path.read_bytes().decode("latin-1"))
    begin = next(
        (k for k, line in enumerate(lines, 1) if line.lower() == "[marker infos]"),
        len(lines),
    )
    bad = [
        number
        for number, line in enumerate(lines[begin:], begin + 1)
        if line.strip()
        and not line.startswith((";", "["))
        and not MARKER.fullmatch(line)
    ]
    if bad and "end" not in unchecked:
        raise DataError(
            str(PurePosixPath(main).with_name(path.name)),
            f"row {bad[0]} is no marker: '{lines[bad[0] - 1][:40]}' ({len(bad)} such "
            "rows)",
            expected="such as Mk2=Stimulus,S  1,500,1,0",
            remedy=either(
                REPLACE,
                "correct it",
                unchecked_if("such rows may be left out", "end"),
            ),
        )
    return (f"lines that are no markers, left out: {len(bad)}",) * bool(bad)


def segments(folder: Path, main: str, sfreq: float) -> tuple[Segment, ...]:
    """Find where the recorder stopped and went on.

    How long it paused follows from the dates of the markers; where one has no date, or
    an earlier time than the samples before it take, the pause counts as none.

    Parameters
    ----------
    folder : Path
    main : str
        The header.
    sfreq : float
        Hz.
    """
    name = header_keys(folder, main).get("MarkerFile")
    path = (folder / main).with_name(name) if name else None
    if path is None or not path.is_file():
        return (Segment(0, 0.0),)
    text = path.read_text("latin-1")
    found = [(max(0, int(at) - 1), _date(date)) for at, date in NEW.findall(text)]
    parts = [Segment(0, 0.0)]
    begin = next((date for start, date in found if start == 0), None)
    for start, date in sorted(found, key=lambda marker: marker[0]):
        before = parts[-1]
        if start > before.start:
            onset_s = before.onset_s + (start - before.start) / sfreq
            if begin and date:
                onset_s = max(onset_s, (date - begin).total_seconds())
            parts.append(Segment(start, onset_s))
    return tuple(parts)


def on_clock(marks: Marks, parts: Sequence[Segment], sfreq: float) -> Marks:
    """Move marks from the time of the samples to the clock with its pauses."""
    starts = np.array([part.start for part in parts])
    pauses = np.array([part.onset_s for part in parts]) - starts / sfreq
    places = np.searchsorted(starts, np.round(marks.onset_s * sfreq), side="right") - 1
    shift_s = pauses[np.maximum(places, 0)]
    return Marks(marks.onset_s + shift_s, marks.duration_s, marks.texts)


def _date(digits: str) -> datetime | None:
    """Read year to microsecond; None for the zeros of an anonymous file."""
    with suppress(ValueError):
        return datetime.strptime(digits, "%Y%m%d%H%M%S%f")
    return None
