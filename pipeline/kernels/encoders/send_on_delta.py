"""Send-on-delta, several events a sample: compiled, and its reference in Python.

With the distance d = x[k] − b[k] and the sign of the last event g:

::

    n[k]   = min(⌊|d| / T⌋, most) · sign(d)   if |d| ≥ T·(1 + h·[sign(d) = −g]), else 0
    b[k+1] = b[k] + T·n[k],                   b[0] = x[0]
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.encoders.stepwise import PlainThreshold, Values, implements


class SendOnDelta(NamedTuple):
    """`most` events a sample and the hysteresis h, in thresholds."""

    most: float
    hysteresis: float


def first_values(n_channels: int) -> Values:
    """Make bases b that will take the first sample's value, and signs g of no event."""
    return np.stack([np.full(n_channels, np.nan), np.zeros(n_channels)])


@implements(SendOnDelta)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    bases, last = values[0], values[1]
    for channel in range(row.shape[0]):
        threshold = thresholds[channel]
        distance = row[channel] - bases[channel]
        size = abs(distance)
        turns = distance * last[channel] < 0
        need = threshold * (1.0 + code.hysteresis) if turns else threshold
        number = min(np.floor(size / threshold), code.most)
        count = number if distance > 0 else -number
        count = count if size >= need else 0.0
        bases[channel] += threshold * count
        sign = 1.0 if count > 0 else -1.0
        last[channel] = sign if count != 0 else last[channel]
        row[channel] = count


def plain_send_on_delta(
    samples: Iterable[float], threshold: PlainThreshold, most: int, hysteresis: float
) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts, base, last = [], np.nan, 0
    for sample in samples:
        count = 0
        if np.isfinite(sample):
            if np.isnan(base):
                base = sample
            sign = 1 if sample > base else -1
            size, need = abs(sample - base), threshold.value
            if sign == -last:
                need *= 1 + hysteresis
            if size >= need:
                count = sign * min(int(size / threshold.value), most)
                base += threshold.value * count
                last = sign
        threshold.note(count)
        counts.append(count)
    return counts
