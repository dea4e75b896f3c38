"""No subject, session or second in two roles, under every scheme, by brute force."""

from contextlib import suppress
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.errors import DataError
from pipeline.preparation.folds import ROLES, FoldSettings, check_folds, make_folds
from pipeline.preparation.splits import balanced

SFREQ = 10.0


def scheme(**fields: object) -> FoldSettings:
    return TypeAdapter(FoldSettings).validate_python(fields)


def table(
    n_subjects: int = 8,
    n_sessions: int = 1,
    n_blocks: int = 12,
    n_labels: int = 2,
    *,
    length: int = 20,
    step: int = 5,
) -> pd.DataFrame:
    """Blocks of 40 samples one after the other, with windows that overlap across."""
    rows = []
    for subject in range(n_subjects):
        for session in range(n_sessions):
            for block in range(n_blocks):
                rows += [
                    {
                        "recording": f"s{subject}-{session}",
                        "subject": f"s{subject}",
                        "session": f"{session}",
                        "start": start,
                        "stop": start + length,
                        "label": "ABC"[block % n_labels],
                        "block": (subject * n_sessions + session) * n_blocks + block,
                        "reason": "",
                    }
                    for start in range(40 * block, 40 * block + 40, step)
                ]
    frame = pd.DataFrame(rows)
    frame.insert(0, "window", np.arange(len(frame)))
    return frame


def fold(
    windows: pd.DataFrame, chosen: FoldSettings, labels: str = "AB", seed: int = 1
):
    return make_folds(windows, chosen, labels, sfreq=SFREQ, seed=seed, where="demo")


SCHEMES = [
    scheme(scheme="cross_subject", n_folds=4),
    scheme(scheme="cross_session"),
    scheme(scheme="within_session", n_folds=3, gap_s=1.5),
    scheme(
        scheme="predefined",
        train=["s0-0", "s1-0", "s2-0", "s3-0"],
        test=["s4-0", "s5-0"],
    ),
]


def seconds(rows: pd.DataFrame) -> set[tuple[str, int]]:
    return {
        (row.recording, sample)
        for row in rows.itertuples()
        for sample in range(row.start, row.stop)
    }


def groups(rows: pd.DataFrame, keys: list[str]) -> set[tuple[str, ...]]:
    return set(rows[keys].itertuples(index=False, name=None))


@pytest.mark.parametrize("chosen", SCHEMES, ids=lambda one: one.scheme)
@pytest.mark.parametrize("n_sessions", [2, 3])
def test_roles_are_apart(chosen, n_sessions):
    windows = table(n_sessions=n_sessions)
    folds = fold(windows, chosen).merge(windows, on="window")
    assert set(folds["role"]) == set(ROLES)
    apart = {
        "cross_subject": ["subject"],
        "predefined": ["subject"],
        "cross_session": ["subject", "session"],
        "within_session": ["block"],
    }[chosen.scheme]
    for _, one in folds.groupby("fold"):
        role = dict(list(one.groupby("role")))
        for first, second in combinations(ROLES, 2):
            assert not seconds(role[first]) & seconds(role[second])
        rest = one[one["role"] != "test"]
        assert not groups(role["test"], apart) & groups(rest, apart)
        if chosen.scheme != "cross_session" or n_sessions > 2:
            assert not groups(role["train"], apart) & groups(role["validation"], apart)


@pytest.mark.parametrize("chosen", SCHEMES[:3], ids=lambda one: one.scheme)
def test_every_window_is_tested_once(chosen):
    windows = table(n_sessions=2)
    folds = fold(windows, chosen)
    tested = folds.loc[folds["role"] == "test", "window"]
    assert sorted(tested) == list(windows["window"])


def test_a_gap_keeps_the_roles_of_a_session_so_far_apart():
    windows = table(n_subjects=1)
    folds = fold(windows, SCHEMES[2]).merge(windows, on="window")
    for _, one in folds.groupby("fold"):
        role = dict(list(one.groupby("role")))
        for first, second in combinations(ROLES, 2):
            starts, stops = role[first]["start"], role[second]["stop"]
            before = starts.to_numpy()[:, None] - stops.to_numpy()
            after = (
                role[second]["start"].to_numpy()
                - role[first]["stop"].to_numpy()[:, None]
            )
            assert np.maximum(before, after).min() >= 15


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(3, 9), st.integers(2, 4), st.integers(1, 60))
def test_any_recordings_give_disjoint_folds_or_a_reason(seed, n_subjects, n, length):
    rng = np.random.default_rng(seed)
    windows = table(n_subjects, n_sessions=2, length=length)
    windows["label"] = rng.choice(list("AB"), len(windows))
    windows["reason"] = rng.choice(["", "", "too early"], len(windows))
    for chosen in (
        scheme(scheme="cross_subject", n_folds=n),
        scheme(scheme="cross_session", gap_s=0.5),
        scheme(scheme="within_session", n_folds=n + 1),
    ):
        folds = pd.DataFrame(columns=["window", "fold", "role"])
        with suppress(DataError):
            folds = fold(windows, chosen)
        folds = folds.merge(windows, on="window")
        assert (folds["reason"] == "").all()
        for _, one in folds.groupby("fold"):
            role = dict(list(one.groupby("role")))
            for first, second in combinations(ROLES, 2):
                assert not seconds(role[first]) & seconds(role[second])


def test_equal_seeds_give_equal_folds_and_others_others():
    windows = table()
    first, second, other = (fold(windows, SCHEMES[0], seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first.equals(other)
    assert list(first) == ["window", "fold", "role"]


def test_rare_classes_are_dealt_to_every_part():
    # As in MIT-BIH, where one person has most of the fusion beats.
    number = {"A": 10 * np.arange(1, 13) ** 2, "C": np.array([2000, 1, 1, 1] + 8 * [0])}
    groups = np.concatenate([np.repeat(np.arange(12), n) for n in number.values()])
    labels = np.repeat(list(number), [n.sum() for n in number.values()])
    for seed in range(10):
        rng = np.random.default_rng(seed)
        part = balanced(pd.Series(groups), pd.Series(labels), np.arange(12) % 4, rng)
        table = pd.crosstab(part, labels)
        assert (table["C"] > 0).all()
        assert table["A"].max() < 1.5 * table["A"].min()
        assert [len(np.unique(groups[part == k])) for k in range(4)] == [3, 3, 3, 3]


def test_a_block_alone_in_its_session_trains():
    windows = table(n_sessions=2)
    windows.loc[windows["start"] >= 440, "label"] = "C"
    with pytest.raises(DataError, match="no window of C in validation"):
        fold(windows, SCHEMES[1], "ABC")


def test_who_is_in_both_lists_is_only_tested():
    windows = table()
    windows.loc[windows["recording"] == "s3-0", "subject"] = "s4"
    folds = fold(windows, SCHEMES[3]).merge(windows, on="window")
    assert "s3-0" not in set(folds["recording"])
    assert set(folds.loc[folds["role"] == "test", "recording"]) == {"s4-0", "s5-0"}


def test_a_subject_with_one_session_only_trains():
    windows = table(n_sessions=2)
    windows = windows[windows["recording"] != "s0-1"]
    folds = fold(windows, SCHEMES[1]).merge(windows, on="window")
    assert "test" not in set(folds.loc[folds["subject"] == "s0", "role"])


def test_the_last_blocks_of_the_trained_session_validate():
    windows = table(n_sessions=2)
    folds = fold(windows, SCHEMES[1]).merge(windows, on="window")
    first = folds[folds["fold"] == 0]
    blocks = first.assign(place=first["block"] % 12).groupby("role")["place"].unique()
    assert set(blocks["validation"]) == {10, 11}
    assert set(blocks["train"]) == set(range(10))
    assert set(first.loc[first["role"] == "test", "session"]) == {"0"}


@pytest.mark.parametrize(
    ("windows", "chosen", "message"),
    [
        (table(1), SCHEMES[0], "(?s)1 subject with.*at least 4 .*within_session"),
        (table(2), scheme(scheme="cross_subject", n_folds=2), "at least 3"),
        (table(), SCHEMES[1], "no subject has two sessions"),
        (table(n_blocks=2), SCHEMES[2], "no window of A, B in train"),
        (table().query("subject != 's4' and subject != 's5'"), SCHEMES[3], "in test"),
        (
            table(3, n_blocks=4),
            scheme(scheme="predefined", train=["s0-0"], test=["s1-0"]),
            "trains on 1 subject",
        ),
    ],
)
def test_impossible_splits_say_why(windows, chosen, message):
    with pytest.raises(DataError, match=message):
        fold(windows, chosen)


@pytest.mark.parametrize("chosen", SCHEMES, ids=lambda one: one.scheme)
def test_no_window_in_use_says_the_commonest_reason(chosen):
    windows = table(2).assign(reason="window starts 1 s before the recording")
    with pytest.raises(DataError, match=r"(?s)none of 192 windows.*starts 1 s before"):
        fold(windows, chosen)
    with pytest.raises(DataError, match="none of 0 windows"):
        fold(windows.iloc[:0], chosen)


def test_a_class_missing_in_a_role_is_named_with_the_counts():
    windows = table()
    windows.loc[(windows["subject"] == "s0") & (windows["start"] == 0), "label"] = "C"
    with pytest.raises(DataError) as caught:
        fold(windows, SCHEMES[0], "ABC")
    message = str(caught.value)
    assert "fold 0 has no window of C in" in message
    assert "C 0)" in message
    assert "to do" in message


@pytest.mark.parametrize("chosen", SCHEMES, ids=lambda one: one.scheme)
def test_check_folds_sees_a_leak(chosen):
    windows = table(n_sessions=2)
    folds = fold(windows, chosen)
    check_folds(folds, windows, chosen.scheme)
    train = folds.index[(folds["role"] == "train") & (folds["fold"] == 0)]
    leaky = folds.copy()
    leaky.loc[train[3], "role"] = "test"
    with pytest.raises(DataError, match="fold 0"):
        check_folds(leaky, windows, chosen.scheme)


def test_check_folds_sees_a_subject_in_two_roles_without_a_shared_second():
    windows = table(n_sessions=2)
    folds = fold(windows, SCHEMES[1])
    with pytest.raises(DataError, match="subject s0 stands in several roles"):
        check_folds(folds, windows, "cross_subject")


def test_check_folds_sees_a_window_in_two_roles():
    windows = table()
    folds = fold(windows, SCHEMES[0])
    again = folds[folds["role"] == "test"].assign(role="train")
    with pytest.raises(DataError, match="two roles"):
        check_folds(pd.concat([folds, again]), windows, "within_session")


@pytest.mark.parametrize(
    "fields",
    [
        {"scheme": "within_session", "n_folds": 2},
        {"scheme": "cross_subject", "n_folds": 1},
        {"scheme": "predefined", "train": [], "test": ["a"]},
        {"scheme": "shuffled"},
    ],
)
def test_unknown_or_too_small_schemes_are_refused(fields):
    with pytest.raises(ValidationError):
        scheme(**fields)
