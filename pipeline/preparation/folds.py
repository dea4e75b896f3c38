"""Folds: the windows that train, validate and test.

    cross_subject   nobody is in two roles
    cross_session   a tested session is in no other role
    within_session  a block is in one role, with a gap to the blocks of another
    predefined      the published lists of recordings, less who is in both (where
                    persons are unknown, a person may be in two roles)

Whatever the scheme, no second of a recording is in two roles; the silence that a window
sees beyond its segment is no second of it.

A rare class may be absent from a role. Windows that a fold would test and whose class
no window trains there have the role `unjudged`: nothing could have learned the class.
They validate nothing for the same reason. No network is trained for a fold that tests
nothing: it has unjudged windows only, or is left out.
"""

from collections.abc import Sequence
from typing import Annotated

import pandas as pd
from pydantic import Field

from pipeline.errors import DataError
from pipeline.preparation.schemes import (
    CrossSession,
    CrossSubject,
    Predefined,
    WithinSession,
)
from pipeline.preparation.splits import Roles, overlapping, within_segments
from pipeline.preparation.validation import Task
from pipeline.roles import UNJUDGED, UNKNOWN

ROLES = ("train", "validation", "test")
REMEDY = "use another scheme of folds, and report this: biospike made the folds"

FoldSettings = Annotated[
    CrossSubject | CrossSession | WithinSession | Predefined,
    Field(discriminator="scheme"),
]


def make_folds(
    windows: pd.DataFrame,
    settings: FoldSettings,
    labels: Sequence[str],
    *,
    sfreq: float,
    seed: int,
    where: str,
) -> pd.DataFrame:
    """Give the used windows their role in every fold.

    Parameters
    ----------
    windows : DataFrame
        The windows table of a data set.
    settings : FoldSettings
    labels : sequence of str
        The data set's classes.
    sfreq : float
        Prepared samples per second.
    seed : int
    where : str
        The data set's name, for messages and for the random order of subjects.

    Returns
    -------
    folds : DataFrame
        window, fold, role, which is `unjudged` where a fold would test a window whose
        class it does not train; a window may be without role in a fold.

    Raises
    ------
    DataError
        There are too few subjects, sessions or blocks, a class has no window in use, a
        fold trains or validates too little, or fewer than two classes are ever tested.
    """
    used = within_segments(windows[windows["reason"] == ""]).reset_index(drop=True)
    task = Task(used, sfreq, seed, where)
    _check_any(task, windows["reason"])
    _check_labels(task, labels)
    tables = []
    for fold, dealt in enumerate(settings.split(task)):
        roles = _judged(task, dealt)
        _check_roles(task, roles, fold, labels)
        table = pd.DataFrame({"window": used["window"], "fold": fold, "role": roles})
        tables.append(table[table["role"] != ""])
    folds = pd.concat(tables, ignore_index=True)
    _check_tested(task, folds, labels)
    check_folds(folds, windows, settings.scheme)
    return folds


def check_folds(folds: pd.DataFrame, windows: pd.DataFrame, scheme: str) -> None:
    """Make sure that the roles of every fold are apart.

    Parameters
    ----------
    folds, windows : DataFrame
        The tables of one data set.
    scheme : str

    Raises
    ------
    DataError
        A subject, session or second is in two roles.
    """
    roles = folds[folds["role"] != UNJUDGED]
    inside = within_segments(windows)
    joined = roles.merge(inside, on="window", validate="many_to_one")
    if folds.duplicated(["window", "fold"]).any():
        raise DataError(
            "folds",
            "a window has two roles in one fold",
            expected="one role for each window of a fold",
            remedy=REMEDY,
        )
    for fold, table in joined.groupby("fold"):
        _check_groups(int(str(fold)), table, scheme)
        _check_seconds(int(str(fold)), table.reset_index(drop=True))


def _check_any(task: Task, reasons: pd.Series) -> None:
    """Refuse a data set without a window in use."""
    if not task.windows.empty:
        return
    commonest = reasons.mode()
    raise task.error(
        f"none of {len(reasons)} windows is in use",
        "at least one",
        f"the commonest reason: {commonest[0]}"
        if len(commonest)
        else "correct the reader's labels",
    )


def _check_labels(task: Task, labels: Sequence[str]) -> None:
    """Refuse a class without a window in use."""
    counts = task.windows["label"].value_counts()
    if absent := [label for label in labels if label not in counts.index]:
        raise task.error(
            f"no window in use is of {', '.join(absent)}",
            "windows of every class",
            "see the column 'reason' of windows.parquet, or leave the class out of "
            "labels",
        )


def _judged(task: Task, dealt: Roles) -> Roles:
    """Take from validation and test the classes that no window trains."""
    label = task.windows["label"]
    untrained = ~label.isin(set(label[dealt == "train"])).to_numpy()
    roles = dealt.copy()
    roles[untrained & (dealt == "validation")] = ""
    roles[untrained & (dealt == "test")] = UNJUDGED
    if not (roles == "test").any():
        roles[roles != UNJUDGED] = ""
    return roles


def _check_roles(task: Task, roles: Roles, fold: int, labels: Sequence[str]) -> None:
    """Refuse a fold that tests, but cannot distinguish classes or choose a network."""
    if not (roles == "test").any():
        return
    counts = pd.crosstab(task.windows["label"], roles)
    counts = counts.reindex(index=list(labels), columns=list(ROLES), fill_value=0)
    n_trained = (counts["train"] > 0).sum()
    role = "train" if n_trained < 2 else "validation"
    if n_trained > 1 and counts["validation"].any():
        return
    there = ", ".join(f"{label} {n}" for label, n in counts[role].items())
    raise task.error(
        f"fold {fold} has too few windows in {role} ({there})",
        "two classes in train and a window in validation",
        "use fewer folds or another seed, or add recordings that have the class",
    )


def _check_tested(task: Task, folds: pd.DataFrame, labels: Sequence[str]) -> None:
    """Refuse folds that together test one class alone: any network would score well."""
    label = task.windows.set_index("window")["label"]
    roles = folds.groupby("role")["window"]
    tested = {role: set(label[rows]) for role, rows in roles}.get("test", set())
    if len(tested) > 1:
        return
    others = ", ".join(name for name in labels if name not in tested)
    raise task.error(
        f"no fold has windows of {others} in test and in train",
        "two classes that are tested where they are trained",
        "use fewer folds or another scheme, or add recordings that have the class",
    )


def _check_groups(fold: int, table: pd.DataFrame, scheme: str) -> None:
    """Refuse a known subject in two roles, or a tested session in another."""
    table = table[table["subject"] != UNKNOWN]
    if scheme in ("cross_subject", "predefined"):
        side, keys = table["role"], ["subject"]
    elif scheme == "cross_session":
        side, keys = table["role"] == "test", ["subject", "session"]
    else:
        return
    sides = table.assign(side=side).groupby(keys)["side"].nunique()
    if (shared := sides.index[sides > 1]).empty:
        return
    raise DataError(
        f"fold {fold}",
        f"{' and '.join(keys)} {shared[0]} stands in several roles",
        expected=f"each {' and '.join(keys)} in one role",
        remedy=REMEDY,
    )


def _check_seconds(fold: int, table: pd.DataFrame) -> None:
    """Refuse a second of a recording in two roles."""
    role = table["role"].to_numpy()
    for this in ROLES:
        shared = overlapping(table, role == this, role != this)
        if shared.any():
            one = table[shared].iloc[0]
            raise DataError(
                f"fold {fold}",
                f"window {one['window']} of {one['recording']}, in {this}, overlaps a "
                "window of another role",
                expected="roles that share no second of a recording",
                remedy=REMEDY,
            )
