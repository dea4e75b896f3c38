"""Packed spike trains: eight steps to a byte, one row a feature.

A train holds one bit per feature and step. Step k covers the time from `k·dt` to
`(k+1)·dt` of the recording and encodes the signal `delay_s` earlier.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.axes import PackedBits, SpikeBits

PIECE_BYTES = 1 << 22
"""Bytes of a spike train that are looked at together."""


@dataclass(frozen=True)
class Spikes:
    """The spike train of one recording.

    Parameters
    ----------
    packed : array, shape (feature, ceil(n_steps / 8)), uint8
        Bits along time, the first step in the highest bit (numpy's big bit order). Of
        a train that `open_spikes` gave, `packed[:, start:stop]` is read from the file.
    n_steps : int
        Steps in the train; the padding bits after them are zero.
    dt : float
        Seconds a step.
    delay_s : float
        How much the code lags behind the signal, seconds.
    features : tuple of str
        A name a row, such as `MLII+` for the ON spikes of lead MLII.
    """

    packed: PackedBits
    n_steps: int
    dt: float
    delay_s: float
    features: tuple[str, ...]


def pack(
    bits: SpikeBits, *, dt: float, delay_s: float, features: tuple[str, ...]
) -> Spikes:
    """Pack a boolean train of shape (feature, time)."""
    return Spikes(np.packbits(bits, axis=1), bits.shape[1], dt, delay_s, features)


def unpack(spikes: Spikes, start: int = 0, stop: int | None = None) -> SpikeBits:
    """Read the steps [start, stop) back as booleans, shape (feature, stop - start)."""
    stop = spikes.n_steps if stop is None else stop
    if not 0 <= start <= stop <= spikes.n_steps:
        raise IndexError(f"steps {start} to {stop} of a train of {spikes.n_steps}")
    first = start // 8
    rows = spikes.packed[:, first : -(-stop // 8)]
    bits = np.unpackbits(rows, axis=1).view(bool)
    return bits[:, start - 8 * first : stop - 8 * first]


def counts(spikes: Spikes) -> np.ndarray:
    """Count the spikes of each feature, shape (feature,); read piece by piece."""
    packed = spikes.packed
    step = max(1, PIECE_BYTES // max(1, packed.shape[0]))
    found = np.zeros(packed.shape[0], np.int64)
    for start in range(0, packed.shape[1], step):
        piece = packed[:, start : start + step]
        found += np.bitwise_count(piece).sum(axis=1, dtype=np.int64)
    return found
