"""Persons are in or out as a unit, each in half of the networks; else it is refused."""

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.privacy.membership import divide, fold_table, training_sessions, twin


def windows(n_persons: int, sessions: int = 1, rare: int | None = None) -> pd.DataFrame:
    """Make decisions of three classes; of the last one only some persons have any."""
    rows = [
        {"subject": f"s{person:02}", "session": f"{session}", "label": label}
        for person in range(n_persons)
        for session in range(sessions)
        for label in "aab" + ("c" if rare is None or person < rare else "")
    ]
    return pd.DataFrame(rows).reset_index(names="window")


@pytest.mark.parametrize("n_persons", [8, 13, 40])
def test_everyone_is_in_half_of_the_training_sets(n_persons: int) -> None:
    members = divide(windows(n_persons), 8, np.random.default_rng(0))
    member = members.member
    assert (member.sum(axis=0) == 4).all()
    for model in range(8):
        assert (member[model] == ~member[twin(model)]).all()
        assert twin(twin(model)) == model
        assert set(members.training_set(model)) <= set(members.candidates)
    assert len({row.tobytes() for row in member}) > 2
    groups = members.candidates, members.validation, members.population
    assert sum(map(len, groups)) == len(set().union(*groups)) == n_persons
    assert len(members.population) == len(members.validation) == max(2, n_persons // 6)


def test_equal_seeds_divide_equally_and_others_otherwise() -> None:
    table = windows(12)
    first, again, other = (
        divide(table, 8, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first.member == again.member).all()
    assert first.candidates == again.candidates
    assert (first.candidates, first.member.tolist()) != (
        other.candidates,
        other.member.tolist(),
    )


def test_other_names_divide_equally() -> None:
    """Under pseudonyms each machine has names of its own."""
    table = windows(12, rare=4)
    others = {f"s{k:02}": f"p{(5 * k) % 12:02}" for k in range(12)}
    renamed = table.assign(subject=table["subject"].map(others))
    one, other = (divide(t, 8, np.random.default_rng(1)) for t in (table, renamed))
    assert other.candidates == tuple(others[name] for name in one.candidates)
    assert other.population == tuple(others[name] for name in one.population)
    assert (one.member == other.member).all()


def test_every_training_set_has_every_class() -> None:
    table = windows(12, rare=4)
    members = divide(table, 6, np.random.default_rng(0))
    for model in range(6):
        own = table[table["subject"].isin(members.training_set(model))]
        assert set(own["label"]) == {"a", "b", "c"}


def unknown() -> pd.DataFrame:
    table = windows(9)
    table.loc[0, "subject"] = ""
    return table


@pytest.mark.parametrize(
    ("table", "found"),
    [
        (windows(7), "7 persons"),
        (windows(9, rare=1), "class 'c' is of one person alone"),
        (unknown(), "nobody knows who was recorded in 1 windows"),
    ],
)
def test_what_cannot_be_divided_is_refused(table: pd.DataFrame, found: str) -> None:
    with pytest.raises(DataError, match=found) as caught:
        divide(table, 8, np.random.default_rng(0))
    assert caught.value.expected
    assert caught.value.remedy


def test_a_class_that_no_division_gives_to_all_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.privacy.membership.TRIES", 3)
    with pytest.raises(DataError, match="class 'c' is of 2 of 60 persons"):
        divide(windows(60, rare=2), 64, np.random.default_rng(0))


def test_the_last_session_trains_nothing_if_the_others_have_its_classes() -> None:
    table = windows(3, sessions=2)
    own = (table["subject"] == "s01") & (table["session"] == "0")
    table = table[~(own & (table["label"] == "c"))]  # only in the last one of s01
    table = table[~((table["subject"] == "s02") & (table["session"] == "1"))]
    trains = training_sessions(table)
    assert trains[table["session"] == "0"].all()
    last = table["session"] == "1"
    assert not trains[last & (table["subject"] == "s00")].any()
    assert trains[last & (table["subject"] == "s01")].all()


def test_folds_keep_persons_and_sessions_apart() -> None:
    table = windows(12, sessions=2)
    members = divide(table, 6, np.random.default_rng(0))
    folds = fold_table(table, members).merge(table, on="window")
    for model in range(6):
        fold = folds[folds["fold"] == model]
        roles = {role: set(own["subject"]) for role, own in fold.groupby("role")}
        assert roles == {
            "train": set(members.training_set(model)),
            "validation": set(members.validation),
        }
        assert set(fold.loc[fold["role"] == "train", "session"]) == {"0"}
    queries = folds[folds["fold"] == 6]
    assert queries["window"].tolist() == table["window"].tolist()
    assert set(queries["role"]) == {"test"}
