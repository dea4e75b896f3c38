"""Rates and pauses of a column of time, made with known ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.readers.parts.tables.clock import NEAR, Clock, by_rows, evenly, in_order

TOLERANCE = 1e-3


def clock(
    rate: float, lengths: list[int], gaps: list[float], digits: int = 9
) -> np.ndarray:
    """Rows of even pieces with pauses between them; a clock is rounded."""
    pieces, begin = [], 0.0
    for length, gap in zip(lengths, [*gaps, 0.0], strict=True):
        pieces.append(begin + np.arange(length) / rate)
        begin = pieces[-1][-1] + 1 / rate + gap
    return np.round(np.concatenate(pieces), digits)


@settings(max_examples=60)
@given(
    rate=st.sampled_from([50, 100, 128, 200, 250, 256, 500, 1000, 2000]),
    lengths=st.lists(st.integers(3 * NEAR, 300), min_size=1, max_size=4),
    gap=st.floats(0.05, 40),
    is_known=st.booleans(),
    digits=st.sampled_from([4, 6, 9]),
)
def test_pauses_and_the_rate_are_those_that_were_made(
    rate: int, lengths: list[int], gap: float, is_known: bool, digits: int
) -> None:
    time_s = clock(rate, lengths, [gap] * (len(lengths) - 1), digits)
    found = evenly("x.csv", time_s, float(rate) if is_known else None, TOLERANCE)
    assert found.sfreq == rate
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    assert [each.start for each in found.segments] == starts
    onsets = [each.onset_s for each in found.segments]
    np.testing.assert_allclose(onsets, time_s[starts], atol=2 / rate)
    rows = np.arange(len(time_s))
    np.testing.assert_allclose(found.time_of(rows), time_s, atol=2 / rate)


def test_a_rate_that_is_no_integer_keeps_six_digits() -> None:
    found = evenly("x.csv", np.arange(5000) / 333.25, None, 1e-6)
    assert found.sfreq == 333.25
    near = evenly("x.csv", np.arange(5000) / 333.25, None, TOLERANCE)
    assert near.sfreq == 333  # an integer within the tolerance


def test_rows_that_are_late_and_catch_up_are_no_pause() -> None:
    time_s = np.arange(1000) / 100
    time_s[500:506] = time_s[506] - 1e-4 * np.arange(6, 0, -1)
    found = evenly("x.csv", time_s, 100.0, TOLERANCE)
    assert len(found.segments) == 1


@pytest.mark.parametrize(
    ("time_s", "sfreq", "found"),
    [
        (np.arange(1000) / 101, 100.0, "101 rows a second, 100 Hz by the settings"),
        (np.arange(1000) / 50, 100.0, "50 rows a second, 100 Hz"),
        (np.zeros(1), None, "1 row, which shows no rate"),
        (np.cumsum(np.repeat([0.0102, 0.0098], 6000)), 100.0,
         "the rate changes"),
    ],
)  # fmt: skip
def test_another_rate_is_refused_with_both(
    time_s: np.ndarray, sfreq: float | None, found: str
) -> None:
    with pytest.raises(DataError) as caught:
        evenly("x.csv", time_s - time_s[0], sfreq, TOLERANCE)
    assert found in caught.value.found
    assert caught.value.where == "x.csv"


@settings(max_examples=40)
@given(st.lists(st.booleans(), min_size=1, max_size=60).filter(any))
def test_rows_that_are_left_out_make_pauses(kept: list[bool]) -> None:
    row = np.flatnonzero(kept)
    found = by_rows(row, 50.0)
    times = found.time_of(np.arange(len(row)))
    np.testing.assert_allclose(times, (row - row[0]) / 50.0, atol=1e-12)
    runs = 1 + int((np.diff(row) > 1).sum())
    assert len(found.segments) == runs
    assert isinstance(found, Clock)


@pytest.mark.parametrize(
    ("time_s", "repeats", "found"),
    [
        ([0.0, 1.0, 0.5], False, "row 13 of the file: the clock jumps back by 0.5 s"),
        ([0.0, 1.0, 0.5], True, "jumps back by 0.5 s"),
        ([0.0, 1.0, 1.0], False, "row 13 of the file: the clock repeats the time"),
        ([0.0, 1.0, 1.0], True, ""),
        ([0.0, 1.0, 2.0], False, ""),
        ([0.0], False, ""),
    ],
)
def test_time_runs_forward(time_s: list[float], repeats: bool, found: str) -> None:
    def look() -> None:
        in_order("x.csv", np.array(time_s), lambda k: k + 11, repeats=repeats)

    if not found:
        look()
        return
    with pytest.raises(DataError) as caught:
        look()
    assert found in caught.value.found
    held = "held: true" in caught.value.remedy
    assert held == ("repeats" in found)
