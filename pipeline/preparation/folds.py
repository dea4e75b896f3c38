"""Which windows train, validate and test in every fold.

    cross_subject   nobody is in two roles
    cross_session   a tested session is in no other role
    within_session  a block is in one role, with a gap to the blocks of another
    predefined      the published lists of recordings, less who is in both

Whatever the scheme, no second of a recording is in two roles.
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
    Task,
    WithinSession,
)
from pipeline.preparation.splits import Roles, overlapping

ROLES = ("train", "validation", "test")

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
        The data set's classes: each must stand in each role of each fold.
    sfreq : float
        Prepared samples per second.
    seed : int
    where : str
        The data set's name, for messages and for the random order of subjects.

    Returns
    -------
    folds : DataFrame
        window, fold, role; a window may be without role in a fold.

    Raises
    ------
    DataError
        There are too few subjects, sessions or blocks, or a class is missing.
    """
    used = windows[windows["reason"] == ""].reset_index(drop=True)
    task = Task(used, sfreq, seed, where)
    _check_any(task, windows["reason"])
    tables = []
    for fold, roles in enumerate(settings.split(task)):
        _check_classes(task, roles, fold, labels)
        table = pd.DataFrame({"window": used["window"], "fold": fold, "role": roles})
        tables.append(table[table["role"] != ""])
    folds = pd.concat(tables, ignore_index=True)
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
    joined = folds.merge(windows, on="window", validate="many_to_one")
    if folds.duplicated(["window", "fold"]).any():
        raise DataError("folds", "a window has two roles in one fold")
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


def _check_classes(task: Task, roles: Roles, fold: int, labels: Sequence[str]) -> None:
    """Refuse a fold in which a role lacks a class."""
    counts = pd.crosstab(task.windows["label"], roles)
    counts = counts.reindex(index=list(labels), columns=list(ROLES), fill_value=0)
    for role in ROLES:
        if (absent := counts.index[counts[role] == 0]).empty:
            continue
        there = ", ".join(f"{label} {n}" for label, n in counts[role].items())
        raise task.error(
            f"fold {fold} has no window of {', '.join(absent)} in {role} ({there})",
            "every class in every role of every fold",
            "use fewer folds or another seed, leave the class out of labels, "
            "or add recordings that have it",
        )


def _check_groups(fold: int, table: pd.DataFrame, scheme: str) -> None:
    """Refuse a subject in two roles, or a tested session in another."""
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
        f"fold {fold}", f"{' and '.join(keys)} {shared[0]} stands in several roles"
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
            )
