"""The streams of an XDF file: found by a walk through its chunks, loaded by pyxdf."""

import logging
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from pipeline.errors import DataError, MachineError
from pipeline.readers.base import LEAVE_OUT, REPLACE, either
from pipeline.readers.parts.select import TYPES, FileSignal

MAGIC = b"XDF:"
FILE_HEADER, STREAM_HEADER, FOOTER = 1, 2, 6
BREAK_S, BREAK_SAMPLES = 0.25, 2
"""A step of the time stamps beyond both of these is a break, not jitter."""
UNUSABLE = "cannot be used for synchronization"
"""Part of what pyxdf logs where it leaves a clock as it is."""


@dataclass(frozen=True)
class Stream:
    """A stream, as its header and its footer describe it."""

    number: int
    info: ElementTree.Element
    footer: ElementTree.Element | None = None

    def stated(self, tag: str) -> str:
        """Give the text of a field of the header; "" if there is none."""
        return (self.info.findtext(tag) or "").strip()

    @property
    def name(self) -> str:
        """Its name, by which settings choose it."""
        return self.stated("name")

    @property
    def rate(self) -> float:
        """Its nominal rate, Hz; 0 for markers."""
        return float(self.stated("nominal_srate") or 0)


def headers(path: Path) -> Iterator[tuple[int, ElementTree.Element]]:
    """Walk through the chunks; give the XML of headers and footers, with its number.

    Raises
    ------
    ValueError
        It is no XDF file, or ends within a chunk.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError("it does not begin with XDF:")
        while file.tell() < size:
            length = _length(file)
            end = file.tell() + length
            if end > size or length < 2:
                raise ValueError(f"it ends {end - size} bytes before its last chunk")
            (tag,) = struct.unpack("<H", file.read(2))
            if tag in (FILE_HEADER, STREAM_HEADER, FOOTER):
                number = file.read(4) if tag != FILE_HEADER else b""
                xml = ElementTree.fromstring(file.read(end - file.tell()))
                if number:
                    xml.set("number", str(struct.unpack("<I", number)[0]))
                yield tag, xml
            file.seek(end)


def _length(file: BufferedReader) -> int:
    """Read a number that states its own bytes."""
    size = file.read(1)[0]
    kind = {1: "<B", 4: "<I", 8: "<Q"}.get(size)
    raw = file.read(size)
    if kind is None or len(raw) < size:
        raise ValueError("it ends within the length of a chunk, or is damaged there")
    return int(struct.unpack(kind, raw)[0])


def streams_of(path: Path, where: str) -> list[Stream]:
    """List the streams of a file."""
    found: dict[int, Stream] = {}
    try:
        for tag, xml in headers(path):
            number = int(xml.get("number", -1))
            if tag == STREAM_HEADER:
                found[number] = Stream(number, xml)
            elif tag == FOOTER and number in found:
                found[number] = Stream(number, found[number].info, xml)
    except (ValueError, ElementTree.ParseError) as error:
        raise DataError(
            where,
            f"is cut short or damaged ({error})",
            expected="a complete XDF file",
            remedy=either(REPLACE, LEAVE_OUT),
        ) from error
    return list(found.values())


def choose(
    where: str, streams: Sequence[Stream], asked: str | None, key: str, *, regular: bool
) -> Stream:
    """Choose the stream that a setting names, or the only one of its kind."""
    able = [
        each
        for each in streams
        if (each.rate > 0) == regular
        and not (regular and each.stated("channel_format") == "string")
    ]
    fitting = [each for each in able if asked in (None, each.name, each.stated("type"))]
    if len(fitting) == 1:
        return fitting[0]
    have = ", ".join(f"'{each.name}' ({each.stated('type')})" for each in able)
    what = "with a rate" if regular else "of markers"
    raise DataError(
        where,
        f"{len(fitting)} streams {what} fit"
        + (f" '{asked}'" if asked else "")
        + f", of {have or 'none'}",
        expected="one stream",
        remedy=f"set the reader's {key} to the name of one",
    )


def described(stream: Stream, stated: float | None) -> list[FileSignal]:
    """Describe the channels of a stream; a rate in the settings takes precedence."""
    channels = stream.info.findall("desc/channels/channel")
    count = int(stream.stated("channel_count") or 0)
    kind = stream.stated("type").lower()
    if len(channels) != count:
        channels = [ElementTree.Element("channel") for _ in range(count)]
    rate = None if stated else stream.rate
    return [
        FileSignal(
            (each.findtext("label") or "").strip() or str(place),
            rate,
            (each.findtext("unit") or "").strip(),
            (each.findtext("type") or "").strip().lower()
            or (kind if kind in TYPES else None),
        )
        for place, each in enumerate(channels, 1)
    ]


def load(path: Path, where: str, numbers: list[int]) -> dict[int, dict[str, Any]]:
    """Read streams, on one clock and without jitter."""
    try:
        import pyxdf
    except ImportError:
        raise MachineError(
            where,
            "pyxdf is not installed, which reads XDF files",
            expected="the packages of the extra `xdf`",
            remedy="`.venv/bin/pip install -e '.[xdf]'`",
        ) from None
    with _refusing_errors(where):
        streams, _ = pyxdf.load_xdf(
            path,
            select_streams=numbers,
            jitter_break_threshold_seconds=BREAK_S,
            jitter_break_threshold_samples=BREAK_SAMPLES,
        )
    for each in streams:
        if not np.isfinite([each["clock_times"], each["clock_values"]]).all():
            raise _damaged(where, "clock offsets that are no numbers")
    return {int(each["info"]["stream_id"]): each for each in streams}


class _Kept(logging.Handler):
    """Messages about something that was left out; they are kept instead of shown."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        text = record.getMessage()
        if record.levelno >= logging.ERROR or UNUSABLE in text:
            self.messages.append(text)


@contextmanager
def _refusing_errors(where: str) -> Iterator[None]:
    """Refuse a file of which pyxdf logs that it left something out."""
    logger = logging.getLogger("pyxdf")
    handler = _Kept()
    logger.addHandler(handler)
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
    if handler.messages:
        raise _damaged(where, handler.messages[0])


def _damaged(where: str, found: str) -> DataError:
    return DataError(
        where,
        f"is damaged ({found})",
        expected="a complete XDF file",
        remedy=either(REPLACE, LEAVE_OUT),
    )
