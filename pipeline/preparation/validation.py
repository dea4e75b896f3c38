"""Selection of the training windows that validate, and so decide when to stop."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline import seeds
from pipeline.errors import DataError
from pipeline.preparation.splits import (
    Roles,
    last_blocks,
    purge,
    recording_ends,
    validating,
)

VALIDATION_SHARE = 0.2
"""Share of the training subjects, or blocks, that choose when training stops."""


@dataclass(frozen=True)
class Task:
    """The used windows of a data set, and what a split needs besides."""

    windows: pd.DataFrame
    sfreq: float
    seed: int
    where: str

    def rng(self, *names: str | int) -> np.random.Generator:
        """Make the generator of a named draw."""
        return seeds.generator(self.seed, "folds", self.where, *names)

    def error(self, found: str, expected: str, remedy: str) -> DataError:
        """Explain why these windows cannot be split so."""
        where = f"folds of {self.where}"
        return DataError(where, found, expected=expected, remedy=remedy)


def with_validating_subjects(task: Task, roles: Roles, fold: int) -> Roles:
    """Let some of the training subjects validate."""
    training = np.flatnonzero(roles == "train")
    windows = task.windows.iloc[training]
    n_subjects = windows["subject"].nunique()
    if n_subjects < 2:
        raise task.error(
            f"fold {fold} trains on {counted(n_subjects, 'subject')}",
            "at least 2: one of them validates",
            "lower n_folds, or add recordings",
        )
    chosen = validating(
        windows["subject"], windows["label"], VALIDATION_SHARE, task.rng(fold)
    )
    roles[training[chosen]] = "validation"
    return roles


def with_validating_ends(task: Task, roles: Roles) -> Roles:
    """Let the last blocks of every training recording validate."""
    training = np.flatnonzero(roles == "train")
    ends = recording_ends(task.windows.iloc[training], VALIDATION_SHARE)
    roles[training[ends]] = "validation"
    return purge(roles, task.windows, gap=0)


def with_validating_blocks(task: Task, roles: Roles, gap_s: float) -> Roles:
    """Let the last blocks of subjects without a validating session validate."""
    windows = task.windows
    served = windows["subject"].isin(windows.loc[roles == "validation", "subject"])
    training = np.flatnonzero((roles == "train") & ~served)
    last = last_blocks(windows.iloc[training], VALIDATION_SHARE)
    roles[training[last]] = "validation"
    return purge(roles, windows, gap=round(gap_s * task.sfreq))


def counted(number: int, thing: str) -> str:
    """Write a number of things, such as `1 subject` or `2 subjects`."""
    return f"{number} {thing}{'s' * (number != 1)}"
