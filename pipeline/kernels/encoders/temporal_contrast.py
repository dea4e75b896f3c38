"""Temporal contrast, differences of neighbours: compiled, and its reference in Python.

With the difference d[k] = x[k] − x[k−1] to the last sample that is not missing:

::

    s[k] = 1 if d[k] > T[k],   −1 if d[k] < −T[k],   else 0

T is given, or a running one: with the count n of differences so far,

::

    a = max(1/n, α)
    m[k] = m[k−1] + a·(d[k] − m[k−1])
    v[k] = v[k−1] + a·(d[k]² − v[k−1])
    T[k+1] = max(m[k] + f·√max(v[k] − m[k]², 0), 0),   T = ∞ before the first difference
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.encoders.stepwise import PlainThreshold, Values, implements


class Contrast(NamedTuple):
    """No constants but the threshold T."""


class RunningContrast(NamedTuple):
    """The factor f, and a sample's part in the means, α = 1 − exp(−1 / (τ·sfreq))."""

    factor: float
    alpha: float


def first_values(n_channels: int) -> Values:
    """Make a last sample that is not known yet."""
    return np.full((1, n_channels), np.nan)


def first_running_values(n_channels: int) -> Values:
    """Make a last sample that is not known yet, no means, and −1 differences."""
    start = np.array([np.nan, 0.0, 0.0, -1.0])
    return np.repeat(start[:, None], n_channels, axis=1)


@implements(Contrast)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    last = values[0]
    for channel in range(row.shape[0]):
        sample = row[channel]
        change = sample - last[channel]
        rises, falls = change > thresholds[channel], change < -thresholds[channel]
        last[channel] = sample if sample == sample else last[channel]
        row[channel] = 1.0 if rises else (-1.0 if falls else 0.0)


@implements(RunningContrast)
def _advance_running(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    last, means, squares, numbers = values[0], values[1], values[2], values[3]
    for channel in range(row.shape[0]):
        sample = row[channel]
        change, mean, square = sample - last[channel], means[channel], squares[channel]
        if np.isnan(change):
            row[channel] = 0.0
            continue
        last[channel] = sample
        numbers[channel] += 1.0
        row[channel] = 0.0
        if numbers[channel] > 0:
            deviation = np.sqrt(max(square - mean * mean, 0.0))
            threshold = max(mean + code.factor * deviation, 0.0)
            if numbers[channel] > 1:
                rises, falls = change > threshold, change < -threshold
                row[channel] = 1.0 if rises else (-1.0 if falls else 0.0)
            weight = max(1.0 / numbers[channel], code.alpha)
            means[channel] = mean + weight * (change - mean)
            squares[channel] = square + weight * (change * change - square)


def plain_temporal_contrast(
    samples: Iterable[float], threshold: PlainThreshold
) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts, last = [], np.nan
    for sample in samples:
        change = sample - last if np.isfinite(sample) else np.nan
        count = int(change > threshold.value) - int(change < -threshold.value)
        last = sample if np.isfinite(sample) else last
        threshold.note(count)
        counts.append(count)
    return counts


def plain_running_contrast(
    samples: Iterable[float], factor: float, alpha: float
) -> list[int]:
    """Do the same with a running threshold: the oracle."""
    counts, last, threshold, number = [], np.nan, np.inf, 0
    mean = square = 0.0
    for sample in samples:
        count = 0
        if np.isfinite(sample):
            change, last = sample - last, sample
            if not np.isnan(change):
                count = int(change > threshold) - int(change < -threshold)
                number += 1
                weight = max(1 / number, alpha)
                mean += weight * (change - mean)
                square += weight * (change * change - square)
                deviation = np.sqrt(max(square - mean * mean, 0.0))
                threshold = max(mean + factor * deviation, 0.0)
        counts.append(count)
    return counts
