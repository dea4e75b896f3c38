"""Rate code: probabilities, and draws that follow the seed and nothing else."""

import numpy as np
import pytest

from pipeline.encoders.rate import Rate


def encode(encoder: Rate, signal: np.ndarray, seed: int = 1) -> np.ndarray:
    signal = np.atleast_2d(signal).astype(np.float32)
    state = encoder.initial_state(len(signal), 250.0, np.random.default_rng(seed))
    return encoder.encode(signal, state)[0]


@pytest.mark.parametrize("level", [-5.0, -1.0, 0.0, 0.25, 2.0, 4.0])
def test_rate_is_the_magnitude(level: float) -> None:
    n_samples = 100_000
    on, off = encode(Rate(full_scale=4.0), np.full(n_samples, level)).mean(axis=1)
    probability = min(1.0, abs(level) / 4)
    deviation = 5 * np.sqrt(probability * (1 - probability) / n_samples)
    fires, silent = (on, off) if level > 0 else (off, on)
    assert fires == pytest.approx(probability, abs=deviation)
    assert silent == 0


def test_draws_are_those_of_the_generator_in_the_order_of_time() -> None:
    signal = np.array([[0.5, -0.5, 1.0, 0.1], [0.9, 0.2, -0.7, 0.0]], dtype=np.float32)
    rng = np.random.default_rng(5)
    expected = np.zeros((4, 4), dtype=bool)
    for step in range(4):
        for channel in range(2):
            fires = rng.random() < abs(float(signal[channel, step]))
            expected[2 * channel + int(signal[channel, step] < 0), step] = fires
    np.testing.assert_array_equal(encode(Rate(full_scale=1.0), signal, 5), expected)


def test_seeds_differ() -> None:
    signal = np.full(1000, 2.0)
    one, again, other = (encode(Rate(), signal, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_decode_is_right_on_average() -> None:
    encoder = Rate(full_scale=4.0)
    signal = np.repeat([[1.5], [-3.0], [0.0]], 100_000, axis=1)
    decoded = encoder.decode(encode(encoder, signal), 250.0)
    np.testing.assert_allclose(decoded.mean(axis=1), [1.5, -3.0, 0.0], atol=0.05)


def test_features() -> None:
    assert Rate().features(("C3",)) == ("C3+", "C3-")
