"""Step-forward code: closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.encoders.delta import Delta

RNG = np.random.default_rng(0)


def encode(encoder: Delta, signal: np.ndarray) -> np.ndarray:
    signal = np.atleast_2d(signal).astype(np.float32)
    return encoder.encode(signal, encoder.initial_state(len(signal), 250.0, RNG))[0]


@pytest.mark.parametrize("n_samples", [100, 1000, 100_000])
def test_a_ramp_fires_by_its_height_however_slow(n_samples: int) -> None:
    spikes = encode(Delta(threshold=0.125), np.linspace(0, 10, n_samples))
    # The last step waits until the signal is more than a threshold above.
    assert spikes.sum(axis=1).tolist() == [79, 0]


def test_a_falling_ramp_fires_off() -> None:
    spikes = encode(Delta(threshold=0.125), np.linspace(5, -5, 1000))
    assert spikes.sum(axis=1).tolist() == [0, 79]


def test_the_reference_starts_at_the_first_sample() -> None:
    assert not encode(Delta(), np.full(50, 1e4)).any()


def test_a_jump_takes_one_step_a_sample() -> None:
    spikes = encode(Delta(threshold=1.0), np.array([0.0] + [3.5] * 9))
    assert spikes[0].astype(int).tolist() == [0, 1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_on_and_off_rows_belong_to_their_channel() -> None:
    encoder = Delta(threshold=0.5)
    spikes = encode(encoder, np.stack([np.arange(5.0), np.zeros(5), -np.arange(5.0)]))
    assert spikes.sum(axis=1).tolist() == [4, 0, 0, 0, 0, 4]
    names = encoder.features(("I", "II", "V1"))
    assert names == ("I+", "I-", "II+", "II-", "V1+", "V1-")


@given(st.floats(0.05, 2), st.integers(0, 2**32 - 1))
def test_decode_follows_a_signal_of_limited_slope(threshold: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    slopes = rng.uniform(-threshold, threshold, (2, 400)) * 0.999
    signal = np.cumsum(slopes, axis=1).astype(np.float32)
    encoder = Delta(threshold=threshold)
    decoded = encoder.decode(encode(encoder, signal), 250.0)
    error = np.abs(decoded - (signal - signal[:, :1])).max()
    assert error <= encoder.decode_bound() * (1 + 1e-4)


def test_a_missing_sample_is_silent_and_forgotten() -> None:
    spikes = encode(Delta(threshold=1.0), np.array([np.nan, 5.0, np.nan, 5.0, 6.5]))
    assert spikes[0].astype(int).tolist() == [0, 0, 0, 0, 1]


def test_by_hand() -> None:
    encoder = Delta(threshold=0.5)
    signal = np.array([[1.0, 1.5, 1.6, 3.0, 3.0, 2.0, 0.9]], dtype=np.float32)
    spikes, state = encoder.encode(signal, encoder.initial_state(1, 250.0, RNG))
    # The reference: 1, 1, 1.5, 2, 2.5, 2.5 (2 is just within), 2 at the end.
    assert spikes.astype(int).tolist() == [[0, 0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 1]]
    assert state.values.tolist() == [[2.0]]
