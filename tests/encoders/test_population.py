"""Population: against Gaussian fields one by one; rates by their statistics."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.encoders import population
from pipeline.encoders.population import Population
from tests.encoders.framed import SIGNALS, at_step, encode, held, slow_encode

CENTRES = [-1.0, -0.5, 0.0, 0.5, 1.0]


def active(x: float, centre: float) -> float:
    return float(np.exp(-((x - centre) ** 2) / (2 * (0.6 * 0.5) ** 2)))


def slow(xs: Sequence[float], n: int) -> list[list[bool]]:
    rows = []
    for x in xs:
        for centre in CENTRES:
            a = active(x, centre)
            step = round((n - 1) / 0.9 * (1 - a)) if a >= 0.1 else None
            rows.append(at_step(step, n))
    return rows


@settings(deadline=None)
@given(SIGNALS)
def test_equals_its_equation(signal: np.ndarray) -> None:
    expected = slow_encode(signal.astype(float).tolist(), 10, 4.0, slow)
    assert encode(Population(neurons=5), signal).tolist() == expected


def test_features() -> None:
    names = Population(neurons=3).features(("MLII", "V1"))
    assert names == ("MLII:1", "MLII:2", "MLII:3", "V1:1", "V1:2", "V1:3")


@settings(deadline=None, max_examples=60)
@given(st.integers(3, 20), st.floats(0.4, 1), st.integers(2, 60))
def test_centroids_keep_the_bound(neurons: int, width: float, n_steps: int) -> None:
    encoder = Population(neurons=neurons, width=width, frame_s=n_steps / 100)
    x = np.linspace(-1, 1, 2001)[None]
    decoded = encoder.amplitudes(encoder.patterns(x, 100.0, None), 100.0)
    error = encoder.full_scale * np.abs(decoded - x).max()
    assert error <= encoder.amplitude_bound(100.0)


def test_rates_are_activations() -> None:
    n_frames, level = 4000, 1.1
    signal = held([level] * n_frames, 10)
    spikes = encode(Population(neurons=5, code="rate"), signal)[:, 10:]
    expected = np.array([active(level / 4, centre) for centre in CENTRES])
    deviation = np.sqrt(expected * (1 - expected) / spikes.shape[1])
    assert (np.abs(spikes.mean(axis=1) - expected) <= 4.5 * deviation + 1e-12).all()


@pytest.mark.parametrize("draws", [1, 20, 1 << 20])
def test_rates_draw_in_the_order_of_time(
    draws: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(population, "DRAWS", draws)
    signal = np.array([[2.0] * 3 + [-1.0] * 3 + [0.0] * 3], dtype=np.float32)
    encoder = Population(neurons=5, code="rate", frame_s=0.03)
    rng, expected = np.random.default_rng(1), np.zeros((5, 9), dtype=bool)
    for step in range(9):
        x = [math.nan, 0.5, -0.25][step // 3]
        for neuron in range(5 if step >= 3 else 0):
            expected[neuron, step] = rng.random() < active(x, CENTRES[neuron])
    np.testing.assert_array_equal(encode(encoder, signal), expected)


@pytest.mark.parametrize("level", [-2.0, -0.3, 0.0, 1.7])
def test_rates_decode_on_average(level: float) -> None:
    encoder = Population(code="rate")
    signal = held([level] * 3000, 10)
    decoded = encoder.decode(encode(encoder, signal), 100.0)[0, 10::10]
    assert decoded.mean() == pytest.approx(level, abs=0.05)
