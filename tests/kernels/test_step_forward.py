"""The compiled loop against its plain twin, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.kernels.step_forward import plain_step_forward, step_forward

VALUES = st.floats(-1e3, 1e3, width=32) | st.just(np.nan)
SHAPES = st.tuples(st.integers(1, 4), st.integers(0, 60))


@settings(deadline=None)
@given(arrays(np.float32, SHAPES, elements=VALUES), st.floats(1e-3, 10))
def test_equals_its_twin(signal: np.ndarray, threshold: float) -> None:
    start = np.full(signal.shape[0], np.nan)
    spikes, reference = step_forward(signal, start, threshold)
    expected, expected_reference = plain_step_forward(signal, start, threshold)
    assert spikes.dtype == expected.dtype == np.bool_
    np.testing.assert_array_equal(spikes, expected)
    np.testing.assert_array_equal(reference, expected_reference)


def test_equals_its_twin_over_a_long_walk() -> None:
    rng = np.random.default_rng(3)
    signal = rng.normal(scale=0.2, size=(3, 20_000)).cumsum(axis=1).astype(np.float32)
    start = rng.normal(size=3)
    for got, expected in zip(
        step_forward(signal, start, 0.1),
        plain_step_forward(signal, start, 0.1),
        strict=True,
    ):
        np.testing.assert_array_equal(got, expected)


def test_arguments_stay_as_they_were() -> None:
    signal, start = np.ones((1, 5), dtype=np.float32), np.zeros(1)
    for kernel in (step_forward, plain_step_forward):
        kernel(signal, start, 0.5)
        assert start == 0
        assert (signal == 1).all()


@pytest.mark.parametrize("kernel", [step_forward, plain_step_forward])
def test_by_hand(kernel: object) -> None:
    signal = np.array([[1.0, 1.5, 1.6, 3.0, 3.0, 2.0, 0.9]], dtype=np.float32)
    spikes, reference = kernel(signal, np.array([np.nan]), 0.5)  # type: ignore[operator]
    # The reference: 1, 1, 1.5, 2, 2.5, 2.5 (2 is just within), 2 at the end.
    assert spikes.astype(int).tolist() == [[0, 0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 1]]
    assert reference.tolist() == [2.0]
