"""The step-forward code: compiled, and its reference in Python.

::

    ON[k]  = x[k] > r[k] + T
    OFF[k] = x[k] < r[k] − T
    r[k+1] = r[k] + T·(ON[k] − OFF[k]),   r[0] = x[0]

Thresholds that move use the loop of all codes. The code with one that stays is the
default and has a loop of its own, which decides and packs at once: sixteen channels
abreast, whose references and bits stay in registers for four steps.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.axes import PackedBits, Samples
from pipeline.kernels.compiling import compiled, inlined
from pipeline.kernels.encoders.stepwise import (
    PlainThreshold,
    Values,
    begin,
    implements,
)
from pipeline.kernels.encoders.turning import STEPS, rows_of, store, turn

ABREAST = 16
"""Channels that the loop with a fixed threshold takes at once."""

UNROLLED = 4
"""Steps that it takes at once."""


class StepForward(NamedTuple):
    """No constants but the threshold T, which every code has."""


def first_values(n_channels: int) -> Values:
    """Make references r that will take the first sample's value."""
    return np.full((1, n_channels), np.nan)


@implements(StepForward)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    references = values[0]
    for channel in range(row.shape[0]):
        sample, reference = row[channel], references[channel]
        up, down = reference + thresholds[channel], reference - thresholds[channel]
        rises, falls = sample > up, sample < down
        references[channel] = up if rises else (down if falls else reference)
        row[channel] = 1.0 if rises else (-1.0 if falls else 0.0)


def run(signal: Samples, values: Values, threshold: float) -> tuple[PackedBits, Values]:
    """Encode a chunk with a threshold that stays.

    Parameters
    ----------
    signal : array, shape (channel, time), float32
    values : array, shape (1, channel), float64
        The references.
    threshold : float

    Returns
    -------
    packed : array, shape (2 * channel, ceil(time / 8)), uint8
        A channel's rows are ON, then OFF.
    values : array
        After the last sample.
    """
    n_channels, n_steps = signal.shape
    packed = np.empty((2 * n_channels, -(-n_steps // 8)), dtype=np.uint8)
    values = values.copy()
    _run(rows_of(signal), values[0], threshold, packed)
    return packed, values


@inlined
def _decide(
    tile: Any, count: Any, references: Any, threshold: Any, on: Any, off: Any
) -> None:
    """Encode and pack a tile; a missing sample is NaN and compares false."""
    zero, one = np.uint64(0), np.uint64(1)
    for start in range(0, count, UNROLLED):
        for channel in range(ABREAST):
            reference, rising, falling = references[channel], on[channel], off[channel]
            for t in range(UNROLLED):
                sample = tile[start + t, channel]
                up, down = reference + threshold, reference - threshold
                rises, falls = sample > up, sample < down
                reference = up if rises else (down if falls else reference)
                rising = (rising << one) | (one if rises else zero)
                falling = (falling << one) | (one if falls else zero)
            references[channel], on[channel], off[channel] = reference, rising, falling


@compiled
def _run(rows: Any, references: Any, threshold: Any, packed: Any) -> None:
    n_channels, n_steps = references.shape[0], rows.n_steps
    begin(rows, references)
    tile, abreast = np.empty((STEPS, ABREAST)), np.empty(ABREAST)
    on, off = np.empty(ABREAST, np.uint64), np.empty(ABREAST, np.uint64)
    for first in range(0, n_channels, ABREAST):
        present = min(ABREAST, n_channels - first)
        abreast[:present] = references[first : first + present]
        for start in range(0, n_steps, STEPS):
            count = min(STEPS, n_steps - start)
            full = -(-count // UNROLLED) * UNROLLED
            if present < ABREAST or count < full:
                tile[:full] = np.nan
            turn(rows, first, present, start, count, tile)
            _decide(tile, full, abreast, threshold, on, off)
            unused = np.uint64(STEPS - full)
            for channel in range(present):
                row = 2 * (first + channel)
                store(on[channel] << unused, count, packed[row, start // 8 :])
                store(off[channel] << unused, count, packed[row + 1, start // 8 :])
        references[first : first + present] = abreast[:present]


def plain_step_forward(
    samples: Iterable[float], threshold: PlainThreshold
) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts, reference = [], np.nan
    for sample in samples:
        count = 0
        if np.isfinite(sample):
            if np.isnan(reference):
                reference = sample
            count = int(sample > reference + threshold.value)
            count -= int(sample < reference - threshold.value)
            reference += threshold.value * count
        threshold.note(count)
        counts.append(count)
    return counts
