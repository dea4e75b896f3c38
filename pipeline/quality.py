"""What can be said of a recording's quality before anything is filtered."""

import numpy as np

from pipeline.axes import Precise

FLAT_S = 0.2
"""No change for this long: a loose electrode, not a quiet one."""
CLIPPED_SAMPLES = 3
"""At the channel's extreme for this many samples in a row: the converter's end."""
LEAST_FREQ, LINE_WIDTH = 1.0, 1.0
"""Hz: baseline below is no part of the power; the line lies within ± the width."""


def nan_share(samples: Precise) -> np.ndarray:
    """Share of samples that are no finite number, a channel."""
    return np.asarray(np.mean(~np.isfinite(samples), axis=1))


def flat_share(samples: Precise, sfreq: float) -> np.ndarray:
    """Share of samples in runs of one value of at least 0.2 s, a channel."""
    least = max(2, round(FLAT_S * sfreq))
    return np.array([_share_in_runs(row, least) for row in samples])


def clipped_share(samples: Precise) -> np.ndarray:
    """Share of samples in runs of at least 3 at the largest or least value, a channel.

    A channel that never changes is flat, not clipped.
    """
    return np.array([_clipped(row) for row in samples])


def line_noise_share(
    samples: Precise, sfreq: float, line_freq: float | None
) -> np.ndarray:
    """Share of the power above 1 Hz within 1 Hz of the mains frequency, a channel.

    NaN where the mains frequency is unknown or not below half the sampling rate, and
    for a channel without power. Welch's method, segments of 4 s.
    """
    from scipy.signal import welch

    if line_freq is None or line_freq >= sfreq / 2:
        return np.full(len(samples), np.nan)
    segment = min(samples.shape[1], round(4 * sfreq))
    freqs, power = welch(samples, sfreq, nperseg=segment, axis=1)
    line = np.abs(freqs - line_freq) <= LINE_WIDTH
    total = power[:, freqs >= LEAST_FREQ].sum(axis=1)
    share = power[:, line].sum(axis=1) / np.where(total > 0, total, np.nan)
    return np.asarray(share)


def worst(shares: np.ndarray) -> float:
    """Greatest share among the channels; NaN if there is none."""
    return float(np.nanmax(shares)) if np.isfinite(shares).any() else float("nan")


def _clipped(row: np.ndarray) -> float:
    low, high = np.nanmin(row), np.nanmax(row)
    if low == high:
        return 0.0
    at_end = (row == low) | (row == high)
    return _share_in_runs(np.where(at_end, row, np.nan), CLIPPED_SAMPLES)


def _share_in_runs(row: np.ndarray, least: int) -> float:
    """Share of samples in runs of equal values (NaN equals none), `least` or longer."""
    edges = np.flatnonzero(np.diff(row, prepend=np.nan, append=np.nan) != 0)
    lengths = np.diff(edges)
    return float(lengths[lengths >= least].sum() / row.size)
