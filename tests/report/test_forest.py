"""Differences on a scale, and the tables that they stand in."""

from typing import Any

import pytest

from pipeline.report import forest, pairs
from tests.report.test_answers import cell, paired

Plain = dict[str, Any]


def row(difference: float, low: float | None, high: float | None) -> Plain:
    return {"difference": difference, "low": low, "high": high, "group": "level"}


def test_places_are_in_proportion() -> None:
    found = forest.placed([row(0.1, 0.0, 0.2), row(-0.1, None, None)])
    first, second = found["rows"]
    assert (first["from"], first["to"]) == (found["zero"], forest.RIGHT)
    assert first["at"] == pytest.approx((found["zero"] + forest.RIGHT) / 2, abs=0.1)
    assert second["at"] == forest.LEFT
    assert second["from"] is second["to"] is None
    assert found["zero"] == pytest.approx(forest.LEFT + 92 / 3, abs=0.1)
    assert {"at": found["zero"], "points": "0"} in found["marks"]


def test_a_scale_of_nothing_is_a_point_either_way() -> None:
    for rows in ([], [{"group": None, "difference": None, "reason": "no test"}]):
        found = forest.placed(rows)
        assert [mark["points"] for mark in found["marks"]] == ["−1", "0", "1"]
        assert all(each["at"] is None for each in found["rows"])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-3.0, 37.2, [0, 20]),
        (-0.4, 0.9, [0, 0.5]),
        (-60.0, 2.0, [-50, 0]),
        (-4.5, 4.9, [-4, -2, 0, 2, 4]),
    ],
)
def test_marks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert forest.marks(low, high) == pytest.approx(expected)


def test_the_best_model_stands_first_in_its_pairs_and_above_the_others() -> None:
    cells = [cell(name, value) for name, value in (("a", 0.8), ("b", 0.9), ("c", 0.7))]
    tests = [
        paired("a", "b", -0.1, 0.01),
        paired("a", "c", 0.1, 0.2),
        paired("b", "c", None, None),
    ]
    for each in tests:
        each |= {"p": each["p_holm"], "subjects": 6}
    models, leads = pairs.shown(cells, tests, "ecg-delta-b")
    rows = models["forest"]["rows"]
    assert [each["title"] for each in rows] == ["b − a", "b − c", "a − c"]
    assert [each["group"] for each in rows] == ["better", None, "level"]
    assert rows[0]["difference"] == 0.1
    assert (rows[0]["low"], rows[0]["high"]) == pytest.approx((0.05, 0.15))
    assert [each["title"] for each in leads["forest"]["rows"]] == [
        f"{name} − clock, trees" for name in "abc"
    ]
    assert (models["of_clock"], leads["of_clock"]) == (False, True)
    assert not models["aside"]
    first, *_, last = pairs.table(tests).splitlines()
    assert first == "first,second,encoder,difference,low,high,p,p_holm,subjects,reason"
    assert last == "b,c,delta,,,,,,6,unknown persons"


def test_many_pairs_stand_aside() -> None:
    cells = [cell(f"m{k}", 0.5) for k in range(7)]
    tests = [
        paired(f"m{k}", f"m{n}", 0.0, 1.0) | {"p": 1.0, "subjects": 6}
        for n in range(7)
        for k in range(n)
    ]
    fewer = pairs.shown(cells, tests[: pairs.FEW], "ecg-delta-m3")
    assert not any(group["aside"] for group in fewer)
    first, others, leads = pairs.shown(cells, tests, "ecg-delta-m3")
    assert len(first["forest"]["rows"]) == 6
    assert len(leads["forest"]["rows"]) == 7
    assert (others["aside"], others["title"]) == (True, "The other 15 pairs of models")
    assert len(others["forest"]["rows"]) == 15
