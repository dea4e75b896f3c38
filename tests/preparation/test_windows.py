"""Windows by hand: where they lie, and that nothing annotated is lost."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.preparation.cutting import cut_windows
from pipeline.preparation.windows import Annotations, Timeline, WindowSettings

MINUTE = Timeline(n_samples=6000, sfreq=100.0, delay_s=0.0)


def settings(**fields: object) -> WindowSettings:
    return TypeAdapter(WindowSettings).validate_python(fields)


BEATS = settings(kind="beats", beats="annotated", tmin=-2.0, tmax=0.5)
DETECTED = settings(kind="beats", beats="detected", tmin=-2.0, tmax=0.5)


def marks(onsets: list[float], labels: str, duration: float = 0.0) -> Annotations:
    lasting = np.full(len(onsets), duration)
    return Annotations(
        np.asarray(onsets, float), lasting, np.asarray(list(labels), object)
    )


def rows(table: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return list(table[list(columns)].itertuples(index=False, name=None))


def test_a_window_lies_around_its_beat():
    table = cut_windows(BEATS, marks([10.0, 40.0], "NV"), MINUTE, "NV")
    assert list(table) == [
        *("start", "stop", "segment_start", "segment_stop"),
        *("label", "onset_s", "block", "reason"),
    ]
    assert rows(table, "segment_start", "segment_stop") == [(0, 6000)] * 2
    assert rows(table, "start", "stop", "label", "onset_s", "block", "reason") == [
        (800, 1050, "N", 10.0, 0, ""),
        (3800, 4050, "V", 40.0, 1, ""),
    ]


def test_the_signals_delay_moves_the_samples_not_the_times():
    late = Timeline(n_samples=6000, sfreq=100.0, delay_s=0.08)
    table = cut_windows(BEATS, marks([1.95, 2.0, 10.0], "NNN"), late, "N")
    assert rows(table, "start", "onset_s", "reason") == [
        (3, 1.95, ""),
        (8, 2.0, ""),
        (808, 10.0, ""),
    ]
    assert set(rows(table, "segment_start", "segment_stop")) == {(8, 6000)}


def test_the_first_and_the_last_beat_are_used_with_silence_around():
    table = cut_windows(BEATS, marks([0.0, 1.6, 59.8, 59.996], "NVNV"), MINUTE, "NV")
    assert rows(table, "start", "stop", "reason") == [
        (-200, 50, ""),
        (-40, 210, ""),
        (5780, 6030, ""),
        (5800, 6050, ""),
    ]


def test_a_beat_that_the_filters_delay_leaves_behind_is_used():
    """The signal has ended before it covers the last 80 ms."""
    late = Timeline(n_samples=6000, sfreq=100.0, delay_s=0.08)
    (row,) = rows(
        cut_windows(BEATS, marks([59.99], "N"), late, "N"),
        "start",
        "stop",
        "reason",
    )
    assert row == (5807, 6057, "")


def test_beats_that_cannot_be_used_have_a_reason():
    table = cut_windows(BEATS, marks([-0.4, 20.0, 60.0], "NQN"), MINUTE, "NV")
    assert list(table["reason"]) == [
        "onset lies 0.40 s before the recording",
        "label Q is not among the data set's labels",
        "onset lies 0.01 s after the recording",
    ]


def test_a_window_of_silence_alone_is_not_used():
    later = settings(kind="events", tmin=1.0, tmax=2.0)
    earlier = settings(kind="events", tmin=-2.0, tmax=-1.0)
    silent = "window holds no sample of the recording"
    table = cut_windows(later, marks([58.99, 59.0], "AA"), MINUTE, "A")
    assert list(table["reason"]) == ["", silent]
    table = cut_windows(earlier, marks([1.0, 1.01], "AA"), MINUTE, "A")
    assert list(table["reason"]) == [silent, ""]
    without_delayed_end = Timeline(n_samples=5, sfreq=100.0, delay_s=0.08)
    table = cut_windows(BEATS, marks([0.01], "N"), without_delayed_end, "N")
    assert rows(table, "segment_start", "segment_stop", "reason") == [(5, 5, silent)]


def test_detected_beats_take_the_label_of_the_annotation_near_them():
    annotated = marks([10.0, 11.0, 12.0], "NVS")
    found = np.array([10.1, 11.5, 11.9])
    table = cut_windows(DETECTED, annotated, MINUTE, "NSV", detected=found)
    assert rows(table, "onset_s", "label", "start", "reason") == [
        (10.1, "N", 810, ""),
        (11.0, "V", 900, "no beat found within 150 ms"),
        (11.5, "", 950, "no annotated beat within 150 ms"),
        (11.9, "S", 990, ""),
    ]


@given(
    st.lists(st.floats(0, 60), max_size=30),
    st.lists(st.floats(0, 60), max_size=30),
)
def test_every_beat_and_every_detection_has_one_row(onsets, found):
    annotated = marks(sorted(onsets), "N" * len(onsets))
    detected = np.asarray(sorted(found), float)
    table = cut_windows(DETECTED, annotated, MINUTE, "N", detected=detected)
    unmatched = (table["reason"] == "no annotated beat within 150 ms").sum()
    missed = (table["reason"] == "no beat found within 150 ms").sum()
    assert len(table) - unmatched == len(onsets)
    assert len(table) - missed == len(found)
    used = table[table["reason"] == ""]
    assert (used["start"] < MINUTE.n_samples).all()
    assert (used["stop"] > 0).all()


def test_windows_slide_through_blocks_and_stop_at_their_ends():
    sliding = settings(kind="sliding", length_s=0.5, step_s=0.2, skip_s=0.3)
    table = cut_windows(sliding, marks([10.0, 20.0], "AB", duration=1.2), MINUTE, "AB")
    assert rows(table, "start", "stop", "label", "block") == [
        (1030, 1080, "A", 0),
        (1050, 1100, "A", 0),
        (1070, 1120, "A", 0),
        (2030, 2080, "B", 1),
        (2050, 2100, "B", 1),
        (2070, 2120, "B", 1),
    ]


def test_steps_that_are_no_binary_fractions_lose_no_window():
    sliding = settings(kind="sliding", length_s=0.1, step_s=0.1)
    assert len(cut_windows(sliding, marks([0.0], "A", duration=0.3), MINUTE, "A")) == 3


def test_a_block_too_short_has_a_row_with_the_reason():
    sliding = settings(kind="sliding", length_s=2, step_s=1, skip_s=0.5)
    short = Annotations(
        np.array([1.0, 9.0]), np.array([1.0, 2.5]), np.array(["A", "B"])
    )
    table = cut_windows(sliding, short, MINUTE, "AB")
    assert list(table["reason"]) == ["block lasts 1.00 s, less than 2.5 s", ""]


@given(
    st.lists(st.floats(0.01, 5), min_size=2, max_size=8),
    st.floats(0.02, 1),
    st.floats(0.01, 1),
    st.sampled_from([0.0, 0.1, 1 / 3]),
    st.sampled_from([80.0, 100.0, 125.0, 250.0]),
    st.sampled_from([0.0, 0.004, 0.0523]),
)
def test_no_window_crosses_into_the_next_span(
    durations, length_s, step_s, skip_s, sfreq, delay_s
):
    """Onsets are on half samples too, where rounding to even would let them meet."""
    onsets = np.cumsum([0.0, *(np.round(2 * sfreq * d) / sfreq / 2 for d in durations)])
    spans = Annotations(
        onsets[:-1], np.diff(onsets), np.full(len(durations), "A", object)
    )
    line = Timeline(int(60 * sfreq), sfreq, delay_s)
    for kind in (
        settings(kind="sliding", length_s=length_s, step_s=step_s, skip_s=skip_s),
        settings(kind="recording", length_s=length_s, skip_s=skip_s),
    ):
        table = cut_windows(kind, spans, line, "A")
        used = table[table["reason"] == ""]
        last = used.groupby("block")["stop"].max()
        first = used.groupby("block")["start"].min()
        assert (last.to_numpy()[:-1] <= first.to_numpy()[1:]).all()
        assert used["stop"].sub(used["start"]).nunique() <= 1


def test_spans_that_meet_on_half_samples_share_none():
    """At 125 Hz, every other sample of 250 Hz is half a sample."""
    sliding = settings(kind="sliding", length_s=0.008, step_s=0.008)
    spans = Annotations(
        np.array([0.012, 0.02, 0.028]), np.full(3, 0.008), np.array(list("ABA"))
    )
    table = cut_windows(sliding, spans, Timeline(1000, 125.0, 0.0), "AB")
    assert rows(table, "start", "stop") == [(2, 3), (3, 4), (4, 5)]


def test_a_length_between_two_samples_is_the_shorter():
    """2.6 samples: three of them would reach into the next span."""
    sliding = settings(kind="sliding", length_s=0.026, step_s=0.026)
    spans = Annotations(
        np.array([0.006, 0.032]), np.full(2, 0.026), np.array(list("AB"))
    )
    table = cut_windows(sliding, spans, MINUTE, "AB")
    assert rows(table, "start", "stop") == [(1, 3), (3, 5)]


@pytest.mark.parametrize("kept", [np.float64, np.float32])
def test_counts_are_those_of_the_times_alone(kept):
    """Also of times that were kept in seven digits, as FIF keeps them."""
    rng = np.random.default_rng(0)
    sliding = settings(kind="sliding", length_s=0.5, step_s=0.25, skip_s=0.1)
    ticks = rng.integers(1, 800, 200)  # of 50 ms; these have no hair's breadth
    lasts = ticks / 20
    onset = np.cumsum([0.0, *lasts])[:-1]
    spans = Annotations(
        kept(onset).astype(float),
        kept(lasts).astype(float),
        np.full(200, "A", object),
    )
    table = cut_windows(sliding, spans, Timeline(10**7, 80.0, 0.0), "A")
    expected = ((ticks - 12) // 5 + 1).clip(0)
    counts = table[table["reason"] == ""]["block"].value_counts()
    np.testing.assert_array_equal(
        counts.reindex(range(200), fill_value=0).to_numpy(), expected
    )


def test_a_window_that_rounding_takes_beyond_its_block_is_not_used():
    """The block is short by less than a hair, and just there samples change."""
    sliding = settings(kind="sliding", length_s=0.03, step_s=0.03)
    spans = Annotations(
        np.array([0.00488]), np.array([0.02995]), np.array(["A"], object)
    )
    table = cut_windows(sliding, spans, Timeline(1000, 100.0, 0.0), "A")
    assert list(table["reason"]) == [""]
    spans = Annotations(
        np.array([0.00492]), np.array([0.02995]), np.array(["A"], object)
    )
    table = cut_windows(sliding, spans, Timeline(1000, 100.0, 0.0), "A")
    assert list(table["reason"]) == ["window ends after its block"]


def test_a_recording_gives_one_window_of_each_block():
    chosen = settings(kind="recording", length_s=2, skip_s=0.5)
    blocks = Annotations(
        np.array([0.0, 20.0, 30.0, 59.0]),
        np.array([20.0, 2.5, 2.4, 1.0]),
        np.array(list("ABAB"), object),
    )
    table = cut_windows(chosen, blocks, MINUTE, "AB")
    assert rows(table, "start", "stop", "label", "onset_s", "block", "reason") == [
        (50, 250, "A", 0.5, 0, ""),
        (2050, 2250, "B", 20.5, 1, ""),
        (3050, 3250, "A", 30.5, 2, "block lasts 2.40 s, less than 2.5 s"),
        (5950, 6150, "B", 59.5, 3, "block lasts 1.00 s, less than 2.5 s"),
    ]


def test_a_recording_is_used_from_its_start_unless_some_is_skipped():
    chosen = settings(kind="recording", length_s=60)
    all_of_it = marks([0.0], "A", duration=60.0)
    assert rows(
        cut_windows(chosen, all_of_it, MINUTE, "A"), "start", "stop", "reason"
    ) == [(0, 6000, "")]
    late = Timeline(n_samples=6000, sfreq=100.0, delay_s=0.08)
    (row,) = rows(cut_windows(chosen, all_of_it, late, "A"), "start", "stop", "reason")
    assert row == (8, 6008, "window ends 0.08 s after the recording")


def test_events_are_windows_around_onsets():
    events = settings(kind="events", tmin=0.5, tmax=3.5)
    table = cut_windows(events, marks([4.0, 58.0], "LR"), MINUTE, "LR")
    assert rows(table, "start", "stop") == [(450, 750), (5850, 6150)]
    assert list(table["reason"]) == ["", ""]


DENSE = settings(kind="steps", length_s=0.5)


def test_every_sample_of_a_block_is_a_decision_about_that_sample():
    table = cut_windows(DENSE, marks([0.0, 0.03], "AB", duration=0.03), MINUTE, "AB")
    assert rows(table, "start", "stop", "label", "onset_s", "reason") == [
        (-49, 1, "A", 0.0, ""),
        (-48, 2, "A", 0.01, ""),
        (-47, 3, "A", 0.02, ""),
        (-46, 4, "B", 0.03, ""),
        (-45, 5, "B", 0.04, ""),
        (-44, 6, "B", 0.05, ""),
    ]
    late = Timeline(n_samples=6000, sfreq=100.0, delay_s=0.08)
    moved = cut_windows(DENSE, marks([0.0, 0.03], "AB", duration=0.03), late, "AB")
    assert list(moved["stop"]) == [9, 10, 11, 12, 13, 14]
    assert list(moved["onset_s"]) == list(table["onset_s"])


def test_steps_of_a_rhythm_lie_on_one_grid():
    often = settings(kind="steps", length_s=0.5, every_s=0.025)
    table = cut_windows(often, marks([10.0, 10.06], "AB", duration=0.06), MINUTE, "AB")
    assert rows(table, "stop", "label") == [
        (1001, "A"),
        (1004, "A"),
        (1006, "A"),
        (1009, "B"),
        (1011, "B"),
    ]
    oftener = settings(kind="steps", length_s=0.5, every_s=0.001)
    table = cut_windows(oftener, marks([59.98], "A", duration=0.5), MINUTE, "A")
    assert rows(table, "stop", "reason") == [(5999, ""), (6000, "")]


def test_blocks_without_a_step_and_steps_of_two_blocks_are_reported():
    blocks = Annotations(
        np.array([1.0, 1.01, 2.001, 70.0]),
        np.array([0.02, 0.02, 0.004, 1.0]),
        np.array(list("ABAB"), object),
    )
    table = cut_windows(DENSE, blocks, MINUTE, "AB")
    assert rows(table, "stop", "label", "reason") == [
        (101, "A", ""),
        (102, "A", ""),
        (102, "B", "another block has labelled this sample"),
        (103, "B", ""),
        (202, "A", "block lasts 0.004 s, without a step inside"),
        (7001, "B", "block lasts 1.000 s, without a step inside"),
    ]


def test_a_million_steps_take_seconds():
    spans = Annotations(
        np.arange(0, 4000, 0.05), np.full(80_000, 0.05), np.tile(["A", "B"], 40_000)
    )
    begun = time.monotonic()
    table = cut_windows(DENSE, spans, Timeline(10**6, 250.0, 0.0), "AB")
    assert time.monotonic() - begun < 10
    assert len(table) == 10**6
    assert (table["reason"] == "").all()
    assert list(table["stop"]) == list(range(1, 10**6 + 1))


@given(
    st.lists(st.floats(0.005, 3), min_size=1, max_size=30),
    st.sampled_from([80.0, 100.0, 125.0, 250.0]),
    st.sampled_from([None, 0.01, 0.0333, 0.5]),
)
def test_blocks_that_meet_share_no_step_and_lose_none(durations, sfreq, every_s):
    onsets = np.cumsum([0.0, *durations])
    spans = Annotations(
        onsets[:-1], np.diff(onsets), np.full(len(durations), "A", object)
    )
    line = Timeline(int(onsets[-1] * sfreq), sfreq, 0.0)
    chosen = settings(kind="steps", length_s=1, every_s=every_s)
    table = cut_windows(chosen, spans, line, "A")
    used = table[table["reason"] == ""]
    at_once = Annotations(np.zeros(1), onsets[-1:], np.array(["A"], object))
    expected = cut_windows(chosen, at_once, line, "A")
    assert list(used["stop"]) == list(expected[expected["reason"] == ""]["stop"])


@pytest.mark.parametrize(
    "kind",
    [
        BEATS,
        DETECTED,
        settings(kind="sliding", length_s=1, step_s=1),
        settings(kind="recording", length_s=1),
        DENSE,
    ],
)
def test_no_annotations_no_windows(kind):
    nothing = marks([], "")
    table = cut_windows(kind, nothing, MINUTE, "N", detected=np.empty(0))
    assert len(table) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "beats", "beats": "annotated", "tmin": 1, "tmax": 0},
        {"kind": "beats", "beats": "guessed", "tmin": 0, "tmax": 1},
        {"kind": "sliding", "length_s": 0, "step_s": 1},
        {"kind": "recording", "length_s": 1, "step_s": 1},
        {"kind": "recording", "length_s": 1, "skip_s": -1},
        {"kind": "steps"},
        {"kind": "steps", "length_s": 1, "every_s": 0},
        {"kind": "events", "tmin": 0, "tmax": 1, "memory_s": 0},
        {"kind": "epochs"},
    ],
)
def test_impossible_settings_are_refused(fields):
    with pytest.raises(ValidationError):
        settings(**fields)
