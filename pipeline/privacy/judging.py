"""From the networks' answers to what an attacker gains, and what the user keeps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from pipeline import seeds
from pipeline.evaluation.statistics import Bootstrap
from pipeline.privacy import attacks, control
from pipeline.privacy.answers import Answers
from pipeline.privacy.membership import Membership, training_sessions
from pipeline.privacy.results import OTHER, PERSON, STORED, TRAINING, WINDOW
from pipeline.privacy.roc import Scored, drawn_together, judge, with_interval

NO_OTHER = "everyone has one session, or a last one that the classes need in training"
PER_PERSON = 60
"""Decisions of a person that the memoriser is given."""

Plain = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """The queries of an audit and the answers to them.

    Parameters
    ----------
    windows : DataFrame
        A row a decision: subject, session, label.
    targets : array, shape (decision,)
        True classes, as places among the classes.
    membership : Membership
    answers : Answers
    bootstrap : Bootstrap
    seed : int
    """

    windows: pd.DataFrame
    targets: Int[np.ndarray, " decision"]
    membership: Membership
    answers: Answers
    bootstrap: Bootstrap
    seed: int

    @property
    def person(self) -> Int[np.ndarray, " decision"]:
        """The candidate of each decision, by number; −1 for the others."""
        known = pd.Index(self.membership.candidates)
        return np.asarray(known.get_indexer(pd.Index(self.windows["subject"])))

    def member(self, rows: np.ndarray) -> Bool[np.ndarray, "model decision"]:
        """Whether the persons of decisions are in each network's training set."""
        return self.membership.member[:, self.person[rows]]

    def rows(self, what: str) -> Int[np.ndarray, " row"]:
        """List the candidates' decisions of what the attacker has."""
        trains = training_sessions(self.windows).to_numpy()
        wanted = trains if what == TRAINING else ~trains
        return np.flatnonzero(wanted & (self.person >= 0))

    def right(self, way: str) -> Float[np.ndarray, "model decision"]:
        """Give the final probabilities of the true classes."""
        final = self.answers.final[way]
        return final[:, np.arange(len(self.targets)), self.targets]


def scores(
    case: Case, way: str, rows: np.ndarray
) -> Iterator[tuple[str, Float[np.ndarray, "model row"]]]:
    """Score decisions by every attack, for each network as the target."""
    p, member = case.right(way), case.member(rows)
    z = p[:, case.windows["subject"].isin(case.membership.population).to_numpy()]
    place = np.searchsorted(np.flatnonzero(case.person >= 0), rows)
    epochs = case.answers.epochs[way][:, :, place]
    yield from plain_scores(p[:, rows], member, z)
    yield "trajectory", _all(lambda k: attacks.by_trajectory(epochs, member, k), len(p))


def plain_scores(
    p: np.ndarray, member: np.ndarray, z: np.ndarray
) -> Iterator[tuple[str, Float[np.ndarray, "model row"]]]:
    """Score decisions by the attacks that need no epochs."""
    n = len(p)
    yield "confidence", _all(lambda k: attacks.by_confidence(p, k), n)
    yield "reference", _all(lambda k: attacks.by_reference(p, member, k), n)
    yield "RMIA", _all(lambda k: attacks.by_rmia(p, member, z, k), n)


def _all(score: Callable[[int], np.ndarray], n_models: int) -> np.ndarray:
    return np.stack([score(target) for target in range(n_models)])


def attacked(case: Case) -> list[Plain]:
    """Judge every attack by every way to query, on both kinds of queries and levels.

    Returns
    -------
    rows : list of dict
        `queries`, `way`, `attack`, `level` and what `judge` finds, or why it is absent.
    """
    found: list[Plain] = []
    for what in (TRAINING, OTHER):
        rows = case.rows(what)
        if not len(rows):
            found.append({"queries": what, "absent": NO_OTHER})
            continue
        for way in case.answers.final:
            for attack, scored in scores(case, way, rows):
                known = {"queries": what, "way": way, "attack": attack}
                found += judged(case, known, as_rows(case, rows, scored))
    return found


def as_rows(case: Case, rows: np.ndarray, scored: np.ndarray) -> Scored:
    """Set each score beside its target and person."""
    n_models = len(scored)
    return Scored(
        scored.ravel(),
        case.member(rows).ravel(),
        np.repeat(np.arange(n_models), len(rows)),
        np.tile(case.person[rows], n_models),
    )


def judged(case: Case, known: Plain, scored: Scored) -> list[Plain]:
    """Judge scores of persons and, marked, of single decisions."""
    levels = {PERSON: scored.of_persons(), WINDOW: scored}
    found = []
    for level, each in levels.items():
        rng = seeds.generator(case.seed, *known.values(), level)
        found.append({**known, "level": level, **judge(each, case.bootstrap, rng)})
    return found


def controlled(case: Case, features: np.ndarray, chosen: np.ndarray) -> Plain:
    """Judge the planted controls, of persons, on the training recordings.

    Parameters
    ----------
    case : Case
    features : array, shape (chosen, feature)
        What the memoriser is given of the decisions `chosen`.
    chosen : array, shape (chosen,)
        From `memorised`.
    """
    persons = case.windows["subject"].to_numpy()[chosen]
    known = case.person[chosen] >= 0
    stored = np.zeros((len(case.membership.member), len(chosen)), bool)
    stored[:, known] = case.member(chosen[known])
    numbers = np.unique(persons, return_inverse=True)[1]
    p = control.memorise(features, case.targets[chosen], numbers, stored)
    z = p[:, np.isin(persons, case.membership.population)]
    rows = chosen[known]
    caught = {
        attack: _auc(case, f"memoriser {attack}", as_rows(case, rows, scored))
        for attack, scored in plain_scores(p[:, known], stored[:, known], z)
    }
    return {"memoriser": caught, "non_members": _non_members(case)}


def memorised(case: Case) -> Int[np.ndarray, " chosen"]:
    """Draw the decisions of each person that the memoriser is given."""
    rng = seeds.generator(case.seed, "memoriser")
    trains = training_sessions(case.windows)
    order = rng.permutation(np.flatnonzero(trains.to_numpy()))
    drawn = case.windows.iloc[order].groupby("subject").head(PER_PERSON)
    return np.sort(drawn.index.to_numpy())


def _non_members(case: Case) -> Plain:
    """Attack with the claim that some non-members are members."""
    rows = case.rows(TRAINING)
    claim = control.claimed(case.membership.member, seeds.generator(case.seed, "claim"))
    claimed = claim[:, case.person[rows]].ravel()
    asked = ~np.isnan(claimed)
    found = {}
    for attack, scored in scores(case, STORED, rows):
        every = as_rows(case, rows, scored)
        some = Scored(
            every.scores[asked],
            claimed[asked] > 0,
            every.target[asked],
            every.person[asked],
        )
        found[attack] = _auc(case, f"non-members {attack}", some)
    return found


def _auc(case: Case, name: str, scored: Scored) -> Plain:
    rng = seeds.generator(case.seed, name)
    found = judge(scored.of_persons(), case.bootstrap, rng)
    return dict(found.get("auc", found))


def accuracies(case: Case) -> Plain:
    """Judge the networks, by way to query, on members and on non-members.

    Balanced accuracy of all networks together, each on its own persons: of the members
    of its training set, the training recordings; of the others, candidates or the
    population, everything.
    """
    return {
        way: {
            "members": _accuracy(case, way, members=True),
            "non_members": _accuracy(case, way, members=False),
        }
        for way in case.answers.final
    }


def _accuracy(case: Case, way: str, *, members: bool) -> Plain:
    subject = case.windows["subject"]
    if members:
        rows = case.rows(TRAINING)
        wanted = case.member(rows)
    else:
        rows = np.flatnonzero(~subject.isin(case.membership.validation))
        person = case.person[rows]
        wanted = ~(case.membership.member[:, person] & (person >= 0))
    right = case.answers.final[way][:, rows].argmax(2) == case.targets[rows]
    target, place = np.nonzero(wanted)
    counts = pd.DataFrame(
        {
            "target": target,
            "person": pd.factorize(subject.to_numpy()[rows])[0][place],
            "label": case.targets[rows][place],
            "right": right[wanted],
        }
    ).pivot_table(
        index=["target", "person"], columns="label", values="right",
        aggfunc=["sum", "size"], fill_value=0,
    )  # fmt: skip
    hits, sizes = (counts[part].to_numpy(float) for part in ("sum", "size"))
    rng = seeds.generator(case.seed, "accuracy", way, int(members))
    targets, persons = (counts.index.get_level_values(k).to_numpy() for k in range(2))
    weights = drawn_together(targets, persons, case.bootstrap.resamples, rng)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = ((weights @ hits) / (weights @ sizes)).mean(axis=1)
    value = float((hits.sum(axis=0) / sizes.sum(axis=0)).mean())
    return with_interval(value, resampled, case.bootstrap.confidence)
