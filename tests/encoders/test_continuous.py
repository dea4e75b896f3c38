"""The continuous codes: what each fires at, by hand, and how well it is decoded."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.encoders.bsa import Bsa
from pipeline.encoders.delta import Delta
from pipeline.encoders.level_crossing import LevelCrossing
from pipeline.encoders.moving_window import MovingWindow
from pipeline.encoders.parts.stepwise import Stepwise
from pipeline.encoders.rate import Rate
from pipeline.encoders.send_on_delta import SendOnDelta
from pipeline.encoders.sigma_delta import SigmaDelta
from pipeline.encoders.temporal_contrast import TemporalContrast

SFREQ = 250.0
RNG = np.random.default_rng(0)
SEEDS = st.integers(0, 2**32 - 1)


def encode(encoder: Stepwise, signal: Any) -> np.ndarray:
    signal = np.atleast_2d(signal).astype(np.float32)
    return encoder.encode(signal, encoder.initial_state(len(signal), SFREQ, RNG))[0]


def counts(encoder: Stepwise, signal: Any) -> list[int]:
    return encoder.counts(encode(encoder, signal))[0].tolist()


def walk(seed: int, largest: float, n_steps: int = 400) -> np.ndarray:
    """Draw a signal that starts at 0 and moves less than so much a sample."""
    steps = np.random.default_rng(seed).uniform(-largest, largest, (2, n_steps))
    steps[:, 0] = 0
    return np.cumsum(steps * 0.999, axis=1).astype(np.float32)


def error(encoder: Stepwise, signal: np.ndarray) -> float:
    decoded = encoder.decode(encode(encoder, signal), SFREQ)
    return float(np.abs(decoded - signal).max())


class TestSendOnDelta:
    def test_by_hand(self) -> None:
        encoder = SendOnDelta(threshold=1.0, most=3)
        signal = [5.0, 5.9, 6.0, 8.5, 8.0, 7.0, 1.0, 1.0, 1.0]
        assert counts(encoder, signal) == [0, 0, 1, 2, 0, -1, -3, -3, 0]

    def test_a_change_of_sign_needs_the_hysteresis(self) -> None:
        encoder = SendOnDelta(threshold=1.0, hysteresis=0.5)
        signal = [0.0, 1.0, 0.0, -0.5, -1.5, -0.5, 0.5]
        assert counts(encoder, signal) == [0, 1, 0, -1, -1, 0, 1]

    def test_events_are_a_thermometer(self) -> None:
        encoder = SendOnDelta(threshold=1.0, most=3)
        assert encoder.features(("I", "V1"))[:6] == (
            *("I+1", "I+2", "I+3", "I-1", "I-2", "I-3"),
        )
        spikes = encode(encoder, [[0, 2, 2], [0, -9, -9]])
        assert spikes[:, 1].astype(int).tolist() == [1, 1, 0, *[0] * 6, 1, 1, 1]

    @settings(deadline=None)
    @given(st.floats(0.05, 2), st.integers(2, 6), st.floats(0, 0.9), SEEDS)
    def test_decode_keeps_its_bound(
        self, threshold: float, most: int, hysteresis: float, seed: int
    ) -> None:
        encoder = SendOnDelta(threshold=threshold, most=most, hysteresis=hysteresis)
        largest = (most - 1 - hysteresis) * threshold
        bound = encoder.decode_bound()
        assert bound is not None
        assert error(encoder, walk(seed, largest)) <= bound * (1 + 1e-4)


class TestLevelCrossing:
    def test_by_hand(self) -> None:
        encoder = LevelCrossing(spacing=1.0, most=2)
        signal = [0.4, 0.9, 1.0, 0.9, 0.1, 0.0, 3.5, 3.5, 1.5, 1.5]
        assert counts(encoder, signal) == [0, 0, 1, 0, 0, -1, 2, 1, -1, 0]

    def test_the_grid_does_not_depend_on_the_start(self) -> None:
        encoder, signal = LevelCrossing(spacing=0.7, most=8), walk(1, 0.5)
        late = encode(encoder, signal[:, 50:])
        np.testing.assert_array_equal(late[:, 80:], encode(encoder, signal)[:, 130:])

    @settings(deadline=None)
    @given(st.floats(0.05, 2), st.integers(1, 6), SEEDS)
    def test_decode_keeps_its_bound(self, spacing: float, most: int, seed: int) -> None:
        encoder = LevelCrossing(spacing=spacing, most=most)
        signal = walk(seed, most * spacing)
        assert error(encoder, signal) <= encoder.decode_bound() * (1 + 1e-4)


class TestTemporalContrast:
    def test_by_hand(self) -> None:
        encoder = TemporalContrast(threshold=1.0)
        assert counts(encoder, [5, 6, 7.5, 7.5, 6, 5]) == [0, 0, 1, 0, -1, 0]

    def test_a_running_threshold_follows_the_amplitude(self) -> None:
        encoder, noise = TemporalContrast(factor=1.0), RNG.normal(size=(1, 4000))
        quiet, loud = encode(encoder, noise), encode(encoder, 64 * noise)
        np.testing.assert_array_equal(quiet, loud)
        # Differences of white noise are normal: 31.7 % lie beyond one deviation.
        assert quiet[:, 1000:].sum(axis=0).mean() == pytest.approx(0.317, abs=0.04)

    def test_two_rules_for_one_threshold_are_refused(self) -> None:
        with pytest.raises(ValidationError, match="factor or events_per_s"):
            TemporalContrast(factor=1.0, events_per_s=10.0)


class TestMovingWindow:
    def test_by_hand(self) -> None:
        encoder = MovingWindow(threshold=1.0, window_s=3 / SFREQ)
        # Means before each sample: -, 0, 1, 1, 2, 2, 3, 2/3 …
        signal = [0.0, 2.0, 1.0, 3.0, 2.0, 4.0, -4.0, 0.0]
        assert counts(encoder, signal) == [0, 1, 0, 1, 0, 1, -1, 0]

    def test_a_wandering_baseline_passes(self) -> None:
        encoder = MovingWindow(threshold=0.5, window_s=0.2)
        assert not encode(encoder, np.linspace(0, 50, 100_000)).any()

    def test_no_error_of_rounding_builds_up(self) -> None:
        encoder = MovingWindow(threshold=1e-4, window_s=0.1)
        signal = np.full(60_000, 0.1)
        signal[:50_000] += 1e4 * RNG.normal(size=50_000)
        assert not encode(encoder, signal)[:, 50_025:].any()


class TestSigmaDelta:
    def test_by_hand(self) -> None:
        encoder = SigmaDelta(threshold=1.0)
        signal = [0.5, 0.5, 0.5, -0.75, -0.75, 9.0, 0.0]
        assert counts(encoder, signal) == [0, 1, 0, 0, -1, 1, 0]

    @settings(deadline=None)
    @given(st.floats(0.5, 4), st.integers(1, 64), SEEDS)
    def test_decode_keeps_its_bound_against_the_mean(
        self, threshold: float, average: int, seed: int
    ) -> None:
        encoder = SigmaDelta(threshold=threshold, average=average)
        rng = np.random.default_rng(seed)
        signal = rng.uniform(-threshold, threshold, (2, 300)).astype(np.float32)
        padded = np.pad(signal.astype(float), ((0, 0), (average, 0)))
        sums = np.cumsum(padded, axis=1)
        mean = (sums[:, average:] - sums[:, :-average]) / average
        decoded = encoder.decode(encode(encoder, signal), SFREQ)
        bound = encoder.decode_bound()
        assert bound is not None
        assert np.abs(decoded - mean).max() <= bound * (1 + 1e-4)


class TestBsa:
    def test_one_response_of_the_filter_is_one_spike(self) -> None:
        encoder = Bsa(length=8, full_scale=4.0, threshold=0.95)
        signal = np.zeros((2, 40))
        signal[0, 10:18] = encoder.taps(SFREQ)
        signal[1, 20:28] = -encoder.taps(SFREQ)
        spikes = encode(encoder, signal)
        # Each is sent when the last sample of the response is known.
        assert [row.nonzero()[0].tolist() for row in spikes] == [[17], [], [], [27]]
        decoded = encoder.decode(spikes, SFREQ)
        late = round(encoder.delay_s(SFREQ) * SFREQ)
        assert late == 7
        np.testing.assert_allclose(decoded[:, late:], signal[:, :-late], atol=1e-6)

    def test_a_slow_signal_comes_back(self) -> None:
        encoder = Bsa()
        signal = 2 * np.sin(2 * np.pi * np.arange(2000) / SFREQ)[None]
        decoded = encoder.decode(encode(encoder, signal), SFREQ)
        late = round(encoder.delay_s(SFREQ) * SFREQ)
        rest = (decoded[:, late:] - signal[:, :-late])[:, 100:]
        assert 10 * np.log10(np.mean(signal**2) / np.mean(rest**2)) > 12


class TestRegularRate:
    def test_by_hand(self) -> None:
        encoder = Rate(kind="regular", full_scale=4.0)
        assert counts(encoder, [2.0, 2.0, 3.0, -4.0, 1.0, -99.0]) == [
            *(0, 1, 0, -1, 1, -1),
        ]

    def test_a_level_fires_evenly_at_its_rate(self) -> None:
        times = encode(Rate(kind="regular", full_scale=8.0), np.full(8000, 2.0))[0]
        assert set(np.diff(times.nonzero()[0]).tolist()) == {4}


AMPLITUDES = np.array([[0.1], [0.316], [1.0], [3.16], [10.0]])


@pytest.mark.parametrize(
    "kind", [Delta, SendOnDelta, TemporalContrast, MovingWindow, SigmaDelta]
)
def test_thresholds_find_the_rate_whatever_the_amplitude(kind: Any) -> None:
    """One setting serves amplitudes that lie 40 dB apart."""
    encoder = kind(threshold=1.0, events_per_s=25.0, adapt_s=4.0)
    noise = np.random.default_rng(4).normal(size=30_000)
    smooth = np.convolve(noise, np.ones(10) / np.sqrt(10), "same")
    spikes = encode(encoder, AMPLITUDES * smooth)
    late = np.abs(encoder.counts(spikes)[:, 15_000:])
    np.testing.assert_allclose(late.mean(axis=1) * SFREQ, 25.0, rtol=0.05)
    assert encoder.decode_bound() is None


@pytest.mark.parametrize("snr_db", [15.0, 20.0, 25.0])
def test_thresholds_find_the_snr_whatever_the_amplitude(snr_db: float) -> None:
    """Over 40 dB of amplitude, of a signal that goes fast and one that goes slowly."""
    encoder = SendOnDelta(threshold=0.2, most=16, snr_db=snr_db, adapt_s=4.0)
    noise = np.random.default_rng(4).normal(size=30_000)
    for length in (10, 60):
        smooth = np.convolve(noise, np.ones(length) / np.sqrt(length), "same")
        signal = AMPLITUDES * smooth
        spikes = encode(encoder, signal)
        decoded = encoder.decode(spikes, SFREQ)
        late, error = signal[:, 15_000:], (decoded - signal)[:, 15_000:]
        found = 10 * np.log10(late.var(axis=1) / error.var(axis=1))
        np.testing.assert_allclose(found, snr_db, rtol=0, atol=1.5)
    assert encoder.decode_bound() is None
    with pytest.raises(ValidationError, match="snr_db or events_per_s"):
        SendOnDelta(snr_db=20.0, events_per_s=10.0)


@pytest.mark.parametrize("kind", [Delta, SendOnDelta])
def test_what_sets_itself_is_decoded_from_spikes_alone(kind: Any) -> None:
    encoder = kind(threshold=0.5, events_per_s=40.0, adapt_s=2.0)
    signal = AMPLITUDES * walk(8, 0.1, 4000)[:1]
    spikes = encode(encoder, signal)
    decoded = encoder.decode(spikes, SFREQ)
    largest = encoder.thresholds(spikes, SFREQ)
    error = np.abs(decoded - signal)[:, 1000:]
    assert (error <= 3 * largest[:, 1000:]).all()
    assert not np.allclose(largest[0, -1], largest[-1, -1])


def test_a_threshold_stays_within_its_reach() -> None:
    encoder = Delta(threshold=0.5, events_per_s=10.0, adapt_s=0.1)
    state = encoder.initial_state(2, SFREQ, RNG)
    loud = np.stack([np.zeros(5000), np.cumsum(np.full(5000, 1e4))])
    _, state = encoder.encode(loud.astype(np.float32), state)
    assert state.thresholds.tolist() == [0.005, 50.0]


def test_operations_count_the_control() -> None:
    plain, steered = Delta(), Delta(events_per_s=10.0)
    assert plain.operations() == {"addition": 3}
    assert steered.operations() == {"addition": 5, "multiplication": 2}
    sought = SendOnDelta(snr_db=20.0, most=4).operations()
    assert sought == {"addition": 14, "multiplication": 5, "square root": 1}
