"""The schemes by which windows get their roles.

Each gives, fold by fold, one role a window: train, validation, test or "" for none.
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from pipeline.components import Settings, did_you_mean
from pipeline.errors import DataError
from pipeline.listed import listed
from pipeline.preparation.splits import (
    Roles,
    balanced,
    pieces,
    purge,
    validating_piece,
)
from pipeline.preparation.validation import (
    Task,
    counted,
    with_validating_blocks,
    with_validating_ends,
    with_validating_subjects,
)
from pipeline.roles import UNKNOWN

Gap = Annotated[
    float, Field(ge=0, le=3600, description="seconds between roles in one recording")
]


class Scheme(Settings):
    """The base class of schemes."""

    @property
    def listed_names(self) -> tuple[str, ...]:
        """Names of recordings, and `@PATH` of files that hold some; see `listed`."""
        return ()

    @abstractmethod
    def split(self, task: Task) -> Iterator[Roles]:
        """Give the windows their roles, fold by fold."""


def _number_of_folds(n_folds: object) -> object:
    """Refuse in one sentence what would be refused as a number and as a word."""
    if n_folds != "subjects" and (type(n_folds) is not int or not 2 <= n_folds <= 100):
        raise ValueError("a number of folds from 2 to 100, or subjects")
    return n_folds


class CrossSubject(Scheme):
    """Every subject is tested once a repeat, by a model that knows others only."""

    scheme: Literal["cross_subject"]
    n_folds: Annotated[
        Annotated[int, Field(ge=2, le=100)] | Literal["subjects"],
        BeforeValidator(_number_of_folds),
        Field(description="folds of a repeat; subjects: leave one subject out"),
    ]
    repeats: Annotated[
        int, Field(ge=1, le=100, description="deals of the subjects, each tested")
    ] = 1
    stratified: Annotated[
        bool, Field(description="deal each fold its share of every class; else plainly")
    ] = True

    def split(self, task: Task) -> Iterator[Roles]:
        """Deal the subjects, repeat by repeat; folds are numbered on."""
        n_subjects = task.windows["subject"].nunique()
        n_folds = n_subjects if self.n_folds == "subjects" else self.n_folds
        needed = 3 if self.n_folds == "subjects" else max(3, n_folds)
        if n_subjects < needed:
            raise task.error(
                f"{counted(n_subjects, 'subject')} with windows in use",
                f"at least {needed} for cross_subject with n_folds: {self.n_folds}",
                "use the scheme cross_session or within_session, or add recordings",
            )
        for repeat in range(self.repeats):
            part = self._deal(task, np.arange(n_subjects) % n_folds, repeat)
            for place in range(n_folds):
                roles = np.where(part == place, "test", "train").astype(object)
                fold = repeat * n_folds + place
                yield with_validating_subjects(task, roles, fold)

    def _deal(self, task: Task, dealt: np.ndarray, repeat: int) -> np.ndarray:
        """Give each window the number of the part that its subject is in."""
        subjects = task.windows["subject"]
        subject, _ = pd.factorize(subjects)
        if self.n_folds == "subjects":
            return subject
        rng = task.rng("repeat", repeat) if repeat else task.rng()
        if not self.stratified:
            return rng.permutation(dealt)[subject]
        everywhere = range(self.n_folds)
        return balanced(
            subjects, task.windows["label"], dealt, rng, held_out=everywhere
        )


class Predefined(Scheme):
    """One fold, by lists of recordings; who is in both is only tested.

    Two recordings of one person in two roles would flatter the published protocol.
    """

    scheme: Literal["predefined"]
    train: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="recordings, by name or pseudonym; an entry @PATH stands for "
            "the lines of a file",
        ),
    ]
    test: Annotated[
        tuple[str, ...], Field(min_length=1, description="recordings, likewise")
    ]
    validation: Annotated[
        Literal["subjects", "end"],
        Field(
            description="who validates: some of the subjects to train, or the end of "
            "each recording to train, where persons are unknown or one"
        ),
    ] = "subjects"

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """Refuse a recording in two roles, or twice in one."""
        counts = Counter([*self.train, *self.test])
        if repeated := [name for name, count in counts.items() if count > 1]:
            raise ValueError(f"recording '{repeated[0]}' stands in its lists twice")
        return self

    @property
    def listed_names(self) -> tuple[str, ...]:
        """The entries of both lists."""
        return *self.train, *self.test

    def named(self, rename: Callable[[str], str]) -> "Predefined":
        """Take the lists from their files, and give each recording another name.

        Raises
        ------
        DataError
            A file cannot be read, or a recording stands in the lists twice.
        """
        both = {"train": listed(self.train), "test": listed(self.test)}
        lists = {role: tuple(map(rename, names)) for role, names in both.items()}
        try:
            return Predefined.model_validate({**self.model_dump(), **lists})
        except ValidationError as error:
            (problem, *_) = error.errors(include_url=False)
            raise DataError(
                "folds",
                problem["msg"].removeprefix("Value error, "),
                expected="lists with a recording at least, each in one of them",
                remedy="correct folds.train and folds.test, or the files they name",
            ) from error

    def refuse_unknown(self, recordings: Collection[str], where: str) -> None:
        """Refuse names that the data set does not have.

        Parameters
        ----------
        recordings : collection of str
            The names of all recordings, those not in use included.
        where : str
            The data set.

        Raises
        ------
        DataError
            A list names another recording.
        """
        unknown = [name for name in (*self.train, *self.test) if name not in recordings]
        if unknown:
            others = f", and {len(unknown) - 1} more" * (len(unknown) > 1)
            raise DataError(
                f"folds of {where}",
                f"its lists name the recording '{unknown[0]}'{others}, which the data "
                "set does not have",
                expected=did_you_mean(unknown[0], sorted(recordings)),
                remedy="correct folds.train and folds.test in params.yaml",
            )

    def untrained(self, windows: pd.DataFrame) -> list[str]:
        """List recordings that are to train and do not, for their person is tested."""
        tested = windows.loc[windows["recording"].isin(self.test), "subject"]
        known = _known(windows, tested) & windows["recording"].isin(self.train)
        return sorted(set(windows.loc[known, "recording"]))

    def split(self, task: Task) -> Iterator[Roles]:
        """Follow the lists, but for who is in both."""
        windows = task.windows
        tested = windows["recording"].isin(self.test)
        known = _known(windows, windows.loc[tested, "subject"])
        trained = windows["recording"].isin(self.train) & ~known
        roles = np.select([tested, trained], ["test", "train"], "").astype(object)
        if self.validation == "subjects":
            yield with_validating_subjects(task, roles, 0)
        else:
            yield with_validating_ends(task, roles)


class CrossSession(Scheme):
    """Every session is tested once, by a model that knows the subject's others."""

    scheme: Literal["cross_session"]
    gap_s: Gap = 0.0

    def split(self, task: Task) -> Iterator[Roles]:
        """Test the sessions of one name, subject by subject."""
        windows = task.windows
        held = windows.groupby("subject")["session"].unique()
        if held.map(len).max() < 2:
            raise task.error(
                "no subject has two sessions",
                "at least two for cross_session",
                "use the scheme cross_subject or within_session",
            )
        keys = list(zip(windows["subject"], windows["session"], strict=True))
        several = held[held.map(len) > 1]
        for tested in sorted({session for own in several for session in own}):
            role = {
                (subject, session): role
                for subject, own in held.items()
                for session, role in _session_roles(sorted(own), tested).items()
            }
            roles = np.array([role[key] for key in keys], object)
            roles = _with_tested_classes(windows, roles)
            yield with_validating_blocks(task, roles, self.gap_s)


class WithinSession(Scheme):
    """Every block is tested once, by a model that knows the session's others."""

    scheme: Literal["within_session"]
    n_folds: Annotated[int, Field(ge=3, le=100)]
    gap_s: Gap = 0.0

    def split(self, task: Task) -> Iterator[Roles]:
        """Test one piece of every session; one of the pieces after it validates."""
        piece = pieces(task.windows, self.n_folds)
        counts = pd.crosstab(piece, task.windows["label"])
        held = counts.reindex(range(self.n_folds), fill_value=0).to_numpy() > 0
        gap = round(self.gap_s * task.sfreq)
        for fold in range(self.n_folds):
            chosen = [piece == fold, piece == validating_piece(held, fold)]
            roles = np.select(chosen, ["test", "validation"], "train").astype(object)
            yield purge(roles, task.windows, gap=gap)


def _known(windows: pd.DataFrame, subjects: pd.Series) -> pd.Series:
    """Find the windows of subjects who are among these; nobody knows the unknown."""
    return windows["subject"].isin(subjects) & (windows["subject"] != UNKNOWN)


def _session_roles(own: list[str], tested: str) -> dict[str, str]:
    """Give a subject's sessions their roles: with three or more, the next validates.

    A subject with one session only trains: there is nothing else to know them by.
    """
    roles = dict.fromkeys(own, "train")
    if tested in own and len(own) > 1:
        roles[tested] = "test"
        if len(own) > 2:
            roles[own[(own.index(tested) + 1) % len(own)]] = "validation"
    return roles


def _with_tested_classes(windows: pd.DataFrame, roles: Roles) -> Roles:
    """Let a validating session train that has a tested class which no other trains."""
    label = windows["label"]
    tested, trained = (set(label[roles == role]) for role in ("test", "train"))
    sessions = pd.MultiIndex.from_frame(windows[["subject", "session"]])
    needed = (roles == "validation") & label.isin(tested - trained).to_numpy()
    moved = (roles == "validation") & sessions.isin(sessions[needed])
    return np.where(moved, "train", roles)
