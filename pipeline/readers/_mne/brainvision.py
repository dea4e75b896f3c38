"""BrainVision files: which belong together, how long they are, where pauses are.

MNE takes what there is of a file that was cut short, and joins what a pause parts.
Source: BrainVision Core Data Format 1.0, www.brainproducts.com/support-resources.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.base import Marks

SUFFIXES = (".vhdr", ".ahdr")
SAMPLE_BYTES = {"INT_16": 2, "UINT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}
NEW = re.compile(r"^Mk\d+=New Segment,[^,]*,(\d+),\d*,\d*,?(\d*)", re.MULTILINE)
"""Position, counted from 1, and date of a marker where the recorder went on."""


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


def check_length(folder: Path, main: str) -> None:
    """Refuse binary samples that end within a point in time, or before the last.

    Raises
    ------
    DataError
        The file of the samples is cut short.
    """
    keys = header_keys(folder, main)
    n_channels, points = (
        int(text) if (text := keys.get(key, "")).isdigit() else 0
        for key in ("NumberOfChannels", "DataPoints")
    )
    size = SAMPLE_BYTES.get(keys.get("BinaryFormat", ""), 0) * n_channels
    files = referenced(folder, main)
    if keys.get("DataFormat") != "BINARY" or not size or not files:
        return
    path = folder / files[0]
    found = path.stat().st_size if path.is_file() else 0
    if found % size or found < points * size:
        expected = f"{points * size} bytes by its header" if points else "complete data"
        raise DataError(
            files[0],
            f"is cut short: {found} bytes, at {size} bytes for each point in time",
            expected=expected,
            remedy="fetch the file again, or ask who delivered it",
        )


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
