"""No subject, session or second in two roles, under every scheme, by brute force."""

import hashlib
from contextlib import suppress
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.errors import DataError
from pipeline.preparation.folds import (
    ROLES,
    FoldSettings,
    check_folds,
    make_folds,
)
from pipeline.preparation.splits import balanced, validating, validating_piece
from pipeline.roles import UNJUDGED

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
                        "segment_start": 0,
                        "segment_stop": 40 * n_blocks + length,
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

SUBJECTS = scheme(scheme="cross_subject", n_folds="subjects")


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


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), st.integers(3, 9), st.integers(2, 4), st.integers(1, 60))
def test_any_recordings_give_disjoint_folds_or_a_reason(seed, n_subjects, n, length):
    rng = np.random.default_rng(seed)
    windows = table(n_subjects, n_sessions=2, length=length)
    windows["label"] = rng.choice(list("AB"), len(windows))
    windows["reason"] = rng.choice(["", "", "too early"], len(windows))
    for chosen in (
        scheme(scheme="cross_subject", n_folds=n),
        scheme(scheme="cross_subject", n_folds=n, repeats=2, stratified=False),
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
            if "test" not in role:
                assert set(role) == {UNJUDGED}
                continue
            assert set(role["test"]["label"]) <= set(role["train"]["label"])
            for first, second in combinations(ROLES, 2):
                assert not seconds(role[first]) & seconds(role[second])


def test_the_end_of_each_recording_validates() -> None:
    """Also where persons are unknown, who then may be in several roles."""
    windows = table(n_subjects=3, n_blocks=10).assign(subject="")
    chosen = scheme(
        scheme="predefined", train=["s0-0", "s1-0"], test=["s2-0"], validation="end"
    )
    folds = fold(windows, chosen).merge(windows, on="window")
    counts = folds.groupby(["recording", "role"])["block"].unique()
    for k, recording in enumerate(["s0-0", "s1-0"]):
        assert set(counts[recording, "validation"]) == {10 * k + 8, 10 * k + 9}
        assert set(counts[recording, "train"]) == {10 * k + b for b in range(8)}
    assert set(folds.loc[folds["recording"] == "s2-0", "role"]) == {"test"}
    known = windows.assign(subject="one")
    with pytest.raises(DataError, match="no fold has windows of A, B in test"):
        fold(known, chosen)


def test_silence_beyond_a_segment_is_nobodys_second():
    """Windows reach over a pause, on both sides, and see nothing of the other side."""
    windows = table(n_subjects=1, n_blocks=8, length=4, step=20)
    late = windows["start"] >= 160
    windows["start"] -= np.where(late & (windows["start"] < 200), 30, 0)
    windows["stop"] += np.where(~late & (windows["stop"] > 120), 30, 0)
    silent = windows.assign(
        segment_start=np.where(late, 160, 0), segment_stop=np.where(late, 330, 160)
    )
    roles = np.where(late, "test", "train")
    folds = pd.DataFrame({"window": windows["window"], "fold": 0, "role": roles})
    with pytest.raises(DataError, match="overlaps a window of another role"):
        check_folds(folds, windows, "within_session")
    check_folds(folds, silent, "within_session")


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
        part = balanced(
            pd.Series(groups),
            pd.Series(labels),
            np.arange(12) % 4,
            rng,
            held_out=range(4),
        )
        table = pd.crosstab(part, labels)
        assert (table["C"] > 0).all()
        assert table["A"].max() < 1.5 * table["A"].min()
        assert [len(np.unique(groups[part == k])) for k in range(4)] == [3, 3, 3, 3]


def test_a_block_alone_in_its_session_trains():
    windows = table(n_sessions=2)
    windows.loc[windows["start"] >= 440, "label"] = "C"
    folds = fold(windows, SCHEMES[1], "ABC").merge(windows, on="window")
    assert set(folds.loc[folds["label"] == "C", "role"]) == {"train", "test"}
    assert set(folds.loc[folds["label"] == "A", "role"]) == set(ROLES)


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
        (table(n_blocks=2), SCHEMES[2], "no fold has windows of A, B in test and in"),
        (
            table().query("subject != 's4' and subject != 's5'"),
            SCHEMES[3],
            "no fold has windows of A, B in test",
        ),
        (
            table(n_sessions=2, n_blocks=2),
            SCHEMES[1],
            r"fold 0 has too few windows in validation \(A 0, B 0\)",
        ),
        (
            table(3, n_blocks=4),
            scheme(scheme="predefined", train=["s0-0"], test=["s1-0"]),
            "trains on 1 subject",
        ),
    ],
)
def test_impossible_splits_have_a_reason(windows, chosen, message):
    with pytest.raises(DataError, match=message):
        fold(windows, chosen)


@pytest.mark.parametrize("chosen", SCHEMES, ids=lambda one: one.scheme)
def test_no_window_in_use_states_the_commonest_reason(chosen):
    windows = table(2).assign(reason="window starts 1 s before the recording")
    with pytest.raises(DataError, match=r"(?s)none of 192 windows.*starts 1 s before"):
        fold(windows, chosen)
    with pytest.raises(DataError, match="none of 0 windows"):
        fold(windows.iloc[:0], chosen)


def rarely(windows: pd.DataFrame, subjects: list[str]) -> pd.DataFrame:
    """Make the first block of some subjects, session by session, class C."""
    rare = windows["subject"].isin(subjects) & (windows["start"] < 40)
    return windows.assign(label=windows["label"].mask(rare, "C"))


def roles_of(folds: pd.DataFrame, windows: pd.DataFrame, label: str) -> pd.DataFrame:
    """Count a class's windows, a row a fold, a column a role."""
    mine = folds.merge(windows[windows["label"] == label], on="window")
    counts = pd.crosstab(mine["fold"], mine["role"])
    return counts.reindex(columns=[*ROLES, UNJUDGED], fill_value=0)


@pytest.mark.parametrize("n_folds", [4, "subjects"])
def test_a_class_of_one_subject_is_unjudged_where_it_would_be_tested(n_folds):
    windows = rarely(table(), ["s3"])
    chosen = scheme(scheme="cross_subject", n_folds=n_folds)
    folds = fold(windows, chosen, "ABC")
    counts = roles_of(folds, windows, "C")
    n_rare = (windows["label"] == "C").sum()
    assert (counts["test"] == 0).all()
    assert counts[UNJUDGED].tolist().count(n_rare) == 1
    # It always trains elsewhere, though its subject could have validated.
    assert counts["train"].tolist().count(n_rare) == len(counts) - 1
    joined = folds.merge(windows, on="window")
    apart = joined[joined["role"] == UNJUDGED]["fold"].iloc[0]
    same = joined[(joined["fold"] == apart) & (joined["subject"] == "s3")]
    assert set(same["role"]) == {"test", UNJUDGED}
    check_folds(folds, windows, "cross_subject")


def test_a_class_of_two_subjects_is_tested_with_each_and_trained_with_the_other():
    windows = rarely(table(), ["s1", "s6"])
    for seed in range(20):
        folds = fold(windows, SCHEMES[0], "ABC", seed=seed)
        counts = roles_of(folds, windows, "C")
        assert (counts["test"] > 0).sum() == 2
        assert (counts["train"] > 0).all()
        assert (counts[UNJUDGED] == 0).all()


def test_a_subject_of_an_own_class_alone_has_a_fold_that_tests_nothing():
    windows = table()
    windows.loc[windows["subject"] == "s3", "label"] = "C"
    folds = fold(windows, scheme(scheme="cross_subject", n_folds="subjects"), "ABC")
    alone = folds.merge(windows, on="window").query("subject == 's3'")
    nothing = folds[folds["fold"] == alone.loc[alone["role"] == UNJUDGED, "fold"].max()]
    assert set(nothing["role"]) == {UNJUDGED}
    assert set(nothing["window"]) == set(alone["window"])
    assert folds.loc[folds["role"] == "test", "fold"].nunique() == 7


def test_patients_against_controls_leave_one_subject_out():
    """Every subject has one class, so that two must validate."""
    windows = table(7)
    patients = windows["subject"].isin(["s0", "s1", "s2"])
    windows["label"] = np.where(patients, "A", "B")
    for seed in range(10):
        folds = fold(windows, SUBJECTS, seed=seed).merge(windows, on="window")
        assert UNJUDGED not in set(folds["role"])
        labels = folds.groupby(["fold", "role"])["label"].unique()
        for (_, role), there in labels.items():
            assert len(there) == (1 if role == "test" else 2)


def test_leave_one_subject_out_tests_the_subjects_in_order():
    windows = table(5)
    folds = fold(windows, SUBJECTS).merge(windows, on="window")
    tested = folds[folds["role"] == "test"].groupby("fold")["subject"].unique()
    assert [list(who) for who in tested] == [["s0"], ["s1"], ["s2"], ["s3"], ["s4"]]
    with pytest.raises(DataError, match=r"(?s)2 subjects.*at least 3 .*: subjects"):
        fold(table(2), SUBJECTS)


def test_repeats_are_other_deals_that_each_test_every_window_once():
    windows = table(8)
    chosen = scheme(scheme="cross_subject", n_folds=4, repeats=3)
    folds = fold(windows, chosen)
    assert sorted(folds["fold"].unique()) == list(range(12))
    first = folds[folds["fold"] < 4].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, fold(windows, SCHEMES[0]))
    tested = folds[folds["role"] == "test"].merge(windows, on="window")
    deals = []
    for _, deal in tested.groupby(tested["fold"] // 4):
        assert sorted(deal["window"]) == list(windows["window"])
        parts = deal.groupby("fold")["subject"].unique()
        deals.append({frozenset(who) for who in parts})
    assert deals[0] != deals[1] != deals[2]


def test_a_plain_deal_does_not_look_at_classes():
    windows = rarely(table(), ["s1", "s6"])
    plain = scheme(scheme="cross_subject", n_folds=2, stratified=False)
    together, sizes = [], set()
    for seed in range(40):
        folds = fold(windows, plain, "ABC", seed=seed).merge(windows, on="window")
        held = folds[folds["role"].isin(["test", UNJUDGED])]
        part = held.groupby("subject")["fold"].first()
        together.append(part["s1"] == part["s6"])
        sizes |= set(part.value_counts())
    assert sizes == {4}
    # Of 7 places for s6, 3 are beside s1: the balanced deal never takes one.
    assert 8 < sum(together) < 28


@pytest.mark.parametrize(
    ("held", "may_validate"),
    [
        # s0 and s1 would fit best, having D to H, but alone have C and I.
        (["CDEFGH", "IDEFGH", "A", "A", "A", "A"], {"s2", "s3", "s4", "s5"}),
        # With two to validate, B would be judged beside A, at the cost of C or D.
        (["A", "A", "BC", "BD"], {"s0", "s1"}),
    ],
)
def test_validation_takes_no_class_from_training(held, may_validate):
    subjects = pd.Series([f"s{k}" for k, labels in enumerate(held) for _ in labels])
    labels = pd.Series(list("".join(held)))
    for seed in range(10):
        chosen = validating(subjects, labels, 0.2, np.random.default_rng(seed))
        assert len(set(subjects[chosen])) == 1
        assert set(subjects[chosen]) <= may_validate


@pytest.mark.parametrize("chosen", SCHEMES[1:3], ids=lambda one: one.scheme)
def test_a_rare_class_ends_no_scheme_of_sessions(chosen):
    windows = rarely(table(n_sessions=3), ["s2"])
    one = windows["session"] != "1"
    windows.loc[(windows["label"] == "C") & one, "label"] = "A"
    folds = fold(windows, chosen, "ABC")
    counts = roles_of(folds, windows, "C")
    assert (counts["test"] == 0).all()
    assert (counts["validation"] == 0).all()
    assert (counts[UNJUDGED] > 0).sum() == 1
    assert (counts["train"] > 0).sum() > 0
    tested = folds[folds["role"].isin(["test", UNJUDGED])]
    assert sorted(tested["window"]) == list(windows["window"])


def test_a_session_that_alone_could_train_a_tested_class_does_not_validate():
    windows = rarely(table(n_sessions=3), ["s2"])
    last = (windows["label"] == "C") & (windows["session"] == "2")
    windows.loc[last, "label"] = "A"
    counts = roles_of(fold(windows, SCHEMES[1], "ABC"), windows, "C")
    assert (counts.loc[[0, 1], "test"] > 0).all()
    assert (counts.loc[[0, 1], "train"] > 0).all()


def test_a_session_name_that_nobody_can_test_makes_no_fold():
    windows = table(n_sessions=2)
    alone = windows["subject"] == "s0"
    windows = windows[~(alone & (windows["session"] == "1"))]
    windows.loc[windows["subject"] == "s0", "session"] = "00"
    folds = fold(windows, SCHEMES[1]).merge(windows, on="window")
    assert set(folds["fold"]) == {0, 1}
    assert set(folds.loc[folds["session"] == "00", "role"]) <= {
        "train",
        "validation",
    }


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([[1, 1], [1, 1], [1, 1]], 1),
        ([[1, 1], [1, 0], [1, 1], [1, 1]], 2),  # a piece of one class judges nothing
        ([[1, 1], [1, 1], [1, 0]], 2),  # or the second class would not train
        ([[1, 1], [1, 0], [1, 0], [1, 1]], 1),
    ],
)
def test_the_next_piece_validates_that_takes_no_class_from_training(held, expected):
    assert validating_piece(np.array(held, bool), 0) == expected


def test_classes_that_cannot_be_judged_at_all_end_it():
    windows = table()
    two = windows["subject"].isin(["s0"]) & (windows["label"] == "A")
    lonely = windows.assign(label=np.where(two, "A", "B"))
    with pytest.raises(
        DataError, match=r"fold \d has too few windows in train \(A 0, B "
    ):
        fold(lonely, SCHEMES[0])
    with pytest.raises(DataError, match=r"(?s)no window in use is of C, D.*labels"):
        fold(windows, SCHEMES[0], "ABCD")


def test_one_class_that_all_folds_test_alone_is_no_result():
    """B and C train everywhere but where they are tested: only A would be judged."""
    windows = table().assign(label="A")
    for subject, label in (("s0", "B"), ("s1", "C")):
        windows.loc[windows["subject"] == subject, "label"] = label
    with pytest.raises(DataError, match="no fold has windows of B, C in test and"):
        fold(windows, SUBJECTS, "ABC")


@pytest.mark.parametrize(
    ("chosen", "digest"),
    [
        (scheme(scheme="cross_subject", n_folds=3), "eea9e14e2b7bb84b"),
        (scheme(scheme="cross_session"), "8e7c5bf75fad3362"),
        (scheme(scheme="within_session", n_folds=3, gap_s=1.5), "91cb1eadae210534"),
        (
            scheme(
                scheme="predefined",
                train=["s0-0", "s1-0", "s2-0", "s3-0", "s6-1"],
                test=["s4-0", "s5-0"],
            ),
            "c963aaff2f2351b5",
        ),
    ],
    ids=lambda one: getattr(one, "scheme", ""),
)
def test_folds_that_have_every_class_in_every_role_are_as_ever(chosen, digest):
    """The digests are of folds before rare classes were allowed."""
    windows = table(9, n_sessions=2)
    rng = np.random.default_rng(3)
    windows["label"] = rng.choice(list("AB"), len(windows), p=[0.8, 0.2])
    windows = windows[rng.random(len(windows)) < 0.8]
    text = fold(windows, chosen).to_csv(index=False)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


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
        {"scheme": "cross_subject", "n_folds": "recordings"},
        {"scheme": "cross_subject", "n_folds": 2, "repeats": 0},
        {"scheme": "cross_session", "repeats": 2},
        {"scheme": "predefined", "train": [], "test": ["a"]},
        {"scheme": "shuffled"},
    ],
)
def test_unknown_or_too_small_schemes_are_refused(fields):
    with pytest.raises(ValidationError):
        scheme(**fields)


def lists(train, test):
    return scheme(scheme="predefined", train=train, test=test)


def test_lists_name_each_recording_once_and_none_that_is_not_there():
    for train, test in ((["a", "b"], ["b"]), (["a", "a"], ["b"])):
        with pytest.raises(ValueError, match="stands in its lists twice"):
            lists(train, test)
    chosen = lists(["s1-0", "s1_1"], ["s2-0", "s9-0"])
    chosen.refuse_unknown({"s1-0", "s1_1", "s2-0", "s9-0", "more"}, "study")
    with pytest.raises(DataError, match="'s1_1', and 1 more, which") as caught:
        chosen.refuse_unknown({"s1-0", "s1-1", "s2-0"}, "study")
    assert caught.value.where == "folds of study"
    assert "did you mean 's1-" in caught.value.expected


def test_who_is_tested_and_so_not_trained_is_named():
    windows = table(4, n_sessions=2)
    chosen = lists(["s0-0", "s1-0", "s2-0", "s2-1"], ["s3-0", "s1-1"])
    assert chosen.untrained(windows) == ["s1-0"]
    assert lists(["s0-0", "s1-0"], ["s3-0"]).untrained(windows) == []
