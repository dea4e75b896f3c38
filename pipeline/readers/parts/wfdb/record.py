"""A WFDB record of one header or of several: its signals and the parts it lies in."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, either
from pipeline.readers.parts.select import SAME_RATE
from pipeline.readers.parts.wfdb.header import Header, HeaderSignal, read_header

PAUSE = "~"


@dataclass(frozen=True)
class Part:
    """A part of a record that has its own header.

    Parameters
    ----------
    header : Header
    start : int
        Its first frame on the record's clock, pauses included.
    length : int or None
        Frames; None if no header states it.
    """

    header: Header
    start: int
    length: int | None


@dataclass(frozen=True)
class WfdbRecord:
    """A record.

    Parameters
    ----------
    where : str
        The header's path.
    rate : float or None
        Frames per second; None if no header states it, or one states what is none.
    rate_text, rate_where : str
        What stands in its place, and in which header.
    signals : tuple of HeaderSignal
        What the record can have; a part may lack some of them.
    parts : tuple of Part
        Without pauses.
    comments : tuple of str
        Of all its headers, each once.
    """

    where: str
    rate: float | None
    rate_text: str
    rate_where: str
    signals: tuple[HeaderSignal, ...]
    parts: tuple[Part, ...]
    comments: tuple[str, ...]


def read_record(folder: Path, where: str) -> WfdbRecord:
    """Read a record's headers.

    Raises
    ------
    DataError
        A header is missing or damaged, has no signals, or contradicts the record's.
    """
    header = read_header(folder, where)
    if not header.segments:
        if not header.signals:
            raise DataError(
                where,
                "the record has no signals",
                expected="at least one signal",
                remedy="leave this file out with the source's except",
            )
        part = Part(header, 0, header.length)
        return WfdbRecord(
            where,
            header.rate,
            header.rate_text,
            where,
            header.signals,
            (part,),
            header.comments,
        )
    return _of_segments(folder, header)


def _of_segments(folder: Path, master: Header) -> WfdbRecord:
    parts = tuple(_parts(folder, master))
    layout = _layout(folder, master)
    headers = [master, *([layout] if layout else []), *(part.header for part in parts)]
    if not parts:
        raise _contradiction(master.where, "has no segment with samples", "one or more")
    rates = [header.rate for header in headers if header.rate is not None]
    if any(not math.isclose(rate, rates[0], rel_tol=SAME_RATE) for rate in rates):
        listed = ", ".join(f"{rate:g}" for rate in dict.fromkeys(rates))
        raise _contradiction(master.where, f"segments at {listed} Hz", "one rate")
    unreadable = [each for each in headers if each.rate is None and each.rate_text]
    stating = (unreadable or [master])[0]
    return WfdbRecord(
        master.where,
        rates[0] if rates and not unreadable else None,
        stating.rate_text,
        stating.where,
        (layout or parts[0].header).signals,
        parts,
        tuple(dict.fromkeys(line for header in headers for line in header.comments)),
    )


def _layout(folder: Path, master: Header) -> Header | None:
    """Read the header of the record's signals, which is its first segment, of 0."""
    name, length = master.segments[0]
    if length or name == PAUSE:
        return None
    return read_header(folder, beside(master.where, f"{name}.hea"))


def _parts(folder: Path, master: Header) -> Iterator[Part]:
    """Yield the segments that hold samples."""
    start = 0
    for name, length in master.segments:
        if length and name != PAUSE:
            header = read_header(folder, beside(master.where, f"{name}.hea"))
            if header.segments or not header.signals:
                found = "a segment with segments of its own or without signals"
                raise _contradiction(header.where, found, "signals")
            if header.length is not None and header.length < length:
                found = f"a segment of {header.length} samples"
                raise _contradiction(
                    header.where, found, f"{length}, by {Path(master.where).name}"
                )
            yield Part(header, start, length)
        start += length
    if master.length not in (None, start):
        found = f"segments of {start} samples in total"
        raise _contradiction(master.where, found, f"{master.length}, by its first line")


def _contradiction(where: str, found: str, expected: str) -> DataError:
    return DataError(
        where,
        found,
        expected=expected,
        remedy=either(REPLACE, LEAVE_OUT),
    )


def beside(where: str, name: str) -> str:
    """Give the path of a file in the same folder."""
    return str(PurePosixPath(where).parent / name)


def related_files(folder: Path, where: str) -> Iterator[str]:
    """Yield the files that a header names, and those that its segments name.

    Headers that cannot be read name none: reading the record reports why.
    """
    header = _header_or_none(folder, where)
    if header is None:
        return
    yield from _signal_files(header)
    for name in dict.fromkeys(name for name, _ in header.segments if name != PAUSE):
        yield (segment := beside(where, f"{name}.hea"))
        if found := _header_or_none(folder, segment):
            yield from _signal_files(found)


def _header_or_none(folder: Path, where: str) -> Header | None:
    try:
        return read_header(folder, where)
    except DataError:
        return None


def _signal_files(header: Header) -> Iterator[str]:
    names = dict.fromkeys(s.file for s in header.signals if s.file != PAUSE)
    return (beside(header.where, name) for name in names)
