"""Inter-spike intervals: against the equation, spike by spike."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings

from pipeline.encoders.isi import Isi
from pipeline.errors import ConfigError
from tests.encoders.framed import SIGNALS, by_sign, encode, held, slow_encode


def slow(xs: Sequence[float], n: int) -> list[list[bool]]:
    rows = []
    for x in xs:
        row = [False] * n
        if x > 0:
            interval = round(n - (n - 2) * x)
            for step in range(interval - 1, n, interval):
                row[step] = True
        rows.append(row)
    return rows


@settings(deadline=None)
@given(SIGNALS)
def test_equals_its_equation(signal: np.ndarray) -> None:
    expected = slow_encode(by_sign(signal), 10, 4.0, slow)
    assert encode(Isi(shortest_s=0.02), signal).tolist() == expected


def test_intervals_by_hand() -> None:
    spikes = encode(Isi(full_scale=1), held([1, 0.5, 1e-6, 0], 10))[0]
    assert spikes.reshape(5, 10).sum(axis=1).tolist() == [0, 10, 1, 1, 0]
    assert np.flatnonzero(spikes[20:]).tolist() == [5, 19]


@pytest.mark.parametrize(("shortest_s", "n"), [(0.1, 10), (0.096, 10), (0.2, 20)])
def test_the_shortest_interval_is_below_a_frame(shortest_s: float, n: int) -> None:
    encoder = Isi(shortest_s=shortest_s)
    with pytest.raises(ConfigError, match=f"{n} samples, and a frame has 10"):
        encoder.initial_state(1, 100.0, np.random.default_rng(0))
