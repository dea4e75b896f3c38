"""XDF files, written chunk by chunk as the format's specification states.

https://github.com/sccn/xdf/wiki/Specifications
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


def length(n_bytes: int) -> bytes:
    return b"\x04" + struct.pack("<I", n_bytes)


def chunk(tag: int, content: bytes) -> bytes:
    return length(2 + len(content)) + struct.pack("<H", tag) + content


def element(tag: str, content: str | float) -> str:
    return f"<{tag}>{content}</{tag}>"


@dataclass(frozen=True)
class Made:
    """A stream to be written.

    Parameters
    ----------
    number : int
    values : array, shape (sample, channel), or list of str
    stamps : array, shape (sample,)
        Seconds on the stream's own clock; NaN: the sample before and an interval.
    rate : float
        Nominal; 0 for markers.
    offsets : sequence of (float, float)
        When the clocks were compared, and the offset then.
    footer : bool
    """

    number: int
    name: str
    type: str
    values: np.ndarray | Sequence[str]
    stamps: np.ndarray
    rate: float = 0.0
    channels: Sequence[str] = ()
    unit: str = "microvolts"
    host: str = "here"
    offsets: Sequence[tuple[float, float]] = ()
    footer: bool = True
    sample_count: int | None = None

    with_ = replace

    @property
    def format(self) -> str:
        return "string" if isinstance(self.values, list) else "float32"

    def header(self) -> bytes:
        labels = "".join(
            element(
                "channel",
                element("label", name) + element("unit", self.unit),
            )
            for name in self.channels
        )
        count = 1 if isinstance(self.values, list) else np.shape(self.values)[1]
        parts = {
            "name": self.name,
            "type": self.type,
            "channel_count": count,
            "nominal_srate": self.rate,
            "channel_format": self.format,
            "hostname": self.host,
            "desc": element("channels", labels),
        }
        text = "".join(element(tag, content) for tag, content in parts.items())
        return self.chunk(2, element("info", text).encode())

    def chunk(self, tag: int, content: bytes) -> bytes:
        return chunk(tag, struct.pack("<I", self.number) + content)

    def samples(self) -> bytes:
        parts = [length(len(self.stamps))]
        for stamp, value in zip(self.stamps, self.values, strict=True):
            timed = b"\x00" if np.isnan(stamp) else b"\x08" + struct.pack("<d", stamp)
            if isinstance(value, str):
                parts += [timed, length(len(value.encode())), value.encode()]
            else:
                parts += [timed, np.asarray(value, "<f4").tobytes()]
        return self.chunk(3, b"".join(parts))

    def end(self) -> bytes:
        count = len(self.stamps) if self.sample_count is None else self.sample_count
        text = element("info", element("sample_count", count))
        return self.chunk(6, text.encode()) if self.footer else b""


def xdf(*streams: Made, about: str = "") -> bytes:
    """Write streams."""
    head = chunk(1, element("info", element("version", "1.0") + about).encode())
    parts = [head, *(each.header() for each in streams)]
    for each in streams:
        parts += [
            each.chunk(4, struct.pack("<dd", time, offset))
            for time, offset in each.offsets
        ]
        parts += [each.samples(), each.end()]
    return b"XDF:" + b"".join(parts)
