"""A device's even samples, found again in a log that holds each until the next."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.readers._tables.held import even_out

SFREQ = 200.0


def log(arrival_ms: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write a log of one row a millisecond: the last sample that has arrived."""
    time_ms = np.arange(arrival_ms[0], arrival_ms[-1] + 1)
    latest = np.searchsorted(arrival_ms, time_ms, side="right") - 1
    return time_ms * 1e-3, samples[:, latest]


def distinct(count: int) -> np.ndarray:
    return np.stack([np.arange(count), -np.arange(count)]).astype(float)


def test_an_even_log_is_found_again() -> None:
    samples = distinct(100)
    time_s, rows = log(7 + 5 * np.arange(100), samples)
    found, origin_s = even_out("", time_s, rows, SFREQ)
    np.testing.assert_array_equal(found, samples)
    assert origin_s == pytest.approx(0.007)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=40))
def test_bursts_without_losses_are_found_again(sizes: list[int]) -> None:
    """Packets of one to three samples: each arrives when its last sample is taken."""
    count = sum(sizes)
    taken_ms = 5 * np.arange(count)
    last = np.repeat(np.cumsum(sizes), sizes) - 1
    place = last - np.arange(count)
    # Three samples of a packet come a millisecond apart, so that the log sees each.
    arrival_ms = taken_ms[last] + 2 - place
    time_s, rows = log(arrival_ms, distinct(count))
    found, _ = even_out("", time_s, rows, SFREQ)
    np.testing.assert_array_equal(found[:, :count], distinct(count))


def test_a_lost_sample_holds_the_one_before() -> None:
    kept = np.array([0, 1, 3, 4])
    time_s, rows = log(5 * kept, distinct(5)[:, kept])
    found, _ = even_out("", time_s, rows, SFREQ)
    np.testing.assert_array_equal(found[0], [0, 1, 1, 3, 4])


def test_samples_come_before_they_arrive() -> None:
    """Three rows a millisecond apart take the slots up to the one they arrive in."""
    time_s, rows = log(np.array([0, 23, 24, 25]), distinct(4))
    found, origin_s = even_out("", time_s, rows, SFREQ)
    np.testing.assert_array_equal(found[0], [0, 0, 0, 1, 2, 3])
    assert origin_s == 0


def test_a_rate_that_is_too_low_is_refused() -> None:
    time_s, rows = log(2 * np.arange(1000), distinct(1000))
    with pytest.raises(DataError, match="1000 fresh rows"):
        even_out("log", time_s, rows, SFREQ)
