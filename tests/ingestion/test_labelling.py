"""Texts at times as labelled pieces of the signal."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.ingestion.labelling import Labels, label, on_samples
from pipeline.ingestion.values import Label
from pipeline.readers.base import Marks

RHYTHM = {"(N": "sinus", "(AFIB": "af"}


def marks(*rows: tuple[float, float, str]) -> Marks:
    onset, duration = (np.array([row[k] for row in rows], float) for k in (0, 1))
    return Marks(onset, duration, tuple(row[2] for row in rows))


def rule(**settings: Any) -> Label:
    return Label.model_validate({"from": "note", **settings})


def pieces(labels: Labels) -> list[tuple[float, float, str]]:
    numbers = (labels.onset_s.tolist(), labels.duration_s.tolist())
    return list(zip(*numbers, labels.classes, strict=True))


def test_a_span_lasts_until_the_next_note_and_the_last_to_the_end() -> None:
    notes = marks((0, 0, "(N"), (30, 0, "(AFIB"), (60, 0, "(VT"), (90, 0, "(N"))
    found = label(notes, rule(map=RHYTHM), 120, "r")
    assert pieces(found) == [(0, 30, "sinus"), (30, 30, "af"), (90, 30, "sinus")]
    assert found.unclaimed == {"(VT": 1}
    assert found.left_out == {"no class takes it": 1}


def test_what_does_not_match_is_no_value_and_ends_no_span() -> None:
    notes = marks((0, 0, "(AFIB"), (10, 0, "patient coughs"), (60, 0, "(N"))
    found = label(notes, rule(map=RHYTHM, match=r"\(.*"), 90, "r")
    assert pieces(found) == [(0, 60, "af"), (60, 30, "sinus")]
    assert found.left_out == {"is no value": 1}
    assert not found.unclaimed


def test_a_remark_ends_no_rhythm_but_another_rhythm_does() -> None:
    notes = marks((0, 0, "(AFIB"), (10, 0, "MISSB"), (40, 0, "(VT"), (60, 0, "(N"))
    found = label(notes, rule(map=RHYTHM), 90, "r")
    assert pieces(found) == [(0, 40, "af"), (60, 30, "sinus")]
    assert found.left_out == {"is no value": 1, "no class takes it": 1}
    words = rule(map={"(AFIB": "af", "MISSB": "artefact"})
    assert pieces(label(notes, words, 90, "r"))[1] == (10, 30, "artefact")


@pytest.mark.parametrize(
    ("lasts", "expected"),
    [("events", [(1, 0, "a"), (5, 0, "b")]), ("blocks", [(1, 2, "a"), (5, 3, "b")])],
)
def test_events_are_instants_and_blocks_last_as_stated(
    lasts: str, expected: list[tuple[float, float, str]]
) -> None:
    same = rule(**{"as": lasts, "map": {"a": "a", "b": "b"}})
    found = label(marks((1, 2, "a"), (5, 3, "b")), same, 9, "r")
    assert pieces(found) == expected


def test_a_recording_takes_the_first_class_of_the_map() -> None:
    texts = ("1", "2", "9")
    by_rank = rule(**{"as": "recording", "map": {2: "flutter", 1: "af"}})
    found = label(texts, by_rank, 10, "r")
    assert pieces(found) == [(0, 10, "flutter")]
    assert found.unclaimed == {"9": 1}
    assert found.left_out == {"no class takes it": 1}


def test_a_recording_of_several_classes_can_be_left_out() -> None:
    none = rule(**{"as": "recording", "map": {1: "a", 2: "b"}, "several": "none"})
    assert not label(("1", "2"), none, 10, "r").classes
    assert label(("1", "2"), none, 10, "r").left_out == {"has several classes": 1}
    assert pieces(label(("1", "1"), none, 10, "r")) == [(0, 10, "a")]


def test_two_labels_at_one_place_are_counted_and_one_is_kept() -> None:
    both = marks((0, 4, "a"), (0, 4, "b"), (4, 4, "a"), (4, 4, "a"))
    settings = {"as": "blocks", "map": {"b": "B", "a": "A"}}
    found = label(both, rule(**settings), 9, "r")
    assert pieces(found) == [(0, 4, "B"), (4, 4, "A")]
    assert found.left_out == {
        "shares its place with a class that comes first": 1,
        "stands there twice": 1,
    }
    kept = label(both, rule(**settings, several="none"), 9, "r")
    assert pieces(kept) == [(4, 4, "A")]


def test_texts_without_times_are_no_events() -> None:
    with pytest.raises(DataError, match="not times") as caught:
        label(("a",), rule(**{"as": "events"}), 10, "recording r")
    assert caught.value.expected == "as: recording"


def labels(*rows: tuple[float, float, str]) -> Labels:
    mark = marks(*rows)
    return Labels(mark.onset_s, mark.duration_s, mark.texts)


PAUSED = (Segment(0, 0.0), Segment(3000, 630.0))
"""Thirty seconds at 100 Hz, a pause of 600 s, and thirty more."""


def test_a_block_over_a_pause_becomes_one_on_either_side() -> None:
    found = on_samples(labels((10, 640, "a")), PAUSED, 6000, 100)
    assert pieces(found) == [(10, 20, "a"), (30, 20, "a")]


def test_events_come_to_the_sample_of_their_clock() -> None:
    rows = ((29, 0, "a"), (300, 0, "b"), (636, 0, "c"), (660, 0, "d"), (-1, 0, "e"))
    found = on_samples(labels(*rows), PAUSED, 6000, 100)
    assert pieces(found) == [(29, 0, "a"), (36, 0, "c")]
    assert found.left_out == {"lies outside the signal": 3}


def test_a_block_that_ends_after_the_signal_is_shortened() -> None:
    found = on_samples(labels((5, 100, "a")), (Segment(0, 0.0),), 1000, 100)
    assert pieces(found) == [(5, 5, "a")]


def test_counts_go_through() -> None:
    given = Labels(np.zeros(1), np.zeros(1), ("a",), Counter(x=2), Counter(y=1))
    found = on_samples(given, (Segment(0, 0.0),), 10, 1)
    assert found.left_out == {"x": 2}
    assert found.unclaimed == {"y": 1}


@pytest.mark.parametrize("several", ["first", "none"])
def test_notes_at_one_onset_are_one_place(several: str) -> None:
    notes = marks((0, 0, "(N"), (0, 0, "(AFIB"), (5, 0, "(N"))
    ranked = {"(AFIB": "af", "(N": "sinus"}
    found = label(notes, rule(map=ranked, several=several), 9, "r")
    first = [(0, 5, "af")] if several == "first" else []
    assert pieces(found) == [*first, (5, 4, "sinus")]
    assert found.left_out == {"shares its place with a class that comes first": 1}


def test_what_states_no_duration_is_no_block_and_is_counted() -> None:
    nan = float("nan")
    notes = marks((1, 2, "a"), (3, nan, "a"), (4, 0, "b"), (5, -1, "b"), (6, nan, "x"))
    rules = {"map": {"a": "a", "b": "b"}}
    found = label(notes, rule(**rules, **{"as": "blocks"}), 10, "r")
    assert pieces(found) == [(1, 2, "a"), (4, 0, "b")]
    assert found.left_out == {"states no duration": 2, "no class takes it": 1}
    found = label(notes, rule(**rules, **{"as": "events"}), 10, "r")
    assert pieces(found) == [(1, 0, "a"), (3, 0, "a"), (4, 0, "b"), (5, 0, "b")]


@pytest.mark.parametrize("lasts", ["events", "blocks", "spans"])
def test_what_states_no_time_is_left_out_and_counted(lasts: str) -> None:
    notes = marks((1, 2, "a"), (float("nan"), 2, "b"), (float("nan"), 2, "x"))
    found = label(notes, rule(map={"a": "a", "b": "b"}, **{"as": lasts}), 10, "r")
    assert found.classes == ("a",)
    assert found.left_out == {"states no time": 2}


def test_what_lies_after_the_end_is_left_out_and_counted() -> None:
    notes = marks((1, 2, "a"), (9, 2, "a"), (11, 2, "a"), (12, 0, "b"))
    found = label(notes, rule(map={"a": "a", "b": "b"}, **{"as": "blocks"}), 10, "r")
    found = on_samples(found, (Segment(0, 0.0),), 1000, 100)
    assert pieces(found) == [(1, 2, "a"), (9, 1, "a")]
    assert found.left_out == {"lies outside the signal": 2}
