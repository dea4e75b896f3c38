"""WFDB by header(5), signal(5) and annot(5)."""

import math
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from tests.fuzz.decoders.mit_annotations import read_annotations
from tests.fuzz.decoders.wfdb_formats import FORMATS
from tests.fuzz.items import (
    FLOAT,
    SPARE,
    FileError,
    Files,
    Item,
    Mark,
    Reading,
    chosen,
    utf8,
    volts_of,
)

RECORD = re.compile(
    r"(?P<name>[-\w]+)(?:/(?P<seg>\d+))?[ \t]+(?P<sig>\d+)"
    r"(?:[ \t]+(?P<rate>\S+)(?:[ \t]+(?P<len>\d+)"
    r"(?:[ \t]+\S+(?:[ \t]+\S+)?)?)?)?[ \t]*",
    re.ASCII,
)
RATE = re.compile(rf"(?P<rate>{FLOAT})(?:/{FLOAT}(?:\({FLOAT}\))?)?")
SIGNAL = re.compile(
    r"(?P<file>\S+)[ \t]+(?P<fmt>\d+)(?:x(?P<spf>\d+))?(?::(?P<skew>\d+))?"
    r"(?:\+(?P<at>\d+))?(?:[ \t]+(?P<gain>\S+)(?:(?:[ \t]+|(?=-))(?P<res>-?\d+)"
    r"(?:(?:[ \t]+|(?=-))(?P<zero>-?\d+)(?:(?:[ \t]+|(?=-))(?P<first>-?\d+)"
    r"(?:(?:[ \t]+|(?=-))(?P<sum>-?\d+)"
    r"(?:(?:[ \t]+|(?=-))(?P<block>-?\d+))?(?:[ \t]*(?P<name>.*))?)?)?)?)?)?[ \t]*",
    re.ASCII,
)
GAIN = re.compile(rf"(?P<gain>{FLOAT})(?:\((?P<base>-?\d+)\))?(?:/(?P<unit>\S*))?")


@dataclass(frozen=True)
class Signal:
    name: str
    file: str
    fmt: int
    spf: int
    skew: int
    at: int
    gain: float
    base: float
    unit: str
    first: int | None
    checksum: int | None


@dataclass(frozen=True)
class Header:
    rate: float | None
    length: int | None
    signals: list[Signal]
    segments: list[tuple[str, int]]
    comments: list[str]


def read_header(files: Files, where: str) -> Header:
    if not files.get(where):
        raise FileError(f"no header {where}")
    text = utf8(files[where])
    every = [line.strip() for line in re.split("[\r\n]+", text)]
    lines = [line for line in every if line and not line.startswith("#")]
    comments = [line.strip("# \t") for line in every if line.startswith("#")]
    if not lines or not (found := RECORD.fullmatch(lines[0])):
        raise FileError("the first line cannot be read")
    rate = None
    if found["rate"]:
        if not (stated := RATE.fullmatch(found["rate"])):
            raise FileError(f"'{found['rate']}' is no rate")
        rate = float(stated["rate"])
        if not (rate > 0 and math.isfinite(rate)):
            raise FileError("the rate is not above 0")
    length = int(found["len"]) if found["len"] else None
    several = found["seg"] is not None
    if len(lines) - 1 != int(found["seg"] if several else found["sig"]):
        raise FileError("the first line promises another number of lines")
    if several:
        segments = [_segment(line) for line in lines[1:]]
        return Header(rate, length, [], segments, comments)
    signals = [_signal(line) for line in lines[1:]]
    return Header(rate, length, signals, [], comments)


def _segment(line: str) -> tuple[str, int]:
    if not (found := re.fullmatch(r"([-\w]+|~)[ \t]+(\d+)", line)):
        raise FileError("a segment's line cannot be read")
    return found[1], int(found[2])


def _signal(line: str) -> Signal:
    if not (found := SIGNAL.fullmatch(line)):
        raise FileError(f"a signal's line cannot be read: {line}")
    gain, base, unit = 0.0, float(found["zero"] or 0), ""
    if found["gain"]:
        if not (stated := GAIN.fullmatch(found["gain"])):
            raise FileError(f"'{found['gain']}' is no gain")
        gain, unit = float(stated["gain"]), stated["unit"] or ""
        base = float(stated["base"]) if stated["base"] else base
    return Signal(
        (found["name"] or "").strip(),
        found["file"],
        int(found["fmt"]),
        int(found["spf"] or 1) or 1,
        int(found["skew"] or 0),
        int(found["at"] or 0),
        gain,
        base,
        unit,
        int(found["first"]) if found["first"] else None,
        int(found["sum"]) if found["sum"] else None,
    )


def _digital(
    files: Files, where: str, header: Header, length: int | None, exact: bool
) -> list[np.ndarray]:
    """Decode all signals of a header, and hold them against it."""
    rows: dict[int, np.ndarray] = {}
    for name in dict.fromkeys(signal.file for signal in header.signals):
        places = [k for k, s in enumerate(header.signals) if s.file == name]
        group = [header.signals[k] for k in places]
        if places != list(range(places[0], places[-1] + 1)):
            raise FileError("lines of other files between those of a file")
        path = str(PurePosixPath(where).parent / name)
        if not files.get(path):
            raise FileError(f"no signal file {path}")
        if len({s.fmt for s in group}) > 1 or group[0].fmt not in FORMATS:
            raise FileError("formats that are several or unknown")
        decoder, _ = FORMATS[group[0].fmt]
        samples = decoder(files[path][group[0].at :])
        width = sum(s.spf for s in group)
        frames = len(samples) // width
        if length is None:
            length = frames
        if frames < length:
            raise FileError(f"{path} holds {frames} frames, not {length}")
        # Checksums prove that what stands behind the end is no part of the record.
        proven = any(signal.checksum for signal in group)
        if exact and not proven and frames > length * (1 + SPARE):
            raise FileError(f"{path} holds {frames} frames, the header states {length}")
        table = samples[: length * width].reshape(length, width)
        start = 0
        for k, signal in zip(places, group, strict=True):
            rows[k] = table[:, start : start + signal.spf].ravel()
            start += signal.spf
    return [rows[k] for k in range(len(header.signals))]


def _checked(signal: Signal, digital: np.ndarray) -> np.ndarray:
    """Undo differences, and compare with the checksum and the first value."""
    if signal.fmt == 8:
        digital = np.cumsum(digital) + (signal.first or 0)
    elif signal.first and digital.size and digital[0] != signal.first:
        raise FileError(f"{signal.name} begins with {digital[0]}, not {signal.first}")
    # Writers that compute neither leave 0 in both places.
    if signal.checksum and (int(digital.sum()) - signal.checksum) % 65536:
        raise FileError(f"{signal.name} has another checksum")
    return digital


def _volts(item: Item, signal: Signal, digital: np.ndarray) -> np.ndarray:
    if not signal.gain and not item.reader.get("unit"):
        raise FileError(f"{signal.name} is not calibrated")
    factor = volts_of(signal.unit or "mV", None)
    missing = FORMATS[signal.fmt][1]
    values = (digital - signal.base) / (signal.gain or 200.0) * factor
    values[digital == missing] = np.nan
    return values[signal.skew * signal.spf :]


def _one(
    files: Files, where: str, item: Item, length: int | None
) -> tuple[Header, dict[str, np.ndarray]]:
    """Decode the chosen signals of one header."""
    header = read_header(files, where)
    if header.length is not None and length is not None and header.length < length:
        raise FileError("a segment is shorter than the record states")
    names = [s.name or f"signal {k}" for k, s in enumerate(header.signals)]
    digital = _digital(files, where, header, length or header.length, length is None)
    table = {}
    for name in chosen(item, names):
        signal = header.signals[names.index(name)]
        table[name] = _volts(item, signal, _checked(signal, digital[names.index(name)]))
    shortest = min(len(row) for row in table.values())
    return header, {name: row[:shortest] for name, row in table.items()}


def decode(files: Files, main: str, item: Item) -> Reading:
    header = read_header(files, main)
    if header.segments:
        rate, table, times = _segments(files, main, header, item)
    else:
        if not header.signals:
            raise FileError("no signals")
        _, table = _one(files, main, item, None)
        rate = header.rate
        times = None
    if not rate:
        raise FileError("states no rate")
    names = list(table)
    spf = {s.spf for s in header.signals if s.name in names} or {1}
    if len(spf) > 1:
        raise FileError("several rates")
    sfreq = rate * spf.pop()
    marks = _marks(files, main, item, rate)
    texts = _comments(header.comments, item)
    volts = np.stack([table[name] for name in names])
    return Reading(names, sfreq, volts, marks, texts, times, 0.6 / sfreq)


def _segments(
    files: Files, main: str, header: Header, item: Item
) -> tuple[float | None, dict[str, np.ndarray], np.ndarray]:
    """Join segments; pauses show in the times."""
    tables, times, start, rates = [], [], 0, {header.rate} - {None}
    for name, length in header.segments:
        if name != "~" and length:
            where = str(PurePosixPath(main).parent / f"{name}.hea")
            part, table = _one(files, where, item, length)
            rates |= {part.rate} - {None}
            tables.append(table)
            times.append(np.arange(start, start + length))
        start += length
    if header.length not in (None, start):
        raise FileError("the segments have another length than the record")
    if len(rates) != 1 or not tables:
        raise FileError("no rate or several, or no segments")
    (rate,) = rates
    names = list(tables[0])
    joined = {n: np.concatenate([table[n] for table in tables]) for n in names}
    frames = np.concatenate(times)
    return rate, joined, (frames - frames[0]) / float(rate or 1)


def _marks(files: Files, main: str, item: Item, rate: float) -> list[Mark]:
    extension = item.reader.get("annotations", "atr")
    if item.label["from"] not in ("annotation", "note"):
        return []
    path = str(PurePosixPath(main).with_suffix(f".{extension}"))
    if not files.get(path):
        raise FileError(f"no annotations {path}")
    own, found = read_annotations(files[path])
    place = 1 if item.label["from"] == "annotation" else 2
    return [
        Mark(each[0] / (own or rate), 0.0, str(each[place]))
        for each in found
        if each[place]
    ]


def _comments(comments: list[str], item: Item) -> list[str]:
    if item.label["from"] != "header":
        return []
    key = item.label["key"]
    pairs = [re.fullmatch(r"([^:=]+?)\s*[:=]\s*(.*)", line) for line in comments]
    texts = [p[2] for p in pairs if p and p[1].casefold() == key.casefold()]
    if not texts:
        raise FileError(f"no comment has the key {key}")
    return texts
