"""EDF, EDF+ and BDF by Kemp & Olivan 2003."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.fuzz.items import (
    INTEGER,
    SPARE,
    FileError,
    Files,
    Item,
    Mark,
    Reading,
    chosen,
    number,
    utf8,
    volts_of,
)

TYPES = ("EEG", "ECG", "EMG", "EOG", "RESP", "TEMP", "MISC", "SAO2", "BIO", "SEEG")
ENTRY = re.compile(
    rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?((?:\x14[^\x14\x00]*)*)\x14"
)
SAME_CLOCK = 0.02
"""Relative difference between two statements of a rate that nobody overlooks."""
MOST_OUTSIDE = 2e-3
"""Share of samples outside the digital range: some recorders mark gaps so."""


@dataclass(frozen=True)
class Signal:
    label: str
    unit: str
    ranges: Sequence[str]
    samples: int
    start: int

    @property
    def is_notes(self) -> bool:
        return self.label in ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True)
class Header:
    kind: str
    n_records: int
    record_s: float
    size: int
    signals: list[Signal]
    records: np.ndarray
    patient: str


def text_of(field: bytes) -> str:
    return utf8(field).strip(" \0")


def read_header(content: bytes) -> Header:
    version = content[:8]
    if version.strip(b" \0") != b"0" and version != b"\xffBIOSEMI":
        raise FileError(f"the version is {version!r}")
    size = 3 if version[0] == 0xFF else 2
    n_signals = int(number(text_of(content[252:256]), "number of signals", INTEGER))
    stated = int(number(text_of(content[184:192]), "bytes of the header", INTEGER))
    if n_signals < 1 or stated != 256 * (1 + n_signals) or len(content) < stated:
        raise FileError("the header has another length")
    signals = _signals(content[256:stated], n_signals, size)
    n_records = int(number(text_of(content[236:244]), "number of records", INTEGER))
    record_s = number(text_of(content[244:252]).replace(",", "."), "record's length")
    width = sum(s.samples for s in signals) * size
    data = content[stated:]
    if width <= 0:
        raise FileError("records without samples")
    if n_records == -1:
        n_records = len(data) // width
    if n_records < 1 or len(data) < n_records * width:
        raise FileError(
            f"is cut short: {len(data)} bytes, {n_records} records of {width}"
        )
    if len(data) > n_records * width + max(2 * width, SPARE * n_records * width):
        raise FileError(
            f"{len(data)} bytes are more than {n_records} records of {width}"
        )
    if record_s <= 0 and not all(s.is_notes for s in signals):
        raise FileError("a record lasts no time")
    table = np.frombuffer(data[: n_records * width], np.uint8)
    kind = text_of(content[192:236])[:5].replace("BDF", "EDF")
    patient = text_of(content[8:88])
    return Header(
        kind,
        n_records,
        record_s,
        size,
        signals,
        table.reshape(n_records, width),
        patient,
    )


def _signals(content: bytes, count: int, size: int) -> list[Signal]:
    def column(before: int, width: int) -> list[str]:
        start = before * count
        return [
            text_of(content[start + k * width : start + (k + 1) * width])
            for k in range(count)
        ]

    labels, units, samples = column(0, 16), column(96, 8), column(216, 8)
    ranges = list(zip(*(column(at, 8) for at in (104, 112, 120, 128)), strict=True))
    found, start = [], 0
    for k in range(count):
        n_samples = int(number(samples[k], "samples a record", INTEGER))
        if n_samples < 0:
            raise FileError("less than no samples a record")
        found.append(Signal(labels[k], units[k], ranges[k], n_samples, start))
        start += n_samples * size
    return found


def digital(header: Header, signal: Signal) -> np.ndarray:
    stop = signal.start + signal.samples * header.size
    raw = header.records[:, signal.start : stop].reshape(-1, header.size)
    raw = raw.astype(np.int64)
    value = sum(raw[:, k] << 8 * k for k in range(header.size))
    bits = 8 * header.size
    return np.where(value >= 1 << (bits - 1), value - (1 << bits), value)


def volts(header: Header, signal: Signal, unit: str, stated: str | None) -> np.ndarray:
    values = digital(header, signal)
    low, high, dig_low, dig_high = (
        number(text.replace(",", "."), f"a range of {signal.label}")
        for text in signal.ranges
    )
    limit = 1 << (8 * header.size - 1)
    if low == high or dig_low >= dig_high or dig_low < -limit or dig_high >= limit:
        raise FileError(f"ranges of {signal.label} that make no sense: {signal.ranges}")
    outside = (values < dig_low) | (values > dig_high)
    if outside.sum() > MOST_OUTSIDE * values.size:
        raise FileError(f"{signal.label} leaves its digital range")
    gain = (high - low) / (dig_high - dig_low)
    factor = volts_of(unit, stated)
    return ((values - dig_low) * gain + low) * factor


def notes(header: Header) -> tuple[list[float], list[Mark]]:
    """Give the start of each record, if the file keeps a clock, and the notes."""
    lists = [signal for signal in header.signals if signal.is_notes]
    if header.kind == "EDF+D" and not lists:
        raise FileError("pauses, but no clock")
    starts, marks = [], []
    for record in header.records:
        for place, signal in enumerate(lists):
            stop = signal.start + signal.samples * header.size
            entries = record[signal.start : stop].tobytes().rstrip(b"\0").split(b"\0")
            for k, entry in enumerate(entries):
                if not (found := ENTRY.fullmatch(entry)):
                    if entry or k or not place:
                        raise FileError(f"a note that cannot be read: {entry!r}")
                    continue
                onset, lasts = float(found[1]), float(found[2] or 0)
                texts = found[3].split(b"\x14")[1:]
                if place == k == 0:
                    if texts[:1] != [b""]:
                        raise FileError("a record without its time")
                    starts.append(onset)
                marks += [Mark(onset, lasts, utf8(text)) for text in texts if text]
    first = starts[0] if starts else 0.0
    moved = [Mark(m.onset_s - first, m.duration_s, m.text) for m in marks]
    return starts, sorted(moved, key=lambda mark: mark.onset_s)


def _are_complete(numbers: np.ndarray) -> bool:
    return bool((np.abs(numbers - np.round(numbers)) < 1e-4).all())


def _contiguous(onset: np.ndarray, even: float) -> np.ndarray:
    """Move times of few decimals to where records may follow each other."""
    moved = onset.copy()
    unit = next((u for u in 10.0 ** -np.arange(9) if _are_complete(onset / u)), 1e-9)
    if _are_complete(np.array([even / unit])):
        return moved
    for k in range(1, len(onset)):
        follows = moved[k - 1] + even
        if abs(onset[k] - follows) < unit:
            moved[k] = follows
    return moved


def clock(header: Header, starts: list[float], samples: int) -> np.ndarray | None:
    """Give the time of each sample, and refuse a clock that contradicts itself."""
    if not starts:
        return None
    onset = np.array(starts) - starts[0]
    even = header.record_s
    onset = _contiguous(onset, even)
    steps = np.diff(onset)
    if header.kind == "EDF+D":
        # Pauses may be of one length: only records that overlap contradict.
        least = even * (1 - SAME_CLOCK)
    else:
        least = 0.0
        usual = float(np.median(steps)) if len(steps) else even
        if len(steps) > 3 and abs(usual / even - 1) > SAME_CLOCK:
            raise FileError(f"records of {usual:g} s by the clock, {even:g} stated")
    if (steps < least).any():
        raise FileError("the clock jumps back")
    times: np.ndarray = onset[:, None] + np.arange(samples) * even / samples
    return times.ravel()


def plain(label: str, names: Sequence[str]) -> str:
    """Drop the type that EDF+ writes before the name."""
    kind, _, name = label.partition(" ")
    bare = name.strip()
    others = [n.partition(" ")[2].strip() for n in names if n != label]
    is_typed = kind.upper() in TYPES and bare and bare not in [*names, *others]
    return bare if is_typed else label


def decode(files: Files, main: str, item: Item) -> Reading:
    if not files.get(main):
        raise FileError("is empty or not there")
    header = read_header(files[main])
    signals = [signal for signal in header.signals if not signal.is_notes]
    labels = [signal.label for signal in signals]
    names = [plain(label, labels) for label in labels]
    picked = chosen(item, names)
    units = item.facts.get("units", {})
    stated = item.reader.get("unit")
    rows = [signals[names.index(name)] for name in picked]
    if len({signal.samples for signal in rows}) != 1:
        raise FileError("several rates")
    values = [
        volts(header, signal, signal.unit or units.get(name, ""), stated)
        for name, signal in zip(picked, rows, strict=True)
    ]
    starts, marks = notes(header)
    sfreq = rows[0].samples / header.record_s
    times = clock(header, starts, rows[0].samples)
    slack = 1.01 / sfreq if header.kind == "EDF+D" else 1.01 * header.record_s
    texts = [header.patient] if item.label["from"] == "header" else []
    return Reading(picked, sfreq, np.stack(values), marks, texts, times, slack)
