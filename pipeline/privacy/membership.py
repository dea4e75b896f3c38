"""Which persons each network is trained on: whole persons, each in half of the sets.

Networks come in twins, trained on opposite halves of the candidates. So each person is
in the training set of exactly half of them, and of the networks that are neither the
target nor its twin, exactly half have never seen a given person. Two groups are in no
training set: one validates, the other is the population.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pipeline.errors import DataError
from pipeline.roles import UNKNOWN

LEAST = 8
"""Persons that an audit needs: two that validate, two of the population, and four of
whom two are in each training set."""

RESERVED = 6
"""One of so many persons validates, and one is of the population; two at least."""

TRIES = 2000
"""Divisions that are drawn until every training set has all classes."""


@dataclass(frozen=True)
class Membership:
    """Which persons each network is trained on.

    Parameters
    ----------
    candidates : tuple of str
        Persons on whom half of the networks are trained.
    member : array, shape (model, candidate), bool
        Which of them are in which training set; networks 2j and 2j + 1 are twins.
    validation, population : tuple of str
        Persons on whom no network is trained.
    """

    candidates: tuple[str, ...]
    member: Bool[np.ndarray, "model candidate"]
    validation: tuple[str, ...]
    population: tuple[str, ...]

    def training_set(self, model: int) -> list[str]:
        """List the persons on whom a network is trained."""
        pairs = zip(self.candidates, self.member[model], strict=True)
        return [person for person, is_in in pairs if is_in]


def twin(model: int) -> int:
    """Give the network trained on the other half of the candidates."""
    return model + 1 - 2 * (model % 2)


def divide(
    windows: pd.DataFrame, n_models: int, rng: np.random.Generator
) -> Membership:
    """Decide on whom each network is trained.

    Parameters
    ----------
    windows : DataFrame
        Columns subject and label, a row a decision.
    n_models : int
        Even.
    rng : Generator

    Raises
    ------
    DataError
        Persons are unknown or too few, or a class is of too few of them.
    """
    _check_persons(windows)
    person, persons = pd.factorize(windows["subject"])  # as they come: see `leaving`
    has = pd.crosstab(person, windows["label"]).to_numpy() > 0
    n_reserved = max(2, len(persons) // RESERVED)
    for _ in range(TRIES):
        order = rng.permutation(len(persons))
        groups = np.split(order, [n_reserved, 2 * n_reserved])
        chosen = np.sort(groups[2])
        member = _halves(len(chosen), n_models, rng)
        if _all_classes(member, has[chosen]):
            validation, population, candidates = (
                tuple(persons[k] for k in sorted(group)) for group in groups
            )
            return Membership(candidates, member, validation, population)
    rare = sorted(windows["label"].unique())[int(has.sum(axis=0).argmin())]
    raise DataError(
        "windows.parquet",
        f"class '{rare}' is of {has.sum(axis=0).min()} of {len(persons)} persons",
        expected="classes of so many persons that each half of them has every class",
        remedy="audit a data set with more persons of this class, or leave the class "
        "out of its `labels`",
    )


def _check_persons(windows: pd.DataFrame) -> None:
    """Refuse what cannot be divided by persons."""
    persons = windows["subject"]
    if (persons == UNKNOWN).any():
        raise DataError(
            "windows.parquet",
            f"nobody knows who was recorded in {(persons == UNKNOWN).sum()} windows",
            expected="a person of each recording: only persons can be in or out",
            remedy="state under the data set's `values` who was recorded",
        )
    if persons.nunique() < LEAST:
        raise DataError(
            "windows.parquet",
            f"{persons.nunique()} persons",
            expected=f"at least {LEAST}: two that validate, two of the population, and "
            "four of whom two are in each training set",
            remedy="audit a data set with more persons",
        )
    holders = windows.groupby("label")["subject"].nunique()
    if len(alone := holders[holders < 2]):
        raise DataError(
            "windows.parquet",
            f"class '{alone.index[0]}' is of one person alone",
            expected="classes of two persons or more: else the class gives the person "
            "away, and half of the networks never learn it",
            remedy="add recordings of the class, or leave it out of `labels`",
        )


def _halves(
    n_persons: int, n_models: int, rng: np.random.Generator
) -> Bool[np.ndarray, "model candidate"]:
    """Draw halves of the persons, each followed by the other half."""
    first = np.arange(n_persons) < n_persons // 2
    halves = [rng.permutation(first) for _ in range(n_models // 2)]
    return np.array([each for half in halves for each in (half, ~half)])


def _all_classes(
    member: Bool[np.ndarray, "model candidate"],
    has: Bool[np.ndarray, "candidate label"],
) -> bool:
    """Whether every training set has every class."""
    return bool((member.astype(int) @ has.astype(int) > 0).all())


def training_sessions(windows: pd.DataFrame) -> "pd.Series[bool]":
    """Mark the windows of the sessions for training, of everyone.

    A person's last session is kept for queries, if the ones before have all its
    classes; no network is trained on it.

    Parameters
    ----------
    windows : DataFrame
        Columns subject, session and label.
    """
    in_training = pd.Series(True, index=windows.index)
    for _, own in windows.groupby("subject"):
        last = own["session"] == max(own["session"])
        if set(own.loc[last, "label"]) <= set(own.loc[~last, "label"]):
            in_training[own.index[last]] = False
    return in_training


def fold_table(windows: pd.DataFrame, membership: Membership) -> pd.DataFrame:
    """Give each network's fold: who trains and who validates it.

    Of the training set only the sessions for training are in it. One more fold, of the
    number after the last network's, has all decisions in the role test: the queries.

    Parameters
    ----------
    windows : DataFrame
        Columns window, subject, session and label.
    membership : Membership
    """
    in_training = training_sessions(windows)
    queries = len(membership.member)
    tables = [windows[["window"]].assign(fold=queries, role="test")]
    for model in range(queries):
        trains = windows["subject"].isin(membership.training_set(model)) & in_training
        validates = windows["subject"].isin(membership.validation)
        tables += [
            windows.loc[rows, ["window"]].assign(fold=model, role=role)
            for rows, role in ((trains, "train"), (validates, "validation"))
        ]
    return pd.concat(tables, ignore_index=True)
