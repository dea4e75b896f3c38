"""Filter, resample, scale: any chunks, strictly causal, against scipy."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import signal as sp

from pipeline.errors import ConfigError
from pipeline.preparation import causal, signals
from pipeline.preparation.signals import Scale, SignalSettings

WIDE = Scale(tau_s=1.0, floor=1e-6)


def settings(**changes: object) -> SignalSettings:
    return SignalSettings.model_validate({"scale": WIDE, **changes})


def noise(n_channels: int, n_samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0.3, 1.0, (n_channels, n_samples))


def in_chunks(samples: np.ndarray, cuts: list[int], plan: causal.Design) -> np.ndarray:
    edges = [0, *sorted(cuts), samples.shape[1]]
    state, parts = None, []
    for start, stop in pairwise(edges):
        part, state = causal.process(samples[:, start:stop], state, plan)
        parts.append(part)
    return np.concatenate(parts, axis=1)


def at_once(samples: np.ndarray, plan: causal.Design) -> np.ndarray:
    return causal.process(samples, None, plan)[0]


PLANS = st.builds(
    lambda rates, band, notch, shared: signals.design(
        settings(
            sfreq=rates[1],
            l_freq=band and band[0],
            h_freq=band and band[1],
            notch=notch,
            scale=Scale(tau_s=0.2, floor=1e-3, shared=shared),
        ),
        rates[0],
    ),
    st.sampled_from([(360, 120), (360, 128), (250, 120), (200, None), (100, 250)]),
    st.sampled_from([None, (0.5, 40.0), (5.0, 15.0)]),
    st.sampled_from([None, 45.0]),
    st.booleans(),
)


def test_a_chunk_too_short_for_an_output_keeps_the_scale() -> None:
    plan = signals.design(settings(sfreq=120), 360.0)
    samples = noise(2, 103)
    for _ in range(50):
        got = in_chunks(samples, [100, 101], plan)
        np.testing.assert_array_equal(got, at_once(samples, plan))


@given(
    PLANS,
    st.integers(1, 400),
    st.lists(st.integers(0, 400), max_size=8),
    st.sampled_from([1, 2, 12]),
)
def test_any_chunks_give_the_same_bits(plan, n_samples, cuts, n_channels):
    samples = noise(n_channels, n_samples)
    cuts = [min(cut, n_samples) for cut in cuts]
    uncut = at_once(samples, plan)
    assert uncut.dtype == np.float32
    assert uncut.shape[1] == int(np.ceil(n_samples * plan.up / plan.down))
    np.testing.assert_array_equal(in_chunks(samples, cuts, plan), uncut)


@pytest.mark.parametrize("n_channels", [9, 64])
def test_sample_by_sample_gives_the_same_bits(n_channels):
    scale = Scale(tau_s=1, floor=1, shared=True)
    plan = signals.design(settings(scale=scale), 360)
    samples, power = noise(n_channels, 100), np.zeros((n_channels + 1, 1))
    uncut, _ = causal.scale_chunk(samples, power, plan)
    for n in range(100):
        one, power = causal.scale_chunk(samples[:, n : n + 1], power, plan)
        np.testing.assert_array_equal(one[:, 0], uncut[:, n])


@given(PLANS, st.integers(0, 299))
def test_the_future_changes_nothing_in_the_past(plan, moment):
    # Room after the last moment: the filter's first taps are 0 to rounding.
    samples = noise(2, 400)
    changed = samples.copy()
    changed[:, moment:] = 100 * noise(2, 400, seed=1)[:, moment:]
    before = int(np.ceil(moment * plan.up / plan.down))
    first, second = at_once(samples, plan), at_once(changed, plan)
    np.testing.assert_array_equal(first[:, :before], second[:, :before])
    assert not np.array_equal(first[:, before:], second[:, before:])


def test_states_are_not_changed():
    plan = signals.design(settings(sfreq=120, l_freq=1, h_freq=40), 360)
    _, state = causal.process(noise(2, 100), None, plan)
    first, _ = causal.process(noise(2, 50), state, plan)
    second, _ = causal.process(noise(2, 50), state, plan)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("old", "new"), [(360, 120), (360, 128), (100, 250)])
def test_resampling_is_scipys_delayed(old, new):
    plan = signals.design(settings(sfreq=new), old)
    samples = noise(2, 500)
    ours, _ = causal.resample_chunk(samples, np.zeros((2, 0)), plan)
    later = plan.delay_s * new
    assert later == pytest.approx(round(later))
    theirs = sp.resample_poly(samples, plan.up, plan.down, axis=1)
    kept = ours.shape[1] - round(later)
    np.testing.assert_allclose(ours[:, round(later) :], theirs[:, :kept], atol=1e-12)


def test_the_declared_delay_is_that_of_a_slow_wave():
    plan = signals.design(settings(sfreq=120), 360)
    times = np.arange(3600) / 360
    wave = np.sin(2 * np.pi * 2 * times)[None]
    ours, _ = causal.resample_chunk(wave, np.zeros((1, 0)), plan)
    expected = np.sin(2 * np.pi * 2 * (np.arange(1200) / 120 - plan.delay_s))
    np.testing.assert_allclose(ours[0, 40:], expected[40:], atol=1e-3)


def test_the_filter_passes_its_band_and_stops_the_rest():
    plan = signals.design(settings(l_freq=5, h_freq=15, notch=50), 360)
    _, response = sp.sosfreqz(plan.sections, [0, 5, 9, 15, 50], fs=360)
    expected = [0, np.sqrt(0.5), 1, np.sqrt(0.5), 0]
    np.testing.assert_allclose(np.abs(response), expected, atol=0.02)


@pytest.mark.parametrize("band", [{"l_freq": 5}, {"h_freq": 5}, {}, {"notch": 50}])
def test_a_constant_has_no_transient(band):
    plan = signals.design(settings(**band, sfreq=90), 360)
    prepared = at_once(np.full((1, 500), 1e3), plan)
    passes = "l_freq" not in band
    np.testing.assert_allclose(prepared, float(passes), atol=1e-3)


def test_the_scale_is_the_exponential_mean_of_squares():
    plan = signals.design(settings(scale=Scale(tau_s=0.1, floor=1e-9)), 100)
    samples = noise(2, 60)
    weights = plan.decay ** np.arange(60)
    for n in (1, 2, 30, 60):
        past = samples[:, :n][:, ::-1]
        mean = (past**2 * weights[:n]).sum(1) / weights[:n].sum()
        expected = samples[:, n - 1] / np.sqrt(mean)
        np.testing.assert_allclose(
            at_once(samples, plan)[:, n - 1], expected, rtol=1e-6
        )


def test_a_shared_scale_keeps_the_channels_proportions():
    samples = noise(3, 200) * np.array([[1.0], [2.0], [5.0]])
    shared = Scale(tau_s=1, floor=1e-9, shared=True)
    prepared = at_once(samples, signals.design(settings(scale=shared), 100))
    ratio = prepared / samples
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:1], (3, 200)), rtol=1e-6)
    assert np.sqrt(np.mean(prepared**2)) == pytest.approx(1, rel=0.2)


def test_shares_take_out_what_lasts_of_the_proportions() -> None:
    """Against the formula; a channel that grows lately still stands out."""
    samples = noise(2, 400) * np.array([[1.0], [6.0]])
    samples[0, 350:] *= 4
    samples = np.concatenate([samples, np.zeros((1, 400))])  # and one that is off
    scale = Scale(tau_s=0.2, floor=1e-9, shared=True, profile_s=2)
    plan = signals.design(settings(scale=scale), 100)
    prepared = at_once(samples, plan)

    def mean(squares: np.ndarray, decay: float) -> np.ndarray:
        weights = decay ** np.arange(squares.shape[-1])[::-1]
        return (squares * weights).sum(-1) / weights.sum()

    for n in (1, 50, 400):
        squares = samples[:, :n] ** 2
        fast, slow = (mean(squares, np.exp(-0.01 / tau)) for tau in (0.2, 2))
        scales = np.sqrt(fast.mean() * slow / slow.mean())
        expected = samples[:2, n - 1] / scales[:2]
        np.testing.assert_allclose(prepared[:2, n - 1], expected, rtol=1e-5)
    assert not prepared[2].any()
    before, after = (
        np.sqrt((prepared[:2, part] ** 2).mean(1))
        for part in (slice(200, 350), slice(350, None))
    )
    assert before[0] == pytest.approx(before[1], rel=0.3)
    assert after[0] > 2 * after[1]
    (first, state), uncut = causal.process(samples[:, :171], None, plan), prepared
    second, _ = causal.process(samples[:, 171:], state, plan)
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), uncut)


def test_shares_without_a_shared_scale_are_refused() -> None:
    with pytest.raises(ValidationError, match="without shared"):
        Scale(tau_s=1, floor=1e-9, profile_s=60)


def test_silence_is_divided_by_the_floor():
    plan = signals.design(settings(scale=Scale(tau_s=1, floor=0.5)), 100)
    quiet = noise(1, 100) * 1e-3
    np.testing.assert_allclose(at_once(quiet, plan), quiet / 0.5, rtol=1e-6)


def test_a_rate_that_was_kept_in_float32() -> None:
    """249.89 comes back as 249.88999938964844, and 499.78 is twice as much still."""
    kept = float(np.float32(249.89))
    plan = signals.design(settings(sfreq=124.945), kept)
    assert (plan.up, plan.down) == (1, 2)
    with pytest.raises(ConfigError, match="ratio of integers"):
        signals.design(settings(sfreq=124.947), kept)
