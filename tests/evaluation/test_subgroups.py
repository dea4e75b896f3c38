"""Scores in the subgroups that a data set states."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.evaluate import EvaluationSettings, point_values
from pipeline.evaluation.subgroups import subgroups

QUICK = EvaluationSettings(resamples=100)
LABELS = ["N", "V"]
AGES = (20, 30, 40, 50, 60, 70)


def predictions() -> pd.DataFrame:
    """Two recordings of each of six persons; who is older than 40 has errors."""
    rows = [
        {
            "window": 8 * k + n,
            "fold": 0,
            "recording": f"s{k}_{n % 2}",
            "subject": f"s{k}",
        }
        | {"label": label, "predicted": "N" if age > 40 and n < k else label}
        for k, age in enumerate(AGES)
        for n, label in enumerate("NVNVNVNV")
    ]
    return pd.DataFrame(rows)


def recordings(sessions: bool = True, **numbers: tuple[float, ...]) -> pd.DataFrame:
    rows = [
        {
            "recording": f"s{k}_{n}",
            "subject": f"s{k}",
            "session": str(n + 1) if sessions else "",
            "numbers": json.dumps({name: each[k] for name, each in numbers.items()}),
        }
        for k in range(len(AGES))
        for n in range(2)
    ]
    return pd.DataFrame(rows)


def found(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    rows = subgroups(predictions(), table, LABELS, QUICK, seed=1)
    return {(row["of"], row["group"]): row for row in rows}


def test_an_age_parts_persons_at_its_median() -> None:
    groups = found(recordings(sessions=False, age=AGES))
    assert list(groups) == [("age", "up to 45"), ("age", "above 45")]
    young, old = groups.values()
    assert (young["subjects"], young["windows"]) == (3, 24)
    assert young["balanced_accuracy"]["value"] == 1
    of_old = predictions().query("subject >= 's3'")
    accuracy = point_values(of_old, LABELS)["balanced_accuracy"]
    assert old["balanced_accuracy"]["value"] == pytest.approx(accuracy)
    assert old["balanced_accuracy"]["low"] < accuracy


def test_who_was_recorded_often_does_not_move_the_median() -> None:
    table = recordings(sessions=False, age=AGES)
    table = table[(table["subject"] < "s2") | table["recording"].str.endswith("0")]
    refused = table.iloc[:3].assign(recording=["r1", "r2", "r3"], subject="s9")
    assert list(found(pd.concat([table, refused]))) == [
        ("age", "up to 45"), ("age", "above 45")
    ]  # fmt: skip


def test_a_person_counts_by_the_mean_of_the_recordings() -> None:
    """Two were recorded again, much older."""
    table = recordings(sessions=False, age=AGES)
    again = table["recording"].isin(["s0_1", "s1_1"])
    table.loc[again, "numbers"] = json.dumps({"age": 90.0})
    ages = [np.mean([AGES[0], 90]), np.mean([AGES[1], 90]), *AGES[2:]]
    assert ("age", f"up to {np.median(ages):g}") in found(table)


@pytest.mark.parametrize(("n_values", "n_groups"), [(4, 4), (5, 2)])
def test_four_values_are_groups_and_five_are_not(n_values: int, n_groups: int) -> None:
    grades = tuple(float(k % n_values) for k in range(len(AGES)))
    assert len(found(recordings(sessions=False, grade=grades))) == n_groups


def test_few_values_are_groups_and_so_are_sessions() -> None:
    sex = (0.0, 1.0, 0.0, 1.0, 0.0, 1.0)
    groups = found(recordings(sex=sex))
    assert list(groups) == [
        ("session", "1"), ("session", "2"), ("sex", "0"), ("sex", "1")
    ]  # fmt: skip
    assert {row["subjects"] for row in groups.values()} == {6, 3}


def test_a_number_that_some_persons_lack_leaves_them_out() -> None:
    ages = (20.0, float("nan"), 40.0, 50.0, 60.0, 70.0)
    groups = found(recordings(sessions=False, age=ages))
    assert sum(row["subjects"] for row in groups.values()) == 5


@pytest.mark.parametrize("numbers", [{}, {"age": (30.0,) * 6}])
def test_nothing_stated_makes_no_groups(numbers: dict[str, tuple[float, ...]]) -> None:
    assert found(recordings(sessions=False, **numbers)) == {}
