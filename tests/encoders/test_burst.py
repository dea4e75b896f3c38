"""Burst: against Guo's equations, spike by spike."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.encoders.burst import Burst
from pipeline.errors import ConfigError
from tests.encoders.framed import SIGNALS, by_sign, encode, held, slow_encode


def slow(xs: Sequence[float], n: int) -> list[list[bool]]:
    rows = []
    for x in xs:
        row = [False] * n
        if x > 0:
            count = math.ceil(3 * x)
            interval = math.ceil(5 - (5 - 2) * x) if count > 1 else 5
            for k in range(count):
                row[k * interval] = True
        rows.append(row)
    return rows


@settings(deadline=None)
@given(SIGNALS)
def test_equals_its_equations(signal: np.ndarray) -> None:
    encoder = Burst(spikes=3, shortest_s=0.02, longest_s=0.05)
    expected = slow_encode(by_sign(signal), 10, 4.0, slow)
    assert encode(encoder, signal).tolist() == expected


def test_bursts_by_hand() -> None:
    encoder = Burst(full_scale=1, spikes=4, shortest_s=0.01, longest_s=0.03)
    spikes = encode(encoder, held([1, 0.5, 0.25, 0.1, 0], 10))[0]
    steps = [np.flatnonzero(frame).tolist() for frame in spikes.reshape(6, 10)]
    assert steps == [[], [0, 1, 2, 3], [0, 2], [0], [0], []]


def test_intervals_add_to_what_counts_say() -> None:
    encoder = Burst(full_scale=1, spikes=2, shortest_s=0.001, longest_s=0.05)
    signal = held(np.linspace(0.51, 1, 200).tolist(), 100)
    decoded = encoder.decode(encode(encoder, signal, sfreq=1000.0), 1000.0)
    error = np.abs(decoded[:, 100:] - signal[:, :-100]).max()
    assert error <= 1 / (2 * 49) + 1e-6


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 9))
def test_what_is_accepted_fits(n: int, shortest: int, more: int) -> None:
    seconds = {"shortest_s": shortest / 100, "longest_s": (shortest + more) / 100}
    encoder = Burst(spikes=n, full_scale=1, **seconds)
    levels = np.linspace(0, 1, 101)
    try:
        encoder.n_steps(100.0)
    except ConfigError:
        return
    counts = encode(encoder, held(levels.tolist(), 10))[0].reshape(-1, 10).sum(axis=1)
    expected = np.ceil(n * levels.astype(np.float32).astype(float) - 1e-12)
    np.testing.assert_array_equal(counts[1:], expected)


def test_a_burst_that_does_not_fit_is_refused() -> None:
    encoder = Burst(spikes=5, shortest_s=0.03, longest_s=0.03)
    with pytest.raises(ConfigError, match="lasts 13 samples, and a frame") as raised:
        encoder.initial_state(1, 100.0, np.random.default_rng(0))
    assert "0.13 or more" in raised.value.remedy
    assert encoder.model_copy(update={"frame_s": 0.13}).n_steps(100.0) == 13


def test_intervals_in_order() -> None:
    with pytest.raises(ValidationError, match="the smaller one first"):
        Burst(shortest_s=0.05, longest_s=0.02)
