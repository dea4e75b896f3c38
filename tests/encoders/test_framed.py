"""What all codes of frames keep: chunks, missing samples, states, delays, bounds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.encoders.burst import Burst
from pipeline.encoders.delayed_burst import DelayedBurst
from pipeline.encoders.isi import Isi
from pipeline.encoders.latency import Latency
from pipeline.encoders.parts.framed import FramedEncoder
from pipeline.encoders.phase import Phase
from pipeline.encoders.poisson_burst import PoissonBurst
from pipeline.encoders.population import Population
from pipeline.encoders.rank_order import RankOrder
from pipeline.encoders.rate import Rate
from pipeline.errors import ConfigError, DataError
from tests.encoders.framed import SFREQ, SIGNALS, encode, held

CODES: list[FramedEncoder] = [
    Latency(),
    Latency(kind="logarithmic"),
    Isi(),
    RankOrder(),
    Phase(digits=5),
    Burst(),
    Population(),
    Population(code="rate"),
]
ALL = [*CODES, PoissonBurst(), DelayedBurst(), DelayedBurst(of=Rate(), spikes=1)]
each = pytest.mark.parametrize("encoder", ALL, ids=repr)
each_code = pytest.mark.parametrize("encoder", CODES, ids=repr)


@each
@settings(deadline=None, max_examples=40)
@given(SIGNALS, st.data())
def test_chunks_change_nothing(
    encoder: FramedEncoder, signal: np.ndarray, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, signal.shape[1]), max_size=8))
    expected = encode(encoder, signal)
    assert expected.shape[1] == signal.shape[1]
    np.testing.assert_array_equal(encode(encoder, signal, [0, 0, *cuts]), expected)


@each
def test_one_sample_at_a_time_changes_nothing(encoder: FramedEncoder) -> None:
    signal = np.random.default_rng(1).normal(0, 3, (3, 57)).astype(np.float32)
    spikes = encode(encoder, signal)
    assert spikes.any()
    np.testing.assert_array_equal(encode(encoder, signal, range(57)), spikes)


@each
def test_spikes_can_be_changed_by_whoever_has_them(encoder: FramedEncoder) -> None:
    signal = np.random.default_rng(1).normal(0, 3, (2, 40)).astype(np.float32)
    expected = encode(encoder, signal)
    state = encoder.initial_state(2, SFREQ, np.random.default_rng(1))
    for start, stop in ((0, 13), (13, 15), (15, 40)):
        for _ in range(2):  # the state before gives the same spikes again
            spikes, after = encoder.encode(signal[:, start:stop], state)
            np.testing.assert_array_equal(spikes, expected[:, start:stop])
            spikes[:] = ~spikes
        state = after


@each
@pytest.mark.parametrize("level", [0.0, -0.0, 5.0, 1e6, -1e6, math.inf, math.nan])
def test_constants_do_not_crash(encoder: FramedEncoder, level: float) -> None:
    signal = np.full((2, 50), level, np.float32)
    spikes = encode(encoder, signal)
    assert np.isfinite(encoder.decode(spikes, SFREQ)).all()
    assert not spikes[:, :10].any()


@each_code
def test_missing_samples_do_not_count(encoder: FramedEncoder) -> None:
    signal = np.repeat([[2.0, 3.0, -1.0, 0.0]], 10, axis=1).astype(np.float32)
    holed = signal.copy()
    holed[0, [0, 3, 19, 21, 22, 29]] = np.nan
    np.testing.assert_array_equal(encode(encoder, holed), encode(encoder, signal))


@each_code
def test_a_frame_without_a_number_is_silent(encoder: FramedEncoder) -> None:
    signal = np.repeat([[2.0, np.nan, 2.0]], 10, axis=1).astype(np.float32)
    by_frame = encode(encoder, signal).reshape(-1, 3, 10).any(axis=(0, 2))
    assert by_frame.tolist() == [False, True, False]


@each_code
def test_full_scale_is_not_passed(encoder: FramedEncoder) -> None:
    strong = held([4, -4], 10), held([1e6, -np.inf], 10)
    one, other = (encode(encoder, signal) for signal in strong)
    np.testing.assert_array_equal(one, other)


@each
def test_the_state_of_other_channels_is_refused(encoder: FramedEncoder) -> None:
    state = encoder.initial_state(2, SFREQ, np.random.default_rng(1))
    with pytest.raises(DataError, match="a chunk of 3 channels"):
        encoder.encode(np.zeros((3, 5), np.float32), state)


@each
def test_a_frame_of_one_sample_is_refused(encoder: FramedEncoder) -> None:
    short = encoder.model_copy(update={"frame_s": 0.01})
    for call in (
        lambda: short.initial_state(1, SFREQ, np.random.default_rng(1)),
        lambda: short.delay_s(SFREQ),
        lambda: short.decode(np.zeros((8, 5), np.bool_), SFREQ),
    ):
        with pytest.raises(ConfigError, match="1 samples at 100 Hz") as raised:
            call()
        assert "0.02 or more" in raised.value.remedy


@each
def test_the_delay_is_a_frame_of_samples(encoder: FramedEncoder) -> None:
    assert encoder.delay_s(SFREQ) == 0.1
    assert encoder.delay_s(128.0) == 13 / 128


@each_code
@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40),
    st.sampled_from([100.0, 250.0, 333.0, 1000.0]),
)
def test_decoded_frames_keep_the_bound(
    encoder: FramedEncoder, shares: list[float], sfreq: float
) -> None:
    bound = encoder.amplitude_bound(sfreq)
    if bound is None:
        return
    n_steps = encoder.n_steps(sfreq)
    signal = held([encoder.full_scale * share for share in shares], n_steps)
    decoded = encoder.decode(encode(encoder, signal, sfreq=sfreq), sfreq)
    assert not decoded[:, :n_steps].any()
    error = np.abs(decoded[:, n_steps:] - signal[:, :-n_steps]).max()
    assert error <= bound * (1 + 1e-5)


@each_code
def test_frames_of_both_signs_keep_twice_the_bound(encoder: FramedEncoder) -> None:
    bound = encoder.amplitude_bound(250.0)
    if bound is None:
        return
    noise = np.random.default_rng(4).normal(0, 1.5, (3, 25 * 400)).astype(np.float32)
    decoded = encoder.decode(encode(encoder, noise, sfreq=250.0), 250.0)
    means = noise.reshape(3, 400, 25).mean(axis=2)
    error = decoded.reshape(3, 400, 25)[:, 1:] - means[:, :-1, None]
    assert np.abs(error).max() <= 2 * bound


@each_code
def test_the_bound_is_not_loose(encoder: FramedEncoder) -> None:
    bound = encoder.amplitude_bound(250.0)
    if bound is None:
        return
    signal = held(np.linspace(0, encoder.full_scale, 4001).tolist(), 25)
    decoded = encoder.decode(encode(encoder, signal, sfreq=250.0), 250.0)
    assert np.abs(decoded[:, 25:] - signal[:, :-25]).max() > 0.3 * bound


@each
def test_a_last_incomplete_frame_is_decoded(encoder: FramedEncoder) -> None:
    spikes = encode(encoder, held([2.0, 1.0, 3.0], 10))
    assert encoder.decode(spikes[:, :34], SFREQ).shape == (1, 34)
    assert encoder.decode(spikes[:, :0], SFREQ).shape == (1, 0)


@each
def test_operations_are_counted_or_not_known(encoder: FramedEncoder) -> None:
    operations = encoder.operations()
    if isinstance(encoder, RankOrder):  # sorting depends on the number of channels
        assert operations is None
    else:
        assert operations is not None
        assert all(number > 0 for number in operations.values())
