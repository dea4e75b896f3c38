"""A check of a record's signal files against its headers."""

import math
from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, either
from pipeline.readers.parts.lengths import spare
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.wfdb.header import Header, HeaderSignal
from pipeline.readers.parts.wfdb.record import beside

SAMPLES_TO_BYTES = {
    "8": (1, 1), "16": (1, 2), "24": (1, 3), "32": (1, 4), "61": (1, 2),
    "80": (1, 1), "160": (1, 2), "212": (2, 3), "310": (3, 4), "311": (3, 4),
}  # fmt: skip
"""The number of samples of a format in a number of bytes (WFDB's signal(5))."""

FLAC = ("508", "516", "524")


def check_files(
    folder: Path, header: Header, wanted: Sequence[HeaderSignal], length: int | None
) -> int:
    """Hold the files of the wanted signals against their header.

    Parameters
    ----------
    folder : Path
    header : Header
    wanted : sequence of HeaderSignal
    length : int or None
        Frames that the files should hold; None if no header states it.

    Returns
    -------
    length : int
        Frames; where no header states it, those that fill the first file, as for wfdb.

    Raises
    ------
    DataError
        A file is missing, empty or cut short, or its signals contradict each other.
    """
    groups = {s.file: [o for o in header.signals if o.file == s.file] for s in wanted}
    present(folder, [beside(header.where, name) for name in groups])
    for name, group in groups.items():
        _check_group(header, beside(header.where, name), group)
    if length is None:
        length = _length_of_first(folder, header)
    for name, group in groups.items():
        _check_length(folder, header, beside(header.where, name), group, length)
    return length


def _check_group(header: Header, file: str, group: Sequence[HeaderSignal]) -> None:
    """Check that a file's signals have one format and stand side by side."""
    formats = {signal.fmt for signal in group}
    first = header.signals.index(group[0])
    if len(formats) > 1 or list(header.signals[first : first + len(group)]) != group:
        raise DataError(
            header.where,
            f"signals of '{Path(file).name}' in formats {', '.join(sorted(formats))}"
            if len(formats) > 1
            else f"lines of other files among those of '{Path(file).name}'",
            expected="one format, and lines side by side, for the signals of a file",
            remedy="correct the header, or ask who delivered it",
        )
    if not formats <= {*SAMPLES_TO_BYTES, *FLAC}:
        raise DataError(
            header.where,
            f"format {group[0].fmt} of '{Path(file).name}'",
            expected="one of " + ", ".join((*SAMPLES_TO_BYTES, *FLAC)),
            remedy="write the record in one of these formats",
        )


def _length_of_first(folder: Path, header: Header) -> int:
    first = header.signals[0]
    file = beside(header.where, first.file)
    present(folder, [file])
    if first.fmt not in SAMPLES_TO_BYTES:
        raise DataError(
            header.where,
            f"states no length, and its files are in format {first.fmt}",
            expected="the number of samples, in its first line",
            remedy="write the length into the header",
        )
    per_frame = sum(s.per_frame for s in header.signals if s.file == first.file)
    n_samples, n_bytes = SAMPLES_TO_BYTES[first.fmt]
    size = (folder / file).stat().st_size - first.offset
    return max(0, size) * n_samples // (n_bytes * per_frame)


def _check_length(
    folder: Path, header: Header, file: str, group: Sequence[HeaderSignal], length: int
) -> None:
    """Hold a file's length against that of its header."""
    found, expected, what = _lengths(folder / file, group, length)
    if found < expected:
        raise DataError(
            file,
            f"is cut short: {found} {what}",
            expected=f"{expected} {what} for the {length} samples of "
            f"{Path(header.where).name}",
            remedy=either(REPLACE, LEAVE_OUT),
        )


def _lengths(
    path: Path, group: Sequence[HeaderSignal], length: int
) -> tuple[int, int, str]:
    """Give how long a file is, how long it should be, and in what this is counted."""
    first, per_frame = group[0], sum(signal.per_frame for signal in group)
    if first.fmt in FLAC:
        import soundfile

        with opening(path.parent, path.name):
            found = soundfile.info(path).frames
        return found, first.offset + length * first.per_frame, "samples"
    n_samples, n_bytes = SAMPLES_TO_BYTES[first.fmt]
    expected = first.offset + math.ceil(length * per_frame * n_bytes / n_samples)
    return path.stat().st_size, expected, "bytes"


def longer_files(
    folder: Path,
    header: Header,
    wanted: Sequence[HeaderSignal],
    unchecked: Collection[Check],
) -> tuple[str, ...]:
    """Remark on files that go on behind the length that their header states.

    A checksum that holds the length proves it, so what follows is no samples then.

    Raises
    ------
    DataError
        A file is much longer, and no checksum shows where its samples end.
    """
    remarks: tuple[str, ...] = ()
    for name in dict.fromkeys(s.file for s in wanted if header.length is not None):
        group = [signal for signal in header.signals if signal.file == name]
        file, length = beside(header.where, name), header.length or 0
        found, expected, what = _lengths(folder / file, group, length)
        proof = any(s.checksum for s in wanted if s.file == name)
        let: set[Check] = {*unchecked, "checksum"} if proof else {*unchecked}
        remarks += spare(file, found, expected, Path(header.where).name, let, what)
    return remarks
