"""Level crossing on a fixed grid: compiled, and its reference in Python.

Levels lie at i·S for all integers i, and j[k] is the level crossed last:

::

    n[k] = min(⌊x/S⌋ − j, most)    if x ≥ (j + 1)·S
         = max(⌈x/S⌉ − j, −most)   if x ≤ (j − 1)·S,   else 0
    j[k+1] = j[k] + n[k],          j[0] = the level nearest to x[0]

Levels are numbered up to ±2^31. The level just crossed does not fire again before a
neighbour has: a hysteresis of one.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.encoders.stepwise import PlainThreshold, Values, implements

LAST = 2.0**31
"""The outermost level; beyond it the signal saturates."""


class LevelCrossing(NamedTuple):
    """`most` crossings a sample; the spacing S is the threshold."""

    most: float


def first_values(n_channels: int) -> Values:
    """Make levels, in the signal's unit, that the first sample will choose."""
    return np.full((1, n_channels), np.nan)


@implements(LevelCrossing)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    levels = values[0]
    for channel in range(row.shape[0]):
        sample, spacing = row[channel], thresholds[channel]
        level = np.rint(min(max(levels[channel] / spacing, -LAST), LAST))
        scaled = min(max(sample / spacing, -LAST), LAST)
        up = min(np.floor(scaled) - level, code.most)
        down = max(np.ceil(scaled) - level, -code.most)
        count = up if up >= 1 else (down if down <= -1 else 0.0)
        count = count if sample == sample else 0.0
        levels[channel] = (level + count) * spacing
        row[channel] = count


def plain_level_crossing(
    samples: Iterable[float], threshold: PlainThreshold, most: int
) -> list[int]:
    """Count the crossings of one channel sample by sample: the oracle."""
    counts: list[int] = []
    level: int | None = None
    for sample in samples:
        count = 0
        if np.isfinite(sample):
            scaled = min(max(sample / threshold.value, -LAST), LAST)
            if level is None:
                level = round(scaled)
            while count < most and scaled >= level + 1:
                level, count = level + 1, count + 1
            while count > -most and scaled <= level - 1:
                level, count = level - 1, count - 1
        counts.append(count)
    return counts
