"""A device's even samples, found again in a log that holds each until the next."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.parts.tables.held import even_out

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
    found = even_out("", time_s, rows, SFREQ)
    np.testing.assert_array_equal(found.values, samples)
    assert found.origin_s == pytest.approx(0.007)
    assert (found.segments, found.remarks) == ((Segment(0, 0.0),), ())


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
    found = even_out("", time_s, rows, SFREQ).values
    np.testing.assert_array_equal(found[:, :count], distinct(count))


def test_a_lost_sample_holds_the_one_before() -> None:
    kept = np.array([0, 1, 3, 4])
    time_s, rows = log(5 * kept, distinct(5)[:, kept])
    found = even_out("", time_s, rows, SFREQ).values
    np.testing.assert_array_equal(found[0], [0, 1, 1, 3, 4])


def test_samples_come_before_they_arrive() -> None:
    """Three rows a millisecond apart take the slots up to the one they arrive in."""
    time_s, rows = log(np.array([0, 23, 24, 25]), distinct(4))
    found = even_out("", time_s, rows, SFREQ)
    np.testing.assert_array_equal(found.values[0], [0, 0, 0, 1, 2, 3])
    assert found.origin_s == 0


def test_a_rate_that_is_too_low_is_refused() -> None:
    time_s, rows = log(2 * np.arange(1000), distinct(1000))
    with pytest.raises(DataError, match="1000 fresh rows"):
        even_out("log", time_s, rows, SFREQ)


@pytest.mark.parametrize("sfreq", [220.0, 300.0, 400.0, 1000.0])
def test_a_rate_that_repeats_samples_is_refused(sfreq: float) -> None:
    """The device makes 200 samples a second; some of them are lost on the way."""
    kept = np.flatnonzero(np.arange(1000) % 7)
    time_s, rows = log(5 * kept, distinct(kept.size))
    for right in (195.0, 200.0):
        even_out("log", time_s, rows, right)
    with pytest.raises(DataError, match="200 fresh rows a second") as caught:
        even_out("log", time_s, rows, sfreq)
    assert "unchecked to [held]" in caught.value.remedy
    found = even_out("log", time_s, rows, sfreq, check=False).values
    assert found.shape[1] == pytest.approx(5 * sfreq, abs=10)


def test_bursts_that_lose_half_are_no_evidence_of_the_rate() -> None:
    """As the armband's link does; a quarter is too little."""
    rng = np.random.default_rng(2)
    for share, refused in ((0.5, False), (0.2, True)):
        kept = np.flatnonzero(rng.random(4000) < share)
        arrival = np.unique(5 * kept + rng.integers(0, 20, kept.size))
        time_s, rows = log(arrival, distinct(arrival.size))
        if refused:
            with pytest.raises(DataError, match="samples would be repeated"):
                even_out("log", time_s, rows, SFREQ)
        else:
            assert even_out("log", time_s, rows, SFREQ).remarks == ()


def test_a_value_that_is_held_for_long_is_a_pause() -> None:
    """Two seconds are lost, and a tenth of one, which is filled."""
    kept = np.concatenate([np.arange(100), np.arange(500, 600), np.arange(620, 700)])
    time_s, rows = log(5 * kept, distinct(kept.size))
    found = even_out("log", time_s, rows, SFREQ)
    assert found.segments == (Segment(0, 0.0), Segment(100, 2.5))
    assert found.values.shape[1] == 300
    np.testing.assert_array_equal(found.values[0, 98:102], [98, 99, 100, 101])
    np.testing.assert_array_equal(found.values[0, 199:220], [199] * 21)
    remark = "values held for more than 0.25 s, left out as pauses: 1, 2 s in all"
    assert found.remarks == (remark,)
    filled = even_out("log", time_s, rows, SFREQ, check=False)
    assert filled.values.shape[1] == 700
    assert filled.segments == (Segment(0, 0.0),)


def test_a_value_that_is_held_to_the_end_is_left_out() -> None:
    time_s, rows = log(5 * np.append(np.arange(100), 300), distinct(101))
    rows[:, -1] = rows[:, -2]
    found = even_out("log", time_s, rows, SFREQ)
    assert found.values.shape[1] == 100
    assert found.segments == (Segment(0, 0.0),)


def test_a_jump_of_the_clock_fills_no_memory() -> None:
    time_s, rows = log(5 * np.arange(100), distinct(100))
    time_s[-1] += 1e12
    found = even_out("log", time_s, rows, SFREQ)
    assert found.values.shape[1] == 100
    assert found.segments[1].onset_s == pytest.approx(1e12, rel=1e-9)
