"""The Poisson rate code: compiled, and its plain twin.

::

    ON[k]  = p[k]·M < x[k],   OFF[k] = p[k]·M < −x[k],   p drawn from 0 … 1

One number is drawn for every channel of a sample, then for those of the next.
"""

from typing import Any

import numpy as np

from pipeline.axes import PackedBits, Samples
from pipeline.kernels._compile import compiled


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
    packed = np.empty((2 * n_channels, -(-n_steps // 8)), dtype=np.uint8)
    _draw(signal, full_scale, rng, packed)
    return packed


def plain_poisson_rate(
    signal: Samples, full_scale: float, rng: np.random.Generator
) -> PackedBits:
    """Do the same in numpy, all draws at once: the oracle."""
    draws = full_scale * rng.random(signal.shape[::-1]).T
    spikes = np.empty((2 * signal.shape[0], signal.shape[1]), dtype=np.bool_)
    spikes[0::2] = draws < signal
    spikes[1::2] = draws < -signal
    return np.packbits(spikes, axis=1)


@compiled
def _draw(signal: Any, full_scale: Any, rng: Any, packed: Any) -> None:
    n_channels, n_steps = signal.shape
    draws = np.empty((8, n_channels))
    for byte in range(packed.shape[1]):
        start = 8 * byte
        count = min(8, n_steps - start)
        for t in range(count):
            for channel in range(n_channels):
                draws[t, channel] = rng.random() * full_scale
        for channel in range(n_channels):
            on = off = 0
            for t in range(count):
                sample = np.float64(signal[channel, start + t])
                on = 2 * on + int(draws[t, channel] < sample)
                off = 2 * off + int(draws[t, channel] < -sample)
            packed[2 * channel, byte] = on << (8 - count)
            packed[2 * channel + 1, byte] = off << (8 - count)
