"""The regular rate code, integrate and fire: compiled, and its reference in Python.

For ON of x, and for OFF of −x:

::

    v[k] = u[k] + min(max(x[k], 0) / M, 1)
    s[k] = v[k] ≥ 1,   u[k+1] = v[k] − s[k],   u[0] = 0
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.encoders.stepwise import PlainThreshold, Values, implements


class RegularRate(NamedTuple):
    """No constants but the full scale M, which stands for the threshold."""


def first_values(n_channels: int) -> Values:
    """Make two empty integrators u."""
    return np.zeros((2, n_channels))


@implements(RegularRate)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    rises, falls = values[0], values[1]
    for channel in range(row.shape[0]):
        sample = row[channel] / thresholds[channel]
        sample = sample if sample == sample else 0.0
        rises[channel] += min(max(sample, 0.0), 1.0)
        falls[channel] += min(max(-sample, 0.0), 1.0)
        on = 1.0 if rises[channel] >= 1 else 0.0
        off = 1.0 if falls[channel] >= 1 else 0.0
        rises[channel] -= on
        falls[channel] -= off
        row[channel] = on - off


def plain_regular_rate(
    samples: Iterable[float], threshold: PlainThreshold
) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts, full = [], {1: 0.0, -1: 0.0}
    for sample in samples:
        count = 0
        if np.isfinite(sample):
            for sign in full:
                full[sign] += min(max(sign * sample / threshold.value, 0.0), 1.0)
                if full[sign] >= 1:
                    full[sign] -= 1
                    count = sign
        counts.append(count)
    return counts
