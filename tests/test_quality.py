"""Shares of bad samples: in closed form, and as plain counts of undivided arrays."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import welch

from pipeline import quality
from pipeline.quality import Measured, measure

SFREQ = 200.0


def noise(seconds: float = 10) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, int(seconds * SFREQ)))


def at_once(samples: np.ndarray, line_freq: float | None = None) -> Measured:
    return measure([samples], SFREQ, line_freq)


def divided(samples: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    edges = [0, *sorted(min(cut, samples.shape[1]) for cut in cuts), samples.shape[1]]
    return [samples[:, start:stop] for start, stop in pairwise(edges) if stop > start]


def runs(row: np.ndarray) -> list[tuple[float, int]]:
    """Value and length of every run, sample by sample; NaN equals none."""
    found: list[tuple[float, int]] = []
    for value in row.tolist():
        if found and found[-1][0] == value:
            found[-1] = (value, found[-1][1] + 1)
        else:
            found.append((value, 1))
    return found


def plain_flat(row: np.ndarray, sfreq: float) -> float:
    least = max(2, round(0.2 * sfreq))
    return sum(n for _, n in runs(row) if n >= least) / len(row)


def plain_clipped(row: np.ndarray) -> float:
    known = row[~np.isnan(row)].tolist()
    if len(set(known)) < 2:
        return 0.0
    ends = {min(known), max(known)}
    return sum(n for value, n in runs(row) if n >= 3 and value in ends) / len(row)


def plain_line_noise(samples: np.ndarray, sfreq: float, line_freq: float) -> np.ndarray:
    segment = min(samples.shape[1], round(4 * sfreq))
    freqs, power = welch(samples, sfreq, nperseg=segment, axis=1)
    line = power[:, np.abs(freqs - line_freq) <= 1].sum(axis=1)
    total = power[:, freqs >= 1].sum(axis=1)
    return line / np.where(total > 0, total, np.nan)


def test_share_of_nan_and_infinity_and_the_first_of_them() -> None:
    samples = noise()
    samples[0, 20:120], samples[0, 120] = np.nan, np.inf
    for pieces in ([samples], divided(samples, [7, 50, 1000])):
        measured = measure(pieces, SFREQ, None)
        assert measured.nan_share.tolist() == [101 / 2000, 0]
        assert measured.first_nan == (20, None)


@pytest.mark.parametrize(("held", "share"), [(39, 0), (40, 0.02), (500, 0.25)])
def test_flat_is_a_fifth_of_a_second_without_change(held: int, share: float) -> None:
    samples = noise()
    samples[1, 300 : 300 + held] = samples[1, 300]
    assert at_once(samples).flat_share.tolist() == [0, share]


def test_a_dead_channel_is_flat_and_not_clipped() -> None:
    measured = at_once(np.vstack([np.zeros(400), noise(2)[0]]))
    assert measured.flat_share.tolist() == [1, 0]
    assert measured.clipped_share.tolist() == [0, 0]


def test_a_channel_without_a_number_is_neither() -> None:
    measured = at_once(np.vstack([np.full(400, np.nan), noise(2)[0]]))
    assert measured.nan_share.tolist() == [1, 0]
    assert measured.flat_share.tolist() == [0, 0]
    assert measured.clipped_share.tolist() == [0, 0]


def test_clipped_is_three_samples_at_the_end_of_the_scale() -> None:
    samples = noise()
    samples[0, 10:13], samples[0, 50:52], samples[0, 90:97] = 99, 99, -99
    assert at_once(samples).clipped_share.tolist() == [10 / 2000, 0]


def test_a_later_extreme_makes_an_earlier_one_ordinary() -> None:
    samples = noise()
    samples[0, 10:13], samples[0, 90:97], samples[0, 1500:1504] = 99, -99, 100
    for pieces in ([samples], divided(samples, [11, 95, 1000])):
        share = measure(pieces, SFREQ, None).clipped_share
        assert share.tolist() == [11 / 2000, 0]


LEVELS = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, np.nan])


@given(
    arrays(
        np.float64, st.tuples(st.integers(1, 3), st.integers(1, 60)), elements=LEVELS
    ),
    st.lists(st.integers(0, 60), max_size=8),
    st.sampled_from([10.0, 15.0, 25.0]),
)
def test_any_pieces_give_the_plain_counts(
    samples: np.ndarray, cuts: list[int], sfreq: float
) -> None:
    measured = measure(divided(samples, cuts), sfreq, None)
    flat = [plain_flat(row, sfreq) for row in samples]
    clipped = [plain_clipped(row) for row in samples]
    assert measured.flat_share.tolist() == flat
    assert measured.clipped_share.tolist() == clipped
    assert measured.nan_share.tolist() == np.isnan(samples).mean(axis=1).tolist()


@given(
    st.integers(1, 3000),
    st.lists(st.integers(0, 3000), max_size=6),
    st.sampled_from([(200.0, 50.0), (101.0, 50.0), (128.5, 60.0)]),
)
def test_any_pieces_give_the_line_noise_of_scipys_welch(
    n_samples: int, cuts: list[int], freqs: tuple[float, float]
) -> None:
    samples = np.random.default_rng(n_samples).standard_normal((2, n_samples))
    got = measure(divided(samples, cuts), *freqs).line_noise_share
    np.testing.assert_allclose(got, plain_line_noise(samples, *freqs), rtol=1e-9)


def test_line_noise_of_a_sine_in_noise() -> None:
    time_s = np.arange(0, 60, 1 / SFREQ)
    white = np.random.default_rng(1).standard_normal(time_s.size)
    hum = np.sqrt(2) * np.sin(2 * np.pi * 50 * time_s)
    share = at_once(np.stack([white + hum, white, hum]), 50).line_noise_share
    # White noise spreads over 99 Hz; hum of the same power lies in 2 of them.
    np.testing.assert_allclose(share, [0.5 + 1 / 99, 2 / 99, 1], atol=0.01)


@pytest.mark.parametrize("line_freq", [None, 100.0])
def test_line_noise_that_cannot_be_seen_is_not_zero(line_freq: float | None) -> None:
    assert np.isnan(at_once(noise(), line_freq).line_noise_share).all()
    assert np.isnan(quality.worst(np.full(2, np.nan)))


def test_baseline_wander_is_no_part_of_the_power() -> None:
    time_s = np.arange(0, 60, 1 / SFREQ)
    hum = np.sin(2 * np.pi * 50 * time_s)
    wander = 1000 * np.sin(2 * np.pi * 0.25 * time_s)
    assert at_once(np.stack([hum + wander]), 50).line_noise_share[0] > 0.5


def test_the_worst_channel_counts() -> None:
    assert quality.worst(np.array([0.1, np.nan, 0.3])) == 0.3


@given(
    arrays(np.float64, (2, 60), elements=st.sampled_from([0.0, 1.0, 2.0, np.nan])),
    st.lists(st.integers(1, 59), max_size=4),
)
def test_swing_is_the_median_of_blocks(samples: np.ndarray, cuts: list[int]) -> None:
    measured = measure(divided(samples, cuts), 5.0, None)  # blocks of 10 samples
    for k, row in enumerate(samples):
        blocks = [b[~np.isnan(b)] for b in row.reshape(-1, 10)]
        ends = [(b.min(), b.max()) for b in blocks if len(set(b.tolist())) > 1]
        swing = np.median([high - low for low, high in ends]) if ends else np.nan
        np.testing.assert_equal(measured.swing[k], swing)


def test_an_unfinished_block_counts_alone_only() -> None:
    samples = np.array([[0.0, 1.0] * 5 + [0.0, 9.0]])
    assert measure([samples], 5.0, None).swing.tolist() == [1.0]
    assert measure([samples[:, -2:]], 5.0, None).swing.tolist() == [9.0]


def test_what_float32_cannot_hold_is_no_number() -> None:
    samples = noise()
    samples[1, 70] = 1e39
    measured = at_once(samples)
    assert measured.nan_share.tolist() == [0, 1 / 2000]
    assert measured.first_nan == (None, 70)
