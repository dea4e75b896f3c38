"""Rank order: against sorting by hand."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings

from pipeline.encoders.rank_order import RankOrder
from tests.encoders.framed import SIGNALS, at_step, by_sign, encode, slow_encode


def slow(xs: Sequence[float], n: int) -> list[list[bool]]:
    firing = sorted((i for i, x in enumerate(xs) if x > 0), key=lambda i: -xs[i])
    ranks = {row: rank for rank, row in enumerate(firing)}
    return [at_step(ranks.get(row), n) for row in range(len(xs))]


@settings(deadline=None)
@given(SIGNALS)
def test_equals_sorting(signal: np.ndarray) -> None:
    for frame_s, n_steps in ((0.1, 10), (0.03, 3)):
        expected = slow_encode(by_sign(signal), n_steps, 4.0, slow)
        assert encode(RankOrder(frame_s=frame_s), signal).tolist() == expected


def test_ties_go_by_the_order_of_channels() -> None:
    signal = np.repeat([[1.0, 0], [-2, 0], [1, 0], [0, 0]], 10, axis=1)
    spikes = encode(RankOrder(), signal.astype(np.float32))
    fired = [np.flatnonzero(row).tolist() for row in spikes]
    assert fired == [[11], [], [], [10], [12], [], [], []]


def test_decode_keeps_the_order() -> None:
    levels = np.random.default_rng(2).uniform(0.1, 4, (9, 12))
    signal = np.repeat(levels, 10, axis=1).astype(np.float32)
    decoded = RankOrder(m=0.8).decode(encode(RankOrder(m=0.8), signal), 100.0)
    frames = decoded[:, 10::10]
    expected = np.argsort(-levels[:, :-1], axis=0)
    np.testing.assert_array_equal(np.argsort(-frames, axis=0), expected)
    ranked = np.sort(frames, axis=0)[::-1]
    np.testing.assert_allclose(ranked[:, 0], 4 * 0.8 ** np.arange(9), rtol=1e-6)


def test_those_that_come_after_the_frame_do_not_fire() -> None:
    levels = np.arange(1, 8)[:, None] * [1.0, 0]
    signal = np.repeat(levels, 3, axis=1).astype(np.float32)
    spikes = encode(RankOrder(frame_s=0.03, full_scale=10), signal)
    assert np.flatnonzero(spikes.any(axis=1)).tolist() == [8, 10, 12]
