"""Moving window, the distance to a recent mean: compiled, and its reference in Python.

With the mean b[k] of those of the last w samples before k that are not missing:

::

    s[k] = 1 if x[k] > b[k] + T,   −1 if x[k] < b[k] − T,   else 0

Samples count in units of 2^−16 and saturate at ±2^16 (65 536 RMS). So their sum is an
integer below 2^53: what leaves the window is subtracted exactly, and no error of
rounding builds up, however long a recording is.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.encoders.stepwise import PlainThreshold, Values, implements

ONE = 65536.0
"""Units in 1, and the largest sample."""

LONGEST = 1 << 21
"""Samples of the longest window whose sum is exact."""


class MovingWindow(NamedTuple):
    """No constants but the threshold T; the window is as long as the state."""


def first_values(n_channels: int, length: int) -> Values:
    """Make a sum, a count, a position and a window without samples."""
    values = np.full((3 + length, n_channels), np.nan)
    values[:3] = 0
    return values


@implements(MovingWindow)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    sums, counts, positions = values[0], values[1], values[2]
    place = int(positions[0]) if row.shape[0] else 0
    window = values[3 + place]
    following = (place + 1) % (values.shape[0] - 3)
    for channel in range(row.shape[0]):
        sample, oldest = row[channel], window[channel]
        units = (
            np.rint(min(max(sample, -ONE), ONE) * ONE) if sample == sample else np.nan
        )
        base = sums[channel] / counts[channel]
        threshold = thresholds[channel] * ONE
        rises, falls = units > base + threshold, units < base - threshold
        row[channel] = 1.0 if rises else (-1.0 if falls else 0.0)
        leaves, enters = oldest == oldest, units == units
        sums[channel] += (units if enters else 0.0) - (oldest if leaves else 0.0)
        counts[channel] += (1.0 if enters else 0.0) - (1.0 if leaves else 0.0)
        window[channel] = units
        positions[channel] = following


def plain_moving_window(
    samples: Iterable[float], threshold: PlainThreshold, length: int
) -> list[int]:
    """Count the events of one channel sample by sample, in integers: the oracle."""
    counts: list[int] = []
    seen: list[int | None] = []
    for sample in samples:
        present = [units for units in seen[-length:] if units is not None]
        units, count = None, 0
        if np.isfinite(sample):
            units = round(min(max(sample, -ONE), ONE) * ONE)
            if present:
                base, distance = sum(present) / len(present), threshold.value * ONE
                count = int(units > base + distance) - int(units < base - distance)
        seen.append(units)
        threshold.note(count)
        counts.append(count)
    return counts
