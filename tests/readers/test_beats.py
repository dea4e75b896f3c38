"""The share of beats that lie where the signal is steepest."""

import numpy as np
import pytest

from pipeline.readers._beats import steepest_share

SFREQ = 250.0


def impulses(onset: np.ndarray, length: int) -> np.ndarray:
    samples = np.zeros((1, length))
    samples[0, np.round(onset * SFREQ).astype(int)] = 1e-3
    return samples


def test_every_beat_on_its_impulse() -> None:
    onset = np.arange(1.0, 100.0, 0.8)
    assert steepest_share(impulses(onset, 25_250), SFREQ, onset) == 1.0


def test_beats_at_random_have_a_third() -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((2, 100_000))
    share = steepest_share(noise, SFREQ, rng.uniform(1, 399, 4000))
    assert share == pytest.approx(1 / 3, abs=0.04)


def test_a_loud_channel_does_not_drown_a_quiet_one() -> None:
    onset = np.arange(1.0, 100.0, 0.8)
    quiet = impulses(onset, 25_250)
    loud = 10 * np.random.default_rng(2).standard_normal((1, 25_250))
    assert steepest_share(np.vstack([quiet, loud]), SFREQ, onset) > 0.95
