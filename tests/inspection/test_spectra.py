"""Spectra of signals whose densities, lines, edges and shapes are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt

from pipeline.inspection.spectra import GRID, MAINS, Spectra, SpectraOf

SFREQ = 250.0
N = 40 * 250
TIME = np.arange(N) / SFREQ
RNG = np.random.default_rng(2)
NOISE = RNG.standard_normal((3, N))


def of(values: np.ndarray, sfreq: float = SFREQ, cuts: tuple[int, ...] = ()) -> Spectra:
    """Look at a signal in pieces."""
    spectra = SpectraOf(len(values), values.shape[1], sfreq)
    for piece in np.split(values, sorted(cuts), axis=1):
        spectra.add(piece)
    return spectra.finish()


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, N), max_size=6))
def test_pieces_of_any_size_show_the_same(cuts: list[int]) -> None:
    whole, parts = of(NOISE), of(NOISE, cuts=tuple(cuts))
    for name in Spectra.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_white_noise_has_its_power_in_every_band() -> None:
    density = of(3e-5 * NOISE).density
    low = GRID[1:] < 0.5  # of a segment's first bins the mean is taken off
    known = np.isfinite(density).all(axis=0) & ~low & (GRID[:-1] > 2)
    expected = 2 * (3e-5) ** 2 / SFREQ
    assert density[:, known].mean() == pytest.approx(expected, rel=0.1)
    assert np.isnan(density[:, GRID[1:] > SFREQ / 2]).all()
    assert np.isfinite(density[:, GRID[1:] <= SFREQ / 2]).all()


def test_power_is_that_of_the_signal() -> None:
    wave = 2e-4 * np.sqrt(2) * np.sin(2 * np.pi * 20 * TIME)[None]
    density = of(wave).density[0].astype(float)
    total = np.nansum(density * np.diff(GRID))
    assert total == pytest.approx(4e-8, rel=0.02)


@pytest.mark.parametrize(("line", "place"), [(50, 0), (60, 1)])
def test_hum_stands_above_its_neighbours(line: float, place: int) -> None:
    hum = 0.5 * np.sin(2 * np.pi * line * TIME)
    found = of(NOISE + hum)
    assert MAINS[place] == line
    assert (found.hum[:, place] > 30).all()
    assert (found.hum[:, 1 - place] < 10).all()
    share = (0.125 + 1.25 / 125) / 1.125  # of a sine of 0.5, noise of power 1
    np.testing.assert_allclose(found.hum_share[:, place], share, rtol=0.2)
    assert (found.hum_share[:, 1 - place] < 0.03).all()


def test_a_line_beyond_half_the_rate_is_not_known() -> None:
    found = of(NOISE, sfreq=115.0)
    assert np.isfinite(found.hum[:, 0]).all()
    assert np.isnan(found.hum[:, 1]).all()
    assert np.isnan(of(NOISE, sfreq=100.0).hum).all()


@pytest.mark.parametrize("edge_hz", [20.0, 40.0, 80.0])
def test_the_edge_of_a_steep_filter_is_found(edge_hz: float) -> None:
    sos = butter(12, edge_hz, fs=SFREQ, output="sos")
    found = of(sosfiltfilt(sos, NOISE, axis=1))
    assert (found.edge_hz > edge_hz * 0.9).all()
    assert (found.edge_hz < edge_hz * 2.2).all()
    assert (of(NOISE).edge_hz == SFREQ / 2).all()


def test_slow_power_is_counted_from_half_a_hertz_on() -> None:
    slow = np.sin(2 * np.pi * 5 * TIME)
    fast = np.sin(2 * np.pi * 30 * TIME)
    drift = 50 * np.sin(2 * np.pi * 0.1 * TIME)
    found = of(np.stack([slow, fast, slow + fast, slow + fast + drift]))
    assert found.slow_share[:3] == pytest.approx([1, 0, 0.5], abs=0.01)
    assert 0.5 < found.slow_share[3] < 0.99


def test_peaks_that_stand_up_are_skewed_up() -> None:
    beats = np.zeros(N)
    beats[::200] = 1.0
    peaks = np.convolve(beats, np.hanning(9), mode="same")
    up, down, none = of(np.stack([peaks, -peaks, NOISE[0]])).qrs_skew
    assert up > 1
    assert down == pytest.approx(-up)
    assert abs(none) < 0.2


def test_correlations_are_those_of_the_band() -> None:
    shared = sosfiltfilt(butter(4, (2, 30), "band", fs=SFREQ, output="sos"), NOISE[0])
    other = sosfiltfilt(butter(4, (2, 30), "band", fs=SFREQ, output="sos"), NOISE[1])
    rows = np.stack([shared, -2 * shared, other, np.zeros(N)])
    found = of(rows).correlation
    assert found[0, 1] == pytest.approx(-1, abs=1e-9)
    assert abs(found[0, 2]) < 0.15
    np.testing.assert_array_equal(found[3], 0)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    assert of(np.ones((65, 100))).correlation.size == 0


def test_a_flat_and_a_very_short_recording_are_described() -> None:
    flat = of(np.ones((2, 3000)))
    assert np.isnan(flat.slow_share).all()
    assert np.isnan(flat.hum).all()
    assert (flat.qrs_skew == 0).all()
    short = of(NOISE[:, :5])
    assert short.density.shape == (3, len(GRID) - 1)
