"""Findings about windows, folds and models: whether the stages could run."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from pipeline.encoders.base import Encoder
from pipeline.errors import ConfigError, PipelineError
from pipeline.inspection.asked import Asked
from pipeline.inspection.findings import Finding, count, named, of_error
from pipeline.inspection.measuring import Seen
from pipeline.inspection.trial import Trial
from pipeline.networks.base import Shape
from pipeline.preparation.folds import ROLES
from pipeline.roles import UNJUDGED, UNKNOWN, known

RARE = 0.02
"""Share of the windows below which a class is rare."""
ORDERED = 3
"""Classes, and recordings, from which an order is no chance."""
SAME_ORDER = 0.9
"""Share of the recordings that have one order."""
MOST_SILENT = 0.1
"""Share of windows that see silence, from which results are doubtful."""
MOST_UNUSED = 0.5
"""Share of windows that cannot be used, from which something is wrong."""


def of_trial(asked: Asked, trial: Trial, seen: Mapping[str, Seen]) -> list[Finding]:
    """Judge what prepare would make, and whether the models could read it.

    Parameters
    ----------
    asked : Asked
    trial : Trial
    seen : mapping of str to Seen
        The recordings in use.
    """
    found = [*trial.problems]
    if trial.windows is None or trial.used.empty:
        return found
    found += _unused(trial.windows)
    found += _silent(trial.used)
    found += _persons(trial.used)
    found += _classes(asked, trial.used)
    found += _order(seen)
    if trial.folds is not None:
        found += _untrained(trial.windows, trial.folds)
    found += misfits(asked, trial)
    found += oracles(asked)
    return [*found, *_models(asked, trial), *forgetful(asked, trial)]


def by_role(trial: Trial, labels: Sequence[str]) -> pd.DataFrame:
    """Count windows by fold and role, a column a class, and the subjects there.

    Returns
    -------
    table : DataFrame, indexed by fold and role
        `subjects`, then a column a class.
    """
    if trial.folds is None or trial.windows is None:
        return pd.DataFrame()
    joined = trial.folds.merge(trial.windows, on="window")
    keys = [joined["fold"], joined["role"]]
    table = pd.crosstab(keys, joined["label"]).reindex(
        columns=list(labels), fill_value=0
    )
    table.insert(0, "subjects", known(joined["subject"]).groupby(keys).nunique())
    order = {role: k for k, role in enumerate([*ROLES, UNJUDGED])}
    return table.sort_index(
        key=lambda level: level.map(order) if level.name == "role" else level
    )


def _unused(windows: pd.DataFrame) -> Iterator[Finding]:
    """Count the windows that cannot be used, by reason."""
    unused = windows[windows["reason"] != ""]
    if unused.empty:
        return
    # Numbers in the reasons differ from window to window.
    reasons = unused["reason"].str.replace(r"\d+\.?\d*", "…", regex=True)
    counts = reasons.value_counts()
    parts = [f"{reason}: {n:,}" for reason, n in counts.items()]
    share = len(unused) / len(windows)
    yield Finding(
        "warning" if share > MOST_UNUSED else "note",
        "Windows left out",
        f"{len(unused):,} of {len(windows):,} cannot be used ({named(parts)})",
        tuple(unused["recording"].unique()),
        "correct the data set's `windows`: shorter ones fit more often"
        if share > MOST_UNUSED
        else "",
    )


def _silent(used: pd.DataFrame) -> Iterator[Finding]:
    """Count the windows that see silence, before their segment or after it."""
    for kind, silent, where in (
        ("Cold decisions", used["start"] < used["segment_start"], "begin before"),
        ("Late decisions", used["stop"] > used["segment_stop"], "end after"),
    ):
        if share := silent.mean():
            yield Finding(
                "warning" if share > MOST_SILENT else "note",
                kind,
                f"{silent.sum():,} of {count(len(used), 'window')} {where} their "
                "recording or segment, where everything is silent",
                tuple(used.loc[silent, "recording"].unique()),
                "correct the data set's `windows`: shorter ones see less silence"
                if share > MOST_SILENT
                else "",
            )


def _persons(used: pd.DataFrame) -> Iterator[Finding]:
    """Report what follows where nobody knows who was recorded."""
    unknown = used["subject"] == UNKNOWN
    if unknown.any():
        yield Finding(
            "note",
            "Persons unknown",
            "nobody knows who was recorded: one person may train and be tested, and "
            "no figure has an interval over subjects",
            tuple(used.loc[unknown, "recording"].unique()),
            "compare methods on this data set, and draw no clinical conclusion",
        )


def _classes(asked: Asked, used: pd.DataFrame) -> Iterator[Finding]:
    """Look for classes that few windows or subjects have."""
    subjects = known(used["subject"]).groupby(used["label"]).nunique()
    shares = used["label"].value_counts(normalize=True)
    everyone = known(used["subject"]).nunique()
    rare = [label for label in asked.labels if 0 < shares.get(label, 0) < RARE]
    if rare:
        parts = (f"{label} {100 * shares[label]:.2g} %" for label in rare)
        yield Finding(
            "note",
            "Rare class",
            f"of all windows: {', '.join(parts)}",
            (),
            "judge it by its own sensitivity and interval",
        )
    alone = [label for label in asked.labels if subjects.get(label, 0) == 1 < everyone]
    if alone:
        yield Finding(
            "warning",
            "Class of one subject",
            "only one subject has such windows: a model learns the subject",
            tuple(alone),
            "add recordings, or leave the class out of labels",
        )
    some = {n: s for n, s in subjects.items() if 1 < s < everyone}
    if some:
        parts = (f"{label} in {n} of {everyone}" for label, n in some.items())
        yield Finding(
            "note",
            "Classes missing in subjects",
            f"not every subject has every class ({', '.join(parts)})",
        )


def _order(seen: Mapping[str, Seen]) -> Iterator[Finding]:
    """Look for blocks whose classes come in one order in nearly all recordings."""
    orders = Counter(
        tuple(dict.fromkeys(each.labels.classes))
        for each in seen.values()
        if each.labels.duration_s.all()
    )
    for order, number in orders.most_common(1):
        if len(order) >= ORDERED and number >= max(ORDERED, SAME_ORDER * len(seen)):
            yield Finding(
                "note",
                "One order of classes",
                f"in {number} of {count(len(seen), 'recording')} the classes come as "
                f"{', '.join(order)}: the time since the start predicts them",
                (),
                "compare every model with the clock, as the report does",
            )


def _untrained(windows: pd.DataFrame, folds: pd.DataFrame) -> Iterator[Finding]:
    """Look for classes that a fold tests and does not train."""
    unjudged = folds[folds["role"] == UNJUDGED].merge(windows, on="window")
    if unjudged.empty:
        return
    groups = unjudged.groupby(["fold", "label"]).size()
    yield Finding(
        "warning",
        "Class missing in training",
        f"{count(len(unjudged), 'window')} cannot be judged, for no window of their "
        "class trains in their fold",
        tuple(f"fold {fold} {label}" for fold, label in groups.index),
        "use fewer folds or another seed, or add recordings that have the class",
    )


def refusals(asked: Asked, trial: Trial) -> dict[str, ConfigError]:
    """Report which networks of the grid cannot read these windows, and why."""
    refused = {}
    for name, network in asked.networks.items():
        for shape in _shapes(asked, trial):
            try:
                network.check_shape(shape)
            except ConfigError as error:
                refused[name] = error
    return refused


def _shapes(asked: Asked, trial: Trial) -> list[Shape]:
    """Give what networks would be built for, by encoder; none without windows."""
    if trial.used.empty:
        return []
    n_steps = int((trial.used["stop"] - trial.used["start"]).iloc[0])
    fit = [each for each in asked.encoders.values() if _misfit(each, trial) is None]
    widths = [len(encoder.features(trial.channels)) for encoder in fit]
    return [
        Shape(
            n_steps,
            n_features,
            len(asked.labels),
            1 / trial.sfreq,
            tuple(asked.labels),
            encoder.named_parts(n_features),
        )
        for encoder, n_features in zip(fit, widths, strict=True)
    ]


def _misfit(encoder: Encoder[Any], trial: Trial) -> PipelineError | None:
    """Ask an encoder whether it can use the channels and the rate."""
    try:
        encoder.features(trial.channels)
        encoder.delay_s(trial.sfreq)
    except PipelineError as error:
        return error
    return None


def misfits(asked: Asked, trial: Trial) -> Iterator[Finding]:
    """Name the encoders that cannot encode the signals."""
    for name, encoder in asked.encoders.items():
        if error := _misfit(encoder, trial):
            kind = "Signals that an encoder cannot use"
            yield replace(of_error(kind, error), where=(f"encoders.{name}",))


def oracles(asked: Asked) -> Iterator[Finding]:
    """Name the encoders and models that are given what no device has."""
    for name, encoder in asked.encoders.items():
        if encoder.is_oracle:
            what = "it encodes annotated beats, which no device has"
            remedy = "compare with it, and set `beats: detected` for all else"
            where = (f"encoders.{name}",)
            yield Finding("warning", "Encoder that is an oracle", what, where, remedy)
    for name, network in asked.networks.items():
        if network.is_oracle:
            what = "it starts anew where labels change, which no device knows"
            remedy = "compare with it, and set `restart: never` for all else"
            where = (f"models.{name}",)
            yield Finding("warning", "Model that is an oracle", what, where, remedy)


def forgetful(asked: Asked, trial: Trial) -> Iterator[Finding]:
    """Name the models that forget sooner than a label's interval is long."""
    for shape in _shapes(asked, trial)[:1]:
        needed_s = shape.n_steps * shape.dt
        for name, network in asked.networks.items():
            reach_s = network.remembers_s(shape, asked.neurons[name])
            if reach_s < needed_s:
                yield Finding(
                    "warning",
                    "Memory shorter than the labels need",
                    f"it reaches about {reach_s:.2g} s back before learning, and a "
                    f"label describes {needed_s:.2g} s",
                    (f"models.{name}",),
                    "set longer time constants, or read_out: rates or traces",
                )


def _models(asked: Asked, trial: Trial) -> Iterator[Finding]:
    """Group the networks that cannot read the windows, by reason."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for name, error in refusals(asked, trial).items():
        key = error.found, error.expected, error.remedy
        groups.setdefault(key, []).append(f"models.{name}")
    for (found, expected, remedy), names in groups.items():
        what = f"{found} (expected: {expected})"
        kind = "Model that does not fit"
        yield Finding("error", kind, what, tuple(names), remedy)
