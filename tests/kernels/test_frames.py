"""The compiled means of frames against their reference in Python, bit for bit."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.kernels.encoders.frames import frame_means, plain_frame_means

VALUES = st.floats(-1e3, 1e3, width=32) | st.sampled_from([np.nan, np.inf, -0.0])
SHAPES = st.tuples(st.integers(1, 4), st.integers(0, 60))


@settings(deadline=None)
@given(arrays(np.float32, SHAPES, elements=VALUES), st.integers(2, 9), st.data())
def test_equals_its_twin(rows: np.ndarray, n_steps: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, n_steps - 1))
    sums, counts = np.full(len(rows), 0.1), np.full(len(rows), place)
    got = frame_means(rows, sums, counts, place, n_steps)
    expected = plain_frame_means(rows, sums, counts, place, n_steps)
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)
    assert (sums == 0.1).all()
    assert (counts == place).all()


def test_by_hand() -> None:
    rows = np.array([[1, 2, np.nan, 4, 6, 7, 1], [np.nan] * 7], dtype=np.float32)
    start = np.array([5.0, 0.0]), np.array([1, 0])
    means, sums, counts = frame_means(rows, *start, 1, 3)
    np.testing.assert_array_equal(means, [[8 / 3, 5], [math.nan, math.nan]])
    assert sums.tolist() == [8, 0]
    assert counts.tolist() == [2, 0]
