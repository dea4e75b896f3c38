"""Ben's Spiker Algorithm: compiled, and its reference in Python.

For ON of x, and for OFF of −x, with a filter h of F taps, at each sample k in turn:

::

    s[k] = Σⱼ |x[k+j] − h[j]| ≤ Σⱼ |x[k+j]| − T,   j = 0 … F−1
    x[k+j] ← x[k+j] − h[j]   where s[k]

It looks F − 1 samples ahead, so s[k] is sent at k + F − 1. Both sums are taken as one,
of their terms' differences. Where h ≥ 0, ON and OFF cannot fire at once; where they
could, ON does. A missing sample is 0.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from pipeline.kernels.encoders.stepwise import Values, implements


class Bsa(NamedTuple):
    """The filter h."""

    taps: Float64[np.ndarray, " tap"]


def first_values(n_channels: int, n_taps: int) -> Values:
    """Make gains, and windows without samples: of x, then of −x, with a slot behind."""
    values = np.full((4 + 2 * n_taps, n_channels), np.nan)
    values[:2] = 0
    return values


@implements(Bsa)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    n_taps = code.taps.shape[0]
    for channel in range(row.shape[0]):
        sample = row[channel] if row[channel] == row[channel] else 0.0
        values[0, channel] = values[1, channel] = 0.0
        # Slots behind the windows: the shift below moves them in.
        values[2 + n_taps, channel] = sample
        values[3 + 2 * n_taps, channel] = -sample
    for half in range(2):
        first = 2 + half * (n_taps + 1)
        for tap in range(n_taps):
            height = code.taps[tap]
            for channel in range(row.shape[0]):
                rest = values[first + tap + 1, channel]
                values[first + tap, channel] = rest
                values[half, channel] += abs(rest) - abs(rest - height)
    for channel in range(row.shape[0]):
        on = values[0, channel] >= thresholds[channel]
        off = values[1, channel] >= thresholds[channel] and not on
        row[channel] = 1.0 if on else (-1.0 if off else 0.0)
        if on or off:
            first = 2 if on else 3 + n_taps
            for tap in range(n_taps):
                values[first + tap, channel] -= code.taps[tap]


def plain_bsa(
    samples: Sequence[float], taps: Sequence[float], threshold: float
) -> list[int]:
    """Count the events of one channel, each at the sample it is sent: the oracle."""
    kept = [sample if np.isfinite(sample) else 0.0 for sample in samples]
    rests = {1: kept, -1: [-sample for sample in kept]}
    counts, ahead = [0] * len(kept), len(taps) - 1
    for k in range(len(kept) - ahead):
        for sign, rest in rests.items():
            gain = 0.0
            for j, height in enumerate(taps):
                gain += abs(rest[k + j]) - abs(rest[k + j] - height)
            if gain >= threshold and counts[k + ahead] == 0:
                counts[k + ahead] = sign
                for j, height in enumerate(taps):
                    rest[k + j] -= height
    return counts
