"""The step-forward code: compiled, and its reference in Python.

::

    ON[k]  = x[k] > r[k] + T
    OFF[k] = x[k] < r[k] − T
    r[k+1] = r[k] + T·(ON[k] − OFF[k]),   r[0] = x[0]
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.encoders.stepwise import PlainThreshold, Values, implements


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
