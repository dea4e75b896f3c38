"""The report's figure of attacks on membership."""

import io

import pandas as pd
import pytest

from pipeline.report.roc import curves

ATTACK = {"attack": "RMIA", "level": "person", "way": "stored", "queries": "recordings"}


def test_a_panel_holds_what_a_query_finds() -> None:
    """Of decisions, and of attacks that could not be judged, nothing is shown."""
    drawn = curves(
        [
            ATTACK | {"curve": [0.25, 0.5, 1.0]},
            ATTACK | {"way": "once", "curve": [0.0, 0.5, 1.0]},
            ATTACK | {"level": "decision", "curve": [0.125, 0.5, 1.0]},
            {"queries": "another session", "absent": "there is one session"},
        ]
    )
    assert drawn is not None
    shown = pd.read_csv(io.StringIO(drawn.data))
    assert shown["attack"].unique().tolist() == ["RMIA with population"]
    found = shown.groupby("query")["true_positive_percent"].agg(list).to_dict()
    assert found == {
        "the training spikes": [25, 50, 100],
        "one new draw of the code": [0, 50, 100],
    }
    assert shown["false_positive_percent"].tolist() == pytest.approx([0, 50, 100] * 2)
    for query in found:
        assert f"recordings, {query}" in drawn.svg


def test_without_a_curve_there_is_no_figure() -> None:
    assert curves([{"queries": "another session", "absent": "one session"}]) is None
