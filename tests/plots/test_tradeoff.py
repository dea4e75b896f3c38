"""Fronts against their definition, names, and the figure."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.plots import tradeoff as module
from pipeline.plots.tradeoff import names, pareto, tradeoff

Pairs = list[tuple[int, int]]


def table(pairs: Any) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["balanced_accuracy", "energy_uj"], dtype=float)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
@settings(max_examples=150, deadline=None)
def test_the_front_is_what_nothing_beats(pairs: Pairs) -> None:
    expected = [
        not any(
            accuracy >= own and joules <= price and (accuracy, joules) != (own, price)
            for accuracy, joules in pairs
        )
        for own, price in pairs
    ]
    assert pareto(table(pairs)).tolist() == expected


def test_what_is_absent_beats_nothing_and_is_on_no_front() -> None:
    points = table([(0.9, np.nan), (np.nan, 1.0), (0.5, 2.0)])
    assert pareto(points).tolist() == [False, False, True]


def test_points_are_named_by_what_distinguishes_them() -> None:
    same = {"encoder": "delta", "seed": "7", "network.bins": "8"}
    given = [
        {**same, "model": "lif", "sparsity.pruning": "null"},
        {
            **same,
            "model": "lif",
            "sparsity.pruning.share": "0.9",
            "sparsity.pruning.method": "lamp",
        },
        {
            **same,
            "model": "lif",
            "sparsity.pruning.share": "0.5",
            "sparsity.pruning.method": "lamp",
        },
        {**same, "model": "ann", "sparsity.pruning": "null"},
    ]
    expected = ["lif", "lif, pruning share 0.9", "lif, pruning share 0.5", "ann"]
    assert names(given) == expected


def test_a_penalty_of_nothing_is_not_named() -> None:
    weights = [{"model": "lif", "sparsity.hoyer_weight": w} for w in ("0.0", "0.1")]
    assert names(weights) == ["as it is", "hoyer weight 0.1"]
    rates = [{"training.learning_rate": rate} for rate in ("0.01", "0.1")]
    assert names(rates) == ["learning rate 0.01", "learning rate 0.1"]


@pytest.fixture
def points() -> pd.DataFrame:
    made = table([(0.8, 3.0), (0.7, 1.0), (0.6, 2.0), (0.9, np.nan)])
    ends = {
        "low": [0.7, 0.6, np.nan, np.nan],
        "high": [0.85, 0.75, np.nan, np.nan],
    }
    return made.assign(name=["rich", "poor", "beaten", "unknown"], **ends)


def test_the_figure_states_what_it_shows(
    points: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    picture = module.picture

    def keep(figure: Any, alt: str, table: Any) -> Any:
        drawn.append(figure)
        return picture(figure, alt, table)

    monkeypatch.setattr(module, "picture", keep)
    shown = tradeoff(points)
    assert shown.alt == (
        "Balanced accuracy and energy of 3 settings: poor 70.0 percent for 1 "
        "microjoules; beaten 60.0 percent for 2 microjoules (another beats it); rich "
        "80.0 percent for 3 microjoules."
    )
    assert shown == tradeoff(points)
    (axes,) = drawn[0].axes
    stairs, *marks = axes.lines
    across, up = stairs.get_data()
    assert (list(across[:2]), list(up)) == ([1, 3], [70, 80, 80])
    assert across[2] == axes.get_xlim()[1]
    assert axes.get_xscale() == "log"
    hollow = [mark.get_markerfacecolor() == "white" for mark in marks]
    assert hollow == [False, True, False]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == [
        "poor",
        "beaten",
        "rich",
    ]


def test_points_without_intervals_or_none_at_all_can_be_drawn(
    points: pd.DataFrame,
) -> None:
    bare = points.drop(columns=["low", "high"])
    assert "3 settings" in tradeoff(bare).alt
    assert "0 settings" in tradeoff(bare.iloc[3:]).alt
    assert "1 settings" in tradeoff(bare.iloc[:1]).alt
