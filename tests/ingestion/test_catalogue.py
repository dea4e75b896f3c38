"""Rows of recordings, and which data sets are none."""

import json

import numpy as np
import pytest

from pipeline import quality
from pipeline.errors import DataError
from pipeline.ingestion import catalogue
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.labelling import Labels
from pipeline.readers.base import Content


def row(name: str, **changes: object) -> Row:
    settings = {"channels": '["a"]', "annotations": '{"N": 3, "S": 1}'} | changes
    return Row(name, "subject", **settings)


def test_a_row_survives_json() -> None:
    before = row("x", sfreq=250.0, unlabelled=2)
    values = catalogue.to_json(before)
    assert values["flat_share"] is None
    assert str(catalogue.from_json(values)) == str(before)


def test_recordings_that_differ_in_channels() -> None:
    rows = [row("x"), row("y"), row("z", channels='["a", "b"]')]
    with pytest.raises(DataError, match=r'z has the channels \["a", "b"\]') as caught:
        catalogue.check(rows, ["N", "S"], "mitdb")
    assert caught.value.expected == '["a"], as in 2 recordings'


def test_refused_recordings_do_not_count() -> None:
    refused = row("z", status="refused", channels="[]", annotations='{"V": 1}')
    catalogue.check([row("x"), refused], ["N", "S"], "mitdb")
    with pytest.raises(DataError, match="'V'"):
        catalogue.check([row("x"), refused], ["N", "V"], "mitdb")


def test_unlike_recordings_can_be_refused_one_by_one() -> None:
    rows = [row("x"), row("y"), row("z", channels='["a", "b"]')]
    found = catalogue.without_unlike(rows)
    assert [each.status for each in found] == ["used", "used", "refused"]
    assert '2 others have the channels ["a"]' in found[2].reason
    catalogue.check(found, ["N", "S"], "mitdb")
    assert catalogue.without_unlike(rows[:2]) == rows[:2]


def test_remarks_that_only_all_samples_give_are_kept() -> None:
    samples = np.random.default_rng(1).standard_normal((1, 50))
    content = Content(
        ("a",), ("ecg",), 50.0, 50, lambda start, stop: samples[:, start:stop],
        remarks=("one",), counted=lambda: ("two",),
    )  # fmt: skip
    measured = quality.measure([samples], 50.0, None)
    labels = Labels(np.empty(0), np.empty(0), ())
    found = catalogue.described(content, measured, labels, {})
    assert json.loads(found["remarks"]) == ["one", "two"]
