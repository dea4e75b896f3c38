"""Each compiled code against its reference in Python, event by event, bit for bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.encoders.bsa import Bsa
from pipeline.encoders.delta import Delta
from pipeline.encoders.level_crossing import LevelCrossing
from pipeline.encoders.moving_window import MovingWindow
from pipeline.encoders.parts.stepwise import Stepwise
from pipeline.encoders.rate import Rate
from pipeline.encoders.send_on_delta import SendOnDelta
from pipeline.encoders.sigma_delta import SigmaDelta
from pipeline.encoders.temporal_contrast import TemporalContrast
from pipeline.kernels.encoders.bsa import plain_bsa
from pipeline.kernels.encoders.level_crossing import plain_level_crossing
from pipeline.kernels.encoders.moving_window import plain_moving_window
from pipeline.kernels.encoders.regular_rate import plain_regular_rate
from pipeline.kernels.encoders.send_on_delta import plain_send_on_delta
from pipeline.kernels.encoders.sigma_delta_code import plain_sigma_delta_code
from pipeline.kernels.encoders.step_forward import plain_step_forward
from pipeline.kernels.encoders.stepwise import PlainThreshold
from pipeline.kernels.encoders.temporal_contrast import (
    plain_running_contrast,
    plain_temporal_contrast,
)

SFREQ = 250.0
RNG = np.random.default_rng(0)
SEEKS = {"events_per_s": 20.0, "adapt_s": 0.3}


def alpha(encoder: TemporalContrast) -> float:
    return float(-np.expm1(-1 / (encoder.tau_s * SFREQ)))


Twin = Callable[[Any, list[float], PlainThreshold], list[int]]

TWINS: dict[type[Stepwise], Twin] = {
    Delta: lambda _, x, t: plain_step_forward(x, t),
    SendOnDelta: lambda e, x, t: plain_send_on_delta(x, t, e.most, e.hysteresis),
    TemporalContrast: lambda e, x, t: (
        plain_temporal_contrast(x, t)
        if e.factor is None
        else plain_running_contrast(x, e.factor, alpha(e))
    ),
    MovingWindow: lambda e, x, t: plain_moving_window(x, t, round(e.window_s * SFREQ)),
    SigmaDelta: lambda _, x, t: plain_sigma_delta_code(x, t),
    LevelCrossing: lambda e, x, t: plain_level_crossing(x, t, e.most),
    Rate: lambda _, x, t: plain_regular_rate(x, t),
    Bsa: lambda e, x, _: plain_bsa(x, e.taps(SFREQ).tolist(), e.first_threshold()),
}

ENCODERS = [
    Delta(threshold=0.3),
    Delta(**SEEKS),
    SendOnDelta(threshold=0.3, most=3, hysteresis=0.5),
    SendOnDelta(threshold=0.1),
    SendOnDelta(threshold=0.1, most=1),
    SendOnDelta(**SEEKS, most=2),
    SendOnDelta(snr_db=15.0, adapt_s=0.3, most=3, hysteresis=0.2),
    TemporalContrast(threshold=0.3),
    TemporalContrast(**SEEKS),
    TemporalContrast(factor=0.7, tau_s=0.1),
    MovingWindow(window_s=0.04),
    MovingWindow(window_s=0.02, **SEEKS),
    SigmaDelta(threshold=1.5),
    SigmaDelta(threshold=1.5, **SEEKS),
    LevelCrossing(spacing=0.3),
    LevelCrossing(spacing=0.1, most=2),
    Rate(kind="regular", full_scale=2.0),
    Bsa(length=5, full_scale=2.0, threshold=0.5),
    Bsa(length=12, full_scale=1.0, threshold=0.01, cutoff_hz=80.0),
]

STRANGE = np.array([np.nan, np.inf, -np.inf, -0.0, 1e6, -1e6, 3e38, 1e-45], np.float32)


def mixed(n_channels: int, n_steps: int, coarse: bool, strange: int) -> np.ndarray:
    """Draw a signal, on a grid where it meets thresholds exactly, or not."""
    rng = np.random.default_rng([n_channels, n_steps, coarse, strange])
    signal = rng.normal(scale=2, size=(n_channels, n_steps)).astype(np.float32)
    if coarse:
        signal = np.rint(8 * signal) / 8
    where = rng.random(signal.shape) < strange / 50
    signal[where] = rng.choice(STRANGE, where.sum())
    return signal


SIGNALS = st.builds(
    mixed, st.integers(1, 10), st.integers(0, 140), st.booleans(), st.integers(0, 10)
)


def name(encoder: Stepwise) -> str:
    given_ = encoder.model_dump(exclude_defaults=True)
    return "-".join([type(encoder).__name__, *(f"{k}={v}" for k, v in given_.items())])


def counts(encoder: Stepwise, signal: np.ndarray) -> np.ndarray:
    state = encoder.initial_state(len(signal), SFREQ, RNG)
    return encoder.counts(encoder.encode(signal, state)[0])


def plain_counts(encoder: Stepwise, signal: np.ndarray) -> np.ndarray:
    control = encoder.control(SFREQ)
    return np.array(
        [
            TWINS[type(encoder)](
                encoder,
                row.astype(np.float64).tolist(),
                PlainThreshold(encoder.first_threshold(), control),
            )
            for row in signal
        ],
        dtype=np.int8,
    ).reshape(signal.shape)


@pytest.mark.parametrize("encoder", ENCODERS, ids=name)
@settings(deadline=None, max_examples=40)
@given(signal=SIGNALS)
def test_equals_its_twin(encoder: Stepwise, signal: np.ndarray) -> None:
    np.testing.assert_array_equal(
        counts(encoder, signal), plain_counts(encoder, signal)
    )


@pytest.mark.parametrize("encoder", ENCODERS, ids=name)
def test_equals_its_twin_over_a_long_walk(encoder: Stepwise) -> None:
    rng = np.random.default_rng(3)
    signal = rng.normal(scale=0.2, size=(9, 3000)).cumsum(axis=1)
    signal = (signal - signal.mean(axis=1, keepdims=True)).astype(np.float32)
    found = counts(encoder, signal)
    np.testing.assert_array_equal(found, plain_counts(encoder, signal))
    assert (found > 0).any()
    assert (found < 0).any()


@pytest.mark.parametrize("encoder", ENCODERS, ids=name)
@settings(deadline=None, max_examples=20)
@given(signal=SIGNALS, cuts=st.lists(st.floats(0, 1), max_size=6))
def test_any_chunks_give_the_same(
    encoder: Stepwise, signal: np.ndarray, cuts: list[float]
) -> None:
    start = state = encoder.initial_state(len(signal), SFREQ, RNG)
    full, after = encoder.encode(signal, start)
    edges = sorted(round(cut * signal.shape[1]) for cut in cuts)
    pieces = []
    for chunk in np.split(signal, edges, axis=1):
        piece, state = encoder.encode(chunk, state)
        pieces.append(piece)
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), full)
    np.testing.assert_array_equal(state.values, after.values)
    np.testing.assert_array_equal(state.thresholds, after.thresholds)
    packed, _ = encoder.encode_packed(signal, start)
    np.testing.assert_array_equal(packed, np.packbits(full, axis=1))


@pytest.mark.parametrize(
    "encoder", [e for e in ENCODERS if getattr(e, "moves", False)], ids=name
)
def test_a_decoder_repeats_the_thresholds(encoder: Any) -> None:
    signal = RNG.normal(size=(3, 2000)).astype(np.float32)
    spikes, state = encoder.encode(signal, encoder.initial_state(3, SFREQ, RNG))
    replayed = encoder.thresholds(spikes, SFREQ)
    for channel, row in enumerate(encoder.counts(spikes).tolist()):
        plain = PlainThreshold(encoder.threshold, encoder.control(SFREQ))
        for step, count in enumerate(row):
            assert replayed[channel, step] == plain.value
            plain.note(count)
        assert state.thresholds[channel] == plain.value
