"""Windows by hand: where they lie, and that nothing annotated is lost."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.preparation.windows import Marks, Timeline, WindowSettings, cut

MINUTE = Timeline(n_samples=6000, sfreq=100.0, delay_s=0.0)


def settings(**fields: object) -> WindowSettings:
    return TypeAdapter(WindowSettings).validate_python(fields)


BEATS = settings(kind="beats", beats="annotated", tmin=-2.0, tmax=0.5)
DETECTED = settings(kind="beats", beats="detected", tmin=-2.0, tmax=0.5)


def marks(onsets: list[float], labels: str, duration: float = 0.0) -> Marks:
    lasting = np.full(len(onsets), duration)
    return Marks(np.asarray(onsets, float), lasting, np.asarray(list(labels), object))


def rows(table: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return list(table[list(columns)].itertuples(index=False, name=None))


def test_a_window_lies_around_its_beat():
    table = cut(BEATS, marks([10.0, 40.0], "NV"), MINUTE, "NV")
    assert list(table) == ["start", "stop", "label", "onset_s", "block", "reason"]
    assert rows(table, "start", "stop", "label", "onset_s", "block", "reason") == [
        (800, 1050, "N", 10.0, 0, ""),
        (3800, 4050, "V", 40.0, 1, ""),
    ]


def test_the_signals_delay_moves_the_samples_not_the_times():
    late = Timeline(n_samples=6000, sfreq=100.0, delay_s=0.08)
    table = cut(BEATS, marks([1.95, 2.0, 10.0], "NNN"), late, "N")
    assert rows(table, "start", "onset_s", "reason") == [
        (3, 1.95, "window starts 0.05 s before the recording"),
        (8, 2.0, ""),
        (808, 10.0, ""),
    ]


def test_beats_that_cannot_be_used_say_why():
    table = cut(BEATS, marks([1.6, 20.0, 59.8], "NQN"), MINUTE, "NV")
    assert list(table["reason"]) == [
        "window starts 0.40 s before the recording",
        "label Q is not among the data set's labels",
        "window ends 0.30 s after the recording",
    ]


def test_detected_beats_take_the_label_of_the_annotation_near_them():
    annotated = marks([10.0, 11.0, 12.0], "NVS")
    found = np.array([10.1, 11.5, 11.9])
    table = cut(DETECTED, annotated, MINUTE, "NSV", detected=found)
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
    table = cut(DETECTED, annotated, MINUTE, "N", detected=detected)
    unmatched = (table["reason"] == "no annotated beat within 150 ms").sum()
    missed = (table["reason"] == "no beat found within 150 ms").sum()
    assert len(table) - unmatched == len(onsets)
    assert len(table) - missed == len(found)
    used = table[table["reason"] == ""]
    assert (used["start"] >= 0).all()
    assert (used["stop"] <= MINUTE.n_samples).all()


def test_windows_slide_through_blocks_and_stop_at_their_ends():
    sliding = settings(kind="sliding", length_s=0.5, step_s=0.2, skip_s=0.3)
    table = cut(sliding, marks([10.0, 20.0], "AB", duration=1.2), MINUTE, "AB")
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
    assert len(cut(sliding, marks([0.0], "A", duration=0.3), MINUTE, "A")) == 3


def test_a_block_too_short_has_a_row_that_says_so():
    sliding = settings(kind="sliding", length_s=2, step_s=1, skip_s=0.5)
    short = Marks(np.array([1.0, 9.0]), np.array([1.0, 2.5]), np.array(["A", "B"]))
    table = cut(sliding, short, MINUTE, "AB")
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
    spans = Marks(onsets[:-1], np.diff(onsets), np.full(len(durations), "A", object))
    line = Timeline(int(60 * sfreq), sfreq, delay_s)
    for kind in (
        settings(kind="sliding", length_s=length_s, step_s=step_s, skip_s=skip_s),
        settings(kind="recording", length_s=length_s, skip_s=skip_s),
    ):
        table = cut(kind, spans, line, "A")
        used = table[table["reason"] == ""]
        last = used.groupby("block")["stop"].max()
        first = used.groupby("block")["start"].min()
        assert (last.to_numpy()[:-1] <= first.to_numpy()[1:]).all()
        assert used["stop"].sub(used["start"]).nunique() <= 1


def test_spans_that_meet_on_half_samples_share_none():
    """At 125 Hz, every other sample of 250 Hz is half a sample."""
    sliding = settings(kind="sliding", length_s=0.008, step_s=0.008)
    spans = Marks(
        np.array([0.012, 0.02, 0.028]), np.full(3, 0.008), np.array(list("ABA"))
    )
    table = cut(sliding, spans, Timeline(1000, 125.0, 0.0), "AB")
    assert rows(table, "start", "stop") == [(2, 3), (3, 4), (4, 5)]


def test_a_length_between_two_samples_is_the_shorter():
    """2.6 samples: three of them would reach into the next span."""
    sliding = settings(kind="sliding", length_s=0.026, step_s=0.026)
    spans = Marks(np.array([0.006, 0.032]), np.full(2, 0.026), np.array(list("AB")))
    table = cut(sliding, spans, MINUTE, "AB")
    assert rows(table, "start", "stop") == [(1, 3), (3, 5)]


@pytest.mark.parametrize("kept", [np.float64, np.float32])
def test_counts_are_those_of_the_times_alone(kept):
    """Also of times that were kept in seven digits, as FIF keeps them."""
    rng = np.random.default_rng(0)
    sliding = settings(kind="sliding", length_s=0.5, step_s=0.25, skip_s=0.1)
    ticks = rng.integers(1, 800, 200)  # of 50 ms; these have no hair's breadth
    lasts = ticks / 20
    onset = np.cumsum([0.0, *lasts])[:-1]
    spans = Marks(
        kept(onset).astype(float),
        kept(lasts).astype(float),
        np.full(200, "A", object),
    )
    table = cut(sliding, spans, Timeline(10**7, 80.0, 0.0), "A")
    expected = ((ticks - 12) // 5 + 1).clip(0)
    counts = table[table["reason"] == ""]["block"].value_counts()
    np.testing.assert_array_equal(
        counts.reindex(range(200), fill_value=0).to_numpy(), expected
    )


def test_a_window_that_rounding_takes_beyond_its_block_is_not_used():
    """The block is short by less than a hair, and just there samples change."""
    sliding = settings(kind="sliding", length_s=0.03, step_s=0.03)
    spans = Marks(np.array([0.00488]), np.array([0.02995]), np.array(["A"], object))
    table = cut(sliding, spans, Timeline(1000, 100.0, 0.0), "A")
    assert list(table["reason"]) == [""]
    spans = Marks(np.array([0.00492]), np.array([0.02995]), np.array(["A"], object))
    table = cut(sliding, spans, Timeline(1000, 100.0, 0.0), "A")
    assert list(table["reason"]) == ["window ends after its block"]


def test_a_recording_gives_one_window_of_each_block():
    chosen = settings(kind="recording", length_s=2, skip_s=0.5)
    blocks = Marks(
        np.array([0.0, 20.0, 30.0, 59.0]),
        np.array([20.0, 2.5, 2.4, 1.0]),
        np.array(list("ABAB"), object),
    )
    table = cut(chosen, blocks, MINUTE, "AB")
    assert rows(table, "start", "stop", "label", "onset_s", "block", "reason") == [
        (50, 250, "A", 0.5, 0, ""),
        (2050, 2250, "B", 20.5, 1, ""),
        (3050, 3250, "A", 30.5, 2, "block lasts 2.40 s, less than 2.5 s"),
        (5950, 6150, "B", 59.5, 3, "block lasts 1.00 s, less than 2.5 s"),
    ]


def test_a_recording_is_used_from_its_start_unless_some_is_skipped():
    chosen = settings(kind="recording", length_s=60)
    all_of_it = marks([0.0], "A", duration=60.0)
    assert rows(cut(chosen, all_of_it, MINUTE, "A"), "start", "stop", "reason") == [
        (0, 6000, "")
    ]
    late = Timeline(n_samples=6000, sfreq=100.0, delay_s=0.08)
    (row,) = rows(cut(chosen, all_of_it, late, "A"), "start", "stop", "reason")
    assert row == (8, 6008, "window ends 0.08 s after the recording")


def test_events_are_windows_around_onsets():
    events = settings(kind="events", tmin=0.5, tmax=3.5)
    table = cut(events, marks([4.0, 58.0], "LR"), MINUTE, "LR")
    assert rows(table, "start", "stop") == [(450, 750), (5850, 6150)]
    assert list(table["reason"] == "") == [True, False]


@pytest.mark.parametrize(
    "kind",
    [
        BEATS,
        DETECTED,
        settings(kind="sliding", length_s=1, step_s=1),
        settings(kind="recording", length_s=1),
    ],
)
def test_no_annotations_no_windows(kind):
    nothing = marks([], "")
    table = cut(kind, nothing, MINUTE, "N", detected=np.empty(0))
    assert len(table) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "beats", "beats": "annotated", "tmin": 1, "tmax": 0},
        {"kind": "beats", "beats": "guessed", "tmin": 0, "tmax": 1},
        {"kind": "sliding", "length_s": 0, "step_s": 1},
        {"kind": "recording", "length_s": 1, "step_s": 1},
        {"kind": "recording", "length_s": 1, "skip_s": -1},
        {"kind": "epochs"},
    ],
)
def test_impossible_settings_are_refused(fields):
    with pytest.raises(ValidationError):
        settings(**fields)
