"""Turning a signal: every value comes to its place, whatever the shape and the view."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kernels.compiling import compiled
from pipeline.kernels.encoders.step_forward import run
from pipeline.kernels.encoders.turning import SMALL, Rows, rows_of, turn
from pipeline.kernels.encoders.vectors import STEPS

LONG = SMALL // 5 + 1
"""Steps of five channels that are not copied."""


@compiled
def _turned(
    rows: Rows, first: int, n_channels: int, start: int, tile: np.ndarray
) -> None:
    turn(rows, first, n_channels, start, tile.shape[0], tile)


def drawn(n_channels: int, n_steps: int) -> np.ndarray:
    rng = np.random.default_rng([n_channels, n_steps])
    signal = rng.normal(size=(n_channels, n_steps)).astype(np.float32)
    strange = rng.random(signal.shape) < 0.1
    signal[strange] = rng.choice([np.nan, np.inf, -np.inf, 3e38, -0.0], strange.sum())
    return signal


@settings(deadline=None, max_examples=60)
@given(
    n_channels=st.integers(1, 35),
    count=st.integers(0, STEPS),
    first=st.integers(0, 5),
    start=st.integers(0, 9),
    precision=st.sampled_from([np.float32, np.float64]),
)
def test_equals_its_twin(
    n_channels: int, count: int, first: int, start: int, precision: type
) -> None:
    signal = drawn(first + n_channels + 2, start + count + 3)
    tile: np.ndarray = np.full((count, n_channels + 1), 7.0, precision)
    _turned(rows_of(signal), first, n_channels, start, tile)
    piece = signal[first : first + n_channels, start : start + count].T
    expected = np.where(np.isfinite(piece), piece, np.nan)
    np.testing.assert_array_equal(tile[:, :-1], expected)
    assert (tile[:, -1] == 7).all()


PLACES = (slice(None), slice(0, LONG), slice(3, LONG + 3), slice(7, 7 + 2 * LONG, 2))


@pytest.mark.parametrize("place", PLACES)
def test_rows_lie_where_their_strides_say(place: slice) -> None:
    """And a long piece of a signal is not copied."""
    signal = drawn(5, 3 * LONG)[:, place]
    rows = rows_of(signal)
    assert np.shares_memory(rows.values, signal) == (place.step is None)
    for channel, row in enumerate(signal):
        at = channel * rows.stride
        np.testing.assert_array_equal(rows.values[at : at + rows.n_steps], row)


def test_other_orders_and_types_are_copied() -> None:
    signal = drawn(5, LONG)
    for other in (np.asfortranarray(signal), signal.astype(np.float64), signal[::-1]):
        rows = rows_of(other)
        assert rows.values.dtype == np.float32
        np.testing.assert_array_equal(rows.values, other.astype(np.float32).reshape(-1))


@pytest.mark.parametrize("n_channels", [1, 8, 31, 32, 33, 72])
def test_step_forward_takes_channels_abreast_as_it_takes_one(n_channels: int) -> None:
    signal = drawn(n_channels, 133)
    starts = np.full((1, n_channels), np.nan)
    packed, values = run(signal, starts, 0.3)
    for channel in range(n_channels):
        one = slice(channel, channel + 1)
        alone, value = run(signal[one], starts[:, one], 0.3)
        np.testing.assert_array_equal(packed[2 * channel : 2 * channel + 2], alone)
        np.testing.assert_array_equal(values[:, one], value)
