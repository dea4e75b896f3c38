"""Shares of bad samples, in closed form."""

import numpy as np
import pytest

from pipeline import quality

SFREQ = 200.0


def noise(seconds: float = 10) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, int(seconds * SFREQ)))


def test_share_of_nan_and_infinity() -> None:
    samples = noise()
    samples[0, :100], samples[0, 100] = np.nan, np.inf
    assert quality.nan_share(samples).tolist() == [101 / 2000, 0]


@pytest.mark.parametrize(("held", "share"), [(39, 0), (40, 0.02), (500, 0.25)])
def test_flat_is_a_fifth_of_a_second_without_change(held: int, share: float) -> None:
    samples = noise()
    samples[1, 300 : 300 + held] = samples[1, 300]
    assert quality.flat_share(samples, SFREQ).tolist() == [0, share]


def test_a_dead_channel_is_flat_and_not_clipped() -> None:
    samples = np.vstack([np.zeros(400), noise(2)[0]])
    assert quality.flat_share(samples, SFREQ).tolist() == [1, 0]
    assert quality.clipped_share(samples).tolist() == [0, 0]


def test_clipped_is_three_samples_at_the_end_of_the_scale() -> None:
    samples = noise()
    samples[0, 10:13], samples[0, 50:52], samples[0, 90:97] = 99, 99, -99
    assert quality.clipped_share(samples).tolist() == [10 / 2000, 0]


def test_line_noise_of_a_sine_in_noise() -> None:
    time_s = np.arange(0, 60, 1 / SFREQ)
    white = np.random.default_rng(1).standard_normal(time_s.size)
    hum = np.sqrt(2) * np.sin(2 * np.pi * 50 * time_s)
    share = quality.line_noise_share(np.stack([white + hum, white, hum]), SFREQ, 50)
    # White noise spreads over 99 Hz; hum of the same power lies in 2 of them.
    np.testing.assert_allclose(share, [0.5 + 1 / 99, 2 / 99, 1], atol=0.01)


@pytest.mark.parametrize("line_freq", [None, 100.0])
def test_line_noise_that_cannot_be_seen_is_not_zero(line_freq: float | None) -> None:
    assert np.isnan(quality.line_noise_share(noise(), SFREQ, line_freq)).all()
    assert np.isnan(quality.worst(np.full(2, np.nan)))


def test_baseline_wander_is_no_part_of_the_power() -> None:
    time_s = np.arange(0, 60, 1 / SFREQ)
    hum = np.sin(2 * np.pi * 50 * time_s)
    wander = 1000 * np.sin(2 * np.pi * 0.25 * time_s)
    share = quality.line_noise_share(np.stack([hum + wander]), SFREQ, 50)
    assert share[0] > 0.5


def test_the_worst_channel_counts() -> None:
    assert quality.worst(np.array([0.1, np.nan, 0.3])) == 0.3
