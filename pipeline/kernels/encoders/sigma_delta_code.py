"""The sigma-delta code, integrate and compare: compiled, and its reference in Python.

::

    v[k] = u[k] + min(max(x[k], −T), T)
    s[k] = 1 if v[k] ≥ T,   −1 if v[k] ≤ −T,   else 0
    u[k+1] = v[k] − T·s[k],   u[0] = 0

so |u| < T, however large the input is. (`sigma_delta` is the kernel of neurons.)
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.encoders.stepwise import PlainThreshold, Values, implements


class SigmaDeltaCode(NamedTuple):
    """No constants but the threshold T."""


def first_values(n_channels: int) -> Values:
    """Make an empty integrator u."""
    return np.zeros((1, n_channels))


@implements(SigmaDeltaCode)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    sums = values[0]
    for channel in range(row.shape[0]):
        sample, threshold = row[channel], thresholds[channel]
        missing = sample != sample
        clipped = min(max(sample, -threshold), threshold)
        total = sums[channel] + (0.0 if missing else clipped)
        rises = total >= threshold and not missing
        falls = total <= -threshold and not missing
        count = 1.0 if rises else (-1.0 if falls else 0.0)
        sums[channel] = total - threshold * count
        row[channel] = count


def plain_sigma_delta_code(
    samples: Iterable[float], threshold: PlainThreshold
) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts, total = [], 0.0
    for sample in samples:
        count, limit = 0, threshold.value
        if np.isfinite(sample):
            total += min(max(sample, -limit), limit)
            count = int(total >= limit) - int(total <= -limit)
            total -= limit * count
        threshold.note(count)
        counts.append(count)
    return counts
