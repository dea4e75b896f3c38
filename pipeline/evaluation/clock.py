"""Predictions without a signal: the class prior, and the clock.

Where labels occur in the same order in every recording, the place of a window in its
recording predicts its class, and a network that finds the order is taken for one that
reads the signal. The *clock* is classifiers that are given nothing else: seconds since
the start of the recording and the number of decisions so far in it, which a device
knows; or the share of the recording that is over, which only its end shows, and which
finds an order that everyone goes through at a pace of their own. They are fitted on the
training role of each fold and evaluated on its test role, as networks are. The *prior*
always predicts the commonest class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from pipeline import seeds
from pipeline.errors import DataError
from pipeline.evaluation.evaluate import (
    EvaluationSettings,
    evaluate,
    point_values,
)
from pipeline.roles import trained_folds, unjudged

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

SO_FAR = ("seconds", "decisions")
CLASSIFIERS = {"linear": SO_FAR, "trees": SO_FAR, "relative": ("share",)}
"""The inputs of each. Linear is logistic regression, the others are boosted trees."""

TITLES = {
    "linear": "clock, linear",
    "trees": "clock, trees",
    "relative": "clock, relative",
}
GIVEN = {
    "linear": "a linear model of seconds and decisions so far",
    "trees": "boosted trees on seconds and decisions so far",
    "relative": "boosted trees on the share of the recording that is over",
}
"""A sentence about each classifier."""
TREES: dict[str, Any] = {
    "learning_rate": 0.3,
    "max_iter": 30,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "early_stopping": False,
}
LINEAR: dict[str, Any] = {"C": 1.0, "max_iter": 1000}
"""Settings that stay as they are: the clock is no model to be tuned."""

KEYS = ["window", "fold", "subject", "label"]
HEADLINE = "balanced_accuracy"


@dataclass(frozen=True)
class Clock:
    """The result of `measure`.

    Parameters
    ----------
    metrics : dict
        `prior`: the class that it predicts and the shares of the classes, with
        balanced accuracy, macro F1 and accuracy as plain numbers. `linear`, `trees`
        and `relative`: what `evaluate` gives. `best`: which of them has the highest
        balanced accuracy.
    predictions : DataFrame
        window, fold, subject, label; what each of the classifiers predicts.
    subjects : DataFrame
        subject; the balanced accuracy of each of the classifiers.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    subjects: pd.DataFrame

    @property
    def value(self) -> float:
        """Balanced accuracy of the best classifier."""
        best = self.metrics[self.metrics["best"]]
        return float(best[HEADLINE]["value"])


def measure(
    windows: pd.DataFrame,
    folds: pd.DataFrame,
    classes: Sequence[str],
    *,
    settings: EvaluationSettings,
    seed: int,
) -> Clock:
    """Judge the prior and the clock on a data set's windows and folds.

    Parameters
    ----------
    windows : DataFrame
        As in `windows.parquet`; used are window, recording, subject, label, onset_s and
        reason, which is empty where a window is in use.
    folds : DataFrame
        As in `folds.parquet`: window, fold, role. Other roles than train and test are
        not looked at.
    classes : sequence of str
        The data set's classes, in order.
    settings : EvaluationSettings
        Resamples and confidence.
    seed : int

    Raises
    ------
    DataError
        A fold has no window to test, or fewer than two classes to train.
    """
    timed = positions(windows)
    numbers = trained_folds(folds)
    tables = [_predict_fold(timed, folds, fold, classes, seed) for fold in numbers]
    without = unjudged(windows, folds)
    joined = {
        name: pd.concat([table[name] for table in tables], ignore_index=True)
        for name in CLASSIFIERS
    }
    evaluated = {
        name: evaluate(table, classes, settings, seed=seed, unjudged=without)
        for name, table in joined.items()
    }
    predicted = {name: table["predicted"] for name, table in joined.items()}
    predictions = joined["linear"][KEYS].assign(**predicted)
    subjects = (
        evaluated["linear"]
        .subjects[["subject"]]
        .assign(
            **{
                name: one.subjects["balanced_accuracy"]
                for name, one in evaluated.items()
            }
        )
    )
    metrics: dict[str, Any] = {
        "prior": _prior(timed, folds, predictions, classes),
        **{name: one.metrics for name, one in evaluated.items()},
    }
    best = max(CLASSIFIERS, key=lambda name: metrics[name][HEADLINE]["value"])
    return Clock({**metrics, "best": best}, predictions, subjects)


def without_signal(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Give the balanced accuracy of the prior, and of each classifier of the clock.

    Parameters
    ----------
    metrics : mapping
        As `Clock.metrics` has them.

    Returns
    -------
    accuracies : dict
        `prior` and the names of `CLASSIFIERS`: value, low and high; the prior has no
        interval, for it is one over the number of classes whoever is asked.
    """
    prior = {"value": metrics["prior"][HEADLINE], "low": None, "high": None}
    return {"prior": prior, **{name: metrics[name][HEADLINE] for name in CLASSIFIERS}}


def positions(windows: pd.DataFrame) -> pd.DataFrame:
    """Give the windows in use their place in the recording, in three numbers.

    `seconds` since the start of the recording and `decisions` before this one; `share`
    of the seconds until the last decision.
    """
    used = windows[windows["reason"] == ""]
    used = used.sort_values(["recording", "onset_s", "window"])
    seconds, recordings = used["onset_s"].astype(float), used["recording"]
    last = seconds.groupby(recordings).transform("max")
    return used.assign(
        seconds=seconds,
        decisions=used.groupby("recording").cumcount(),
        share=(seconds / last).where(last > 0, 0.0),
    )


def _predict_fold(
    timed: pd.DataFrame,
    folds: pd.DataFrame,
    fold: int,
    classes: Sequence[str],
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Fit the classifiers on a fold's training windows, and predict the test ones."""
    from threadpoolctl import threadpool_limits

    train, test = (
        timed[timed["window"].isin(_windows(folds, fold, role))].sort_values("window")
        for role in ("train", "test")
    )
    _check(fold, train, test)
    target, tables = train["label"].to_numpy(str), {}
    classifiers = {name: _classifier(name, seed, fold) for name in CLASSIFIERS}
    # Sums over several threads differ in their last digits from machine to machine. The
    # limit holds for libraries that are loaded: so the classifiers are made before it.
    with threadpool_limits(1):
        for name, classifier in classifiers.items():
            given = list(CLASSIFIERS[name])
            inputs, asked = (rows[given].to_numpy() for rows in (train, test))
            shares = classifier.fit(inputs, target).predict_proba(asked)
            known = [str(label) for label in classifier.classes_]
            tables[name] = _table(test, fold, shares, known, classes)
    return tables


def _windows(folds: pd.DataFrame, fold: int, role: str) -> pd.Series:
    return folds.loc[(folds["fold"] == fold) & (folds["role"] == role), "window"]


def _check(fold: int, train: pd.DataFrame, test: pd.DataFrame) -> None:
    classes = sorted(train["label"].unique())
    if len(classes) > 1 and len(test):
        return
    raise DataError(
        f"fold {fold}",
        "no window in use is in the role test"
        if len(classes) > 1
        else f"the windows in the role train are of {', '.join(classes) or 'no class'}",
        expected="two classes or more in train, and a window in test",
        remedy="use fewer folds, or add recordings of another class",
    )


def _classifier(name: str, seed: int, fold: int) -> "ClassifierMixin":
    """Make a classifier that nothing is known to."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    number = seeds.integer(seed, "clock", name, fold) % 2**32
    weights = {"class_weight": "balanced", "random_state": number}
    if name == "linear":
        return make_pipeline(StandardScaler(), LogisticRegression(**LINEAR, **weights))
    return HistGradientBoostingClassifier(**TREES, **weights)


def _table(
    test: pd.DataFrame,
    fold: int,
    shares: Float[np.ndarray, "window known"],
    known: Sequence[str],
    classes: Sequence[str],
) -> pd.DataFrame:
    """Write predictions as `evaluate` takes them; an unknown class scores nothing."""
    scores: dict[str, Any] = {f"p_{label}": 0.0 for label in classes}
    scores |= {f"p_{label}": shares[:, k] for k, label in enumerate(known)}
    predicted = np.asarray(known, object)[shares.argmax(axis=1)]
    return test[["window", "subject", "label"]].assign(
        fold=fold, predicted=predicted, **scores
    )


def _prior(
    timed: pd.DataFrame,
    folds: pd.DataFrame,
    predictions: pd.DataFrame,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Predict the class that is commonest in training, of those that are tested."""
    in_training = timed["window"].isin(folds.loc[folds["role"] == "train", "window"])
    tested = predictions["label"].value_counts(normalize=True)
    trained = timed.loc[in_training, "label"].value_counts()
    commonest = max(tested.index, key=lambda label: (trained.get(label, 0), label))
    return {
        "predicts": commonest,
        "shares": {label: float(tested.get(label, 0.0)) for label in classes},
        **point_values(predictions.assign(predicted=commonest), classes),
    }
