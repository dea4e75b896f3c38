"""Formats of WFDB's signal files, by signal(5)."""

from collections.abc import Callable

import numpy as np


def _signed(values: np.ndarray, bits: int) -> np.ndarray:
    values = values.astype(np.int64)
    return np.where(values >= 1 << (bits - 1), values - (1 << bits), values)


def _even(content: bytes, size: int) -> np.ndarray:
    return np.frombuffer(content[: len(content) // size * size], np.uint8).reshape(
        -1, size
    )


def _212(content: bytes) -> np.ndarray:
    padded = content + b"\0" * (-len(content) % 3)
    b = _even(padded, 3).astype(np.int64)
    pairs = [b[:, 0] | (b[:, 1] & 15) << 8, b[:, 2] | (b[:, 1] >> 4) << 8]
    return _signed(np.stack(pairs, 1).ravel()[: len(content) * 2 // 3], 12)


def _310(content: bytes) -> np.ndarray:
    padded = content + b"\0" * (-len(content) % 4)
    w = np.frombuffer(padded, "<u2").astype(np.int64).reshape(-1, 2)
    third = (w[:, 0] >> 11) | (w[:, 1] >> 11) << 5
    three = np.stack([w[:, 0] >> 1 & 0x3FF, w[:, 1] >> 1 & 0x3FF, third], 1)
    return _signed(three.ravel()[: len(content) * 3 // 4], 10)


def _311(content: bytes) -> np.ndarray:
    padded = content + b"\0" * (-len(content) % 4)
    w = np.frombuffer(padded, "<u4").astype(np.int64)
    three = np.stack([w & 0x3FF, w >> 10 & 0x3FF, w >> 20 & 0x3FF], 1)
    return _signed(three.ravel()[: len(content) * 3 // 4], 10)


def _24(content: bytes) -> np.ndarray:
    b = _even(content, 3).astype(np.int64)
    return _signed(b[:, 0] | b[:, 1] << 8 | b[:, 2] << 16, 24)


def _complete(kind: str, less: int = 0) -> Callable[[bytes], np.ndarray]:
    def decode(content: bytes) -> np.ndarray:
        size = np.dtype(kind).itemsize
        even = content[: len(content) // size * size]
        return np.frombuffer(even, kind).astype(np.int64) - less

    return decode


FORMATS: dict[int, tuple[Callable[[bytes], np.ndarray], int | None]] = {
    8: (_complete("i1"), None),
    16: (_complete("<i2"), -(1 << 15)),
    24: (_24, -(1 << 23)),
    32: (_complete("<i4"), -(1 << 31)),
    61: (_complete(">i2"), -(1 << 15)),
    80: (_complete("u1", 128), -128),
    160: (_complete("<u2", 1 << 15), -(1 << 15)),
    212: (_212, -(1 << 11)),
    310: (_310, -(1 << 9)),
    311: (_311, -(1 << 9)),
}
"""How a format is decoded, and its mark of a missing value."""
