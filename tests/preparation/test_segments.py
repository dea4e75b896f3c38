"""Annotations of segments, and their windows; the rest is in `test_prepare.py`."""

import numpy as np
import pandas as pd
import pytest

from pipeline.axes import Segment
from pipeline.preparation.segments import (
    annotated_samples,
    cut_each,
    divide,
    on_clock,
    segments_of,
)
from pipeline.preparation.windows import Annotations, Events, Sliding, Timeline

SEGMENTS = Segment(0, 0.0), Segment(1000, 60.0), Segment(1001, 90.0)
"""The second of them holds one sample."""


def marks(onset_s: list[float], duration_s: float = 0.0) -> Annotations:
    count = len(onset_s)
    return Annotations(
        np.array(onset_s), np.full(count, duration_s), np.full(count, "a", object)
    )


def test_segments_are_read_and_none_means_one() -> None:
    table = pd.DataFrame({"recording": ["r", "q"]})
    assert segments_of(table) == {"r": (Segment(0, 0.0),), "q": (Segment(0, 0.0),)}
    table["segments"] = ["[[0, 0.0], [5, 2.5]]", "[[0, 0.0]]"]
    assert segments_of(table)["r"] == (Segment(0, 0.0), Segment(5, 2.5))
    assert segments_of(table)["q"] == (Segment(0, 0.0),)


@pytest.mark.parametrize("error", [-2e-4, 0.0, 2e-4])
def test_a_mark_belongs_to_the_segment_of_its_sample(error: float) -> None:
    """Times are rounded: by some tenths of a millisecond after some hours."""
    found = divide(marks([0.0, 9.99, 10.0 + error, 10.01 + error]), SEGMENTS, 100.0)
    assert [len(each.onset_s) for each in found] == [2, 1, 1]
    np.testing.assert_array_equal(found[0].onset_s, [0.0, 9.99])
    for each in found[1:]:
        np.testing.assert_allclose(each.onset_s, [max(error, 0)], atol=1e-9)
        assert each.onset_s[0] >= 0


def test_a_mark_before_the_first_sample_is_not_lost() -> None:
    found = divide(marks([-0.5, -0.002, 0.0]), SEGMENTS, 100.0)
    assert found[0].onset_s.tolist() == [-0.5, 0.0, 0.0]
    assert [len(each.onset_s) for each in found] == [3, 0, 0]


def test_one_segment_keeps_the_times_to_the_last_bit() -> None:
    times = np.random.default_rng(0).uniform(0, 100, 50).tolist()
    (only,) = divide(marks(times), SEGMENTS[:1], 360.0)
    assert only.onset_s.tolist() == times
    assert on_clock([only.onset_s], SEGMENTS[:1]).tolist() == times


def test_windows_count_samples_of_the_signal_and_seconds_of_the_clock() -> None:
    timelines = [Timeline(n, 50.0, 0.02) for n in (500, 1, 300)]
    each = divide(marks([0.5, 9.9, 10.0, 10.52]), SEGMENTS, 100.0)
    around = Events(kind="events", tmin=-0.2, tmax=0.4)
    table = cut_each(around, each, timelines, SEGMENTS, ["a"], [None] * 3)
    assert table["segment"].tolist() == [0, 0, 1, 2]
    assert table["start"].tolist() == [16, 486, 491, 517]
    np.testing.assert_allclose(table["onset_s"], [0.5, 9.9, 60.0, 90.51])
    assert table["block"].tolist() == [0, 0, 1, 2]
    used = table["reason"] == ""
    assert used.tolist() == [True, True, False, True]
    assert table["stop"].tolist() == [46, 516, 521, 547]
    assert table["segment_start"].tolist() == [1, 1, 501, 502]
    assert table["segment_stop"].tolist() == [500, 500, 501, 801]


def test_no_window_slides_over_a_border() -> None:
    """A block that were not cut at the border would end there all the same."""
    segments, timelines = SEGMENTS[::2], [Timeline(n, 100.0, 0.0) for n in (1001, 500)]
    each = divide(marks([9.0], duration_s=5.0), segments, 100.0)
    sliding = Sliding(kind="sliding", length_s=1.0, step_s=0.5)
    table = cut_each(sliding, each, timelines, segments, ["a"], [None] * 2)
    used = table[table["reason"] == ""]
    assert used["stop"].max() == 1000
    assert len(used) < len(table)


def test_no_marks_at_all_give_an_empty_table() -> None:
    timelines = [Timeline(100, 50.0, 0.0)] * 3
    around = Events(kind="events", tmin=-0.2, tmax=0.4)
    each = divide(marks([]), SEGMENTS, 100.0)
    table = cut_each(around, each, timelines, SEGMENTS, ["a"], [None] * 3)
    assert len(table) == 0
    assert "segment" in table


def test_annotations_lie_on_samples_of_the_prepared_signal() -> None:
    timelines = [Timeline(100, 50.0, 0.1), Timeline(60, 50.0, 0.1)]
    own = [marks([0.0, 0.004, 1.0, 1.9]), marks([-0.2, 0.5])]
    # Those of one sample are one; what lies outside of its segment is none.
    assert annotated_samples(own, timelines) == (5, 55, 100 + 30)
