"""Latency: against its equation, step by step."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings

from pipeline.encoders.latency import Latency
from tests.encoders.framed import SIGNALS, at_step, by_sign, encode, held, slow_encode


def linear(xs: Sequence[float], n: int) -> list[list[bool]]:
    return [at_step(round((n - 1) * (1 - x)) if x >= 0.05 else None, n) for x in xs]


def logarithmic(xs: Sequence[float], n: int) -> list[list[bool]]:
    theta = 0.05 / 2

    def charged(x: float) -> float:
        return float(np.log(x / (x - theta)))

    first, last = -math.log(1 - theta), math.log(2)
    return [
        at_step(round((n - 1) * ((charged(x) - first) / (last - first))), n)
        if x >= 0.05
        else [False] * n
        for x in xs
    ]


@settings(deadline=None)
@given(SIGNALS)
def test_equals_its_equations(signal: np.ndarray) -> None:
    for kind, slow in (("linear", linear), ("logarithmic", logarithmic)):
        expected = slow_encode(by_sign(signal), 10, 4.0, slow)
        assert encode(Latency(kind=kind), signal).tolist() == expected


@pytest.mark.parametrize("kind", ["linear", "logarithmic"])
def test_strong_is_early_and_weak_is_late(kind: str) -> None:
    encoder = Latency(kind=kind, full_scale=1, threshold=0.1)
    spikes = encode(encoder, held([1, 0.5, 0.1, 0.0999, -1], 10))
    steps = [np.flatnonzero(row).tolist() for row in spikes]
    middle, last = (24, 38) if kind == "linear" else (21, 39)
    assert steps == [[10, middle, last], [50]]


@pytest.mark.parametrize("kind", ["linear", "logarithmic"])
def test_the_threshold_itself_fires(kind: str) -> None:
    encoder = Latency(kind=kind, full_scale=1, threshold=0.25)
    assert encode(encoder, held([0.25, 0.24], 10)).sum(axis=1).tolist() == [1, 0]


def test_the_logarithm_is_fine_for_weak_amplitudes() -> None:
    shares = np.geomspace(0.05, 0.1, 20)
    errors = []
    for kind in ("linear", "logarithmic"):
        encoder = Latency(kind=kind, full_scale=1)
        signal = held(shares.tolist(), 25)
        decoded = encoder.decode(encode(encoder, signal, sfreq=250.0), 250.0)
        errors.append(np.abs(decoded[:, 25:] - signal[:, :-25]).max())
    assert errors[1] < errors[0] / 3
