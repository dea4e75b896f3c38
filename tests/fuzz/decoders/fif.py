"""FIF: tags one after the other."""

import struct
from dataclasses import dataclass, field

import numpy as np

from tests.fuzz.items import FileError, Files, Item, Mark, Reading, chosen

START, END, NCHAN, SFREQ, CH_INFO, FIRST, COMMENT = 104, 105, 200, 201, 203, 208, 206
BUFFER, ONSET, STOP = 300, 3568, 3569
RAW_BLOCKS, ANNOTATIONS = (102, 112, 119), 3810
TYPES = {2: ">i2", 16: ">i2", 3: ">i4", 4: ">f4", 5: ">f8"}
VOLT = 107
KINDS = (2, 302, 402)
"""EEG, EMG and ECG."""


@dataclass
class Found:
    counts: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    channels: list[tuple[str, float, int]] = field(default_factory=list)
    buffers: list[np.ndarray] = field(default_factory=list)
    first: int = 0
    notes: dict[int, np.ndarray | str] = field(default_factory=dict)


def tags(content: bytes) -> list[tuple[int, int, bytes]]:
    """Read the tags up to the one that ends the file."""
    found, place = [], 0
    while True:
        if place + 16 > len(content):
            raise FileError("the file ends without its last tag")
        kind, form, size, following = struct.unpack_from(">4i", content, place)
        if size < 0 or place + 16 + size > len(content):
            raise FileError(f"tag {kind} of {size} bytes")
        found.append((kind, form, content[place + 16 : place + 16 + size]))
        if following == -1:
            behind = content[place + 16 + size :]
            if len(behind) > 16 and any(behind):
                raise FileError("more after the last tag")
            return found
        if following not in (0, place + 16 + size):
            raise FileError(f"tag {kind} points to {following}")
        place += 16 + size


def _walk(content: bytes) -> Found:
    found, blocks = Found(), []
    for kind, form, value in tags(content):
        if kind == START:
            blocks.append(struct.unpack(">i", value)[0])
        elif kind == END:
            if not blocks or blocks.pop() != struct.unpack(">i", value)[0]:
                raise FileError("blocks that do not end as they begin")
        elif kind == NCHAN:
            found.counts.append(struct.unpack(">i", value)[0])
        elif kind == SFREQ:
            found.rates.append(struct.unpack(">f", value)[0])
        elif kind == CH_INFO:
            found.channels.append(_channel(value))
        elif kind == FIRST:
            found.first = struct.unpack(">i", value)[0]
        elif kind == BUFFER and blocks and blocks[-1] in RAW_BLOCKS:
            found.buffers.append(np.frombuffer(value, TYPES[form]).astype(float))
        elif ANNOTATIONS in blocks and kind == COMMENT:
            found.notes[kind] = value.decode("latin-1")
        elif ANNOTATIONS in blocks and kind in (ONSET, STOP):
            found.notes[kind] = np.frombuffer(value, TYPES[form])
    if blocks:
        raise FileError("a block without an end")
    return found


def _channel(value: bytes) -> tuple[str, float, int]:
    _, _, kind, scale, cal = struct.unpack_from(">3i2f", value)
    unit, times, name = struct.unpack_from(">2i16s", value, 72)
    if unit != VOLT:
        raise FileError(f"a channel in unit {unit}")
    if not (np.isfinite(scale * cal) and scale * cal):
        raise FileError("a channel without a scale")
    return name.partition(b"\0")[0].decode("latin-1"), scale * cal * 10.0**times, kind


def decode(files: Files, main: str, item: Item) -> Reading:
    if not files.get(main):
        raise FileError("is empty or not there")
    found = _walk(files[main])
    if len(set(found.rates)) != 1 or set(found.counts) != {len(found.channels)}:
        raise FileError("several rates, or another number of channels")
    sfreq, count = found.rates[0], len(found.channels)
    if not (np.isfinite(sfreq) and sfreq > 0):
        raise FileError("no rate")
    names = [name for name, _, _ in found.channels]
    samples = np.concatenate([b.reshape(-1, count) for b in found.buffers]).T
    rows = []
    picked = chosen(item, names)
    for name in picked:
        _, scale, kind = found.channels[names.index(name)]
        if kind not in KINDS:
            raise FileError(f"{name} is of another kind")
        rows.append(samples[names.index(name)] * scale)
    return Reading(picked, sfreq, np.stack(rows), _marks(found))


def _marks(found: Found) -> list[Mark]:
    if not found.notes:
        return []
    texts = str(found.notes[COMMENT]).split(":")
    onsets, stops = (np.atleast_1d(found.notes[k]) for k in (ONSET, STOP))
    shift = found.first / found.rates[0]
    marks = [
        Mark(float(at) - shift, float(stop - at), text)
        for at, stop, text in zip(onsets, stops, texts, strict=True)
    ]
    return sorted(marks, key=lambda mark: mark.onset_s)
