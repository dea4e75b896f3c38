"""The Poisson rate code: compiled, and its reference in Python.

::

    ON[k]  = p[k]·M < x[k],   OFF[k] = p[k]·M < −x[k],   p drawn from 0 … 1

One number is drawn for every channel of a sample, then for those of the next, also
where a sample is missing (not finite), which is silent.
"""

from typing import Any

import numpy as np

from pipeline.axes import PackedBits, Samples
from pipeline.kernels.compiling import compiled
from pipeline.kernels.encoders.packing import WORDS, pack
from pipeline.kernels.encoders.turning import rows_of, turn
from pipeline.kernels.encoders.vectors import BLOCK, STEPS

DRAWN = 16 * STEPS
"""Steps whose numbers are drawn at once."""


def poisson_rate(
    signal: Samples, full_scale: float, rng: np.random.Generator
) -> PackedBits:
    """Draw the spikes of a chunk, and move the generator on.

    Parameters
    ----------
    signal : array, shape (channel, time), float32
    full_scale : float
        M, the magnitude that fires at every step.
    rng : Generator

    Returns
    -------
    packed : array, shape (2 * channel, ceil(time / 8)), uint8
        ON in even rows, OFF in odd rows.
    """
    n_channels, n_steps = signal.shape
    packed = np.empty((n_channels, 2, 1, -(-n_steps // 8)), dtype=np.uint8)
    rows = rows_of(signal)
    for start in range(0, n_steps, DRAWN):
        draws = rng.random((min(DRAWN, n_steps - start), n_channels))
        _compare(rows, start, full_scale * draws, packed)
    return packed.reshape(2 * n_channels, packed.shape[-1])


def plain_poisson_rate(
    signal: Samples, full_scale: float, rng: np.random.Generator
) -> PackedBits:
    """Do the same in numpy, all draws at once: the oracle."""
    draws = full_scale * rng.random(signal.shape[::-1]).T
    spikes = np.empty((2 * signal.shape[0], signal.shape[1]), dtype=np.bool_)
    spikes[0::2] = (draws < signal) & np.isfinite(signal)
    spikes[1::2] = (draws < -signal) & np.isfinite(signal)
    return np.packbits(spikes, axis=1)


@compiled
def _compare(rows: Any, first: Any, least: Any, packed: Any) -> None:
    """Hold samples, from a first one on, against what they must exceed to fire."""
    n_steps, n_channels = least.shape
    tile = np.empty((STEPS, -(-n_channels // BLOCK) * BLOCK))
    words = np.empty((BLOCK, WORDS), np.uint64)
    for start in range(0, n_steps, STEPS):
        count = min(STEPS, n_steps - start)
        turn(rows, 0, n_channels, first + start, count, tile)
        for t in range(count):
            row, limits = tile[t], least[start + t]
            for channel in range(n_channels):
                sample, limit = row[channel], limits[channel]
                row[channel] = 1.0 if limit < sample else 0.0
                row[channel] -= 1.0 if limit < -sample else 0.0
        pack(tile, first + start, count, 0, words, packed)
