"""Clinical metrics of a cell from its predictions, in the words of AAMI EC57.

Counts are pooled over folds and subjects; a window that several folds tested counts
once for each, and `repeated_windows` says how many there are. What a class that does
not occur leaves undefined is null with its reason; averages are over the classes that
occur.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from jaxtyping import Int
from pydantic import Field

from pipeline import seeds
from pipeline.components import Settings
from pipeline.errors import DataError
from pipeline.evaluation.metrics import (
    Tables,
    accuracy,
    balanced_accuracy,
    confusion_by_subject,
    count_pairs,
    f1,
    macro_f1,
    positive_predictivity,
    sensitivity,
)
from pipeline.evaluation.statistics import (
    Bootstrap,
    Counts,
    Estimate,
    Statistic,
    Test,
    estimate,
    paired_permutation,
)

POOLED = (balanced_accuracy, macro_f1, accuracy)
"""Metrics of a whole confusion table, the headline first."""


class EvaluationSettings(Settings):
    """How intervals and tests are made."""

    resamples: Annotated[
        int, Field(ge=100, le=1_000_000, description="resamples of the subjects")
    ] = 5000
    confidence: Annotated[
        float, Field(gt=0.5, lt=1, description="confidence of the intervals")
    ] = 0.95

    @property
    def bootstrap(self) -> Bootstrap:
        """The same for `pipeline.evaluation.statistics`."""
        return Bootstrap(self.resamples, self.confidence)


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` writes: a JSON object and two tables."""

    metrics: dict[str, Any]
    subjects: pd.DataFrame
    confusion: pd.DataFrame


def evaluate(
    predictions: pd.DataFrame,
    labels: Sequence[str],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> Evaluation:
    """Compute all metrics of a cell.

    Parameters
    ----------
    predictions : DataFrame
        Columns window, fold, subject, label, predicted and `p_<label>` of each class;
        one row a tested window and fold.
    labels : sequence of str
        The classes, in order.
    settings : EvaluationSettings
        Resamples and confidence.
    seed : int
        Seed of the bootstrap.

    Raises
    ------
    DataError
        Nothing was predicted, or a label is none of the classes.

    References
    ----------
    ANSI/AAMI EC57: sensitivity and positive predictivity of each class.
    """
    _check(predictions, labels)
    tables, names = confusion_by_subject(predictions, labels)
    pooled = tables.sum(axis=0)
    metrics = {
        "labels": list(labels),
        "windows": int(predictions["window"].nunique()),
        "repeated_windows": int(predictions["window"].duplicated().sum()),
        "subjects": len(names),
        "interval": {"method": "BCa bootstrap over subjects", **settings.model_dump()},
        **_estimates(predictions, labels, tables, settings.bootstrap, seed),
        "confusion": pooled.tolist(),
        "folds": _folds(predictions, labels),
    }
    return Evaluation(
        metrics, _subject_table(tables, names, labels), _long(pooled, labels)
    )


def evaluate_pooled(
    predictions: pd.DataFrame,
    labels: Sequence[str],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> dict[str, Any]:
    """Compute the pooled metrics alone: of the same network in integers, say.

    Parameters and errors are those of `evaluate`; the resamples are the same too.
    """
    _check(predictions, labels)
    tables, _ = confusion_by_subject(predictions, labels)
    return _pooled(tables, settings.bootstrap, seed)


def compare(
    first: pd.DataFrame,
    second: pd.DataFrame,
    labels: Sequence[str],
    settings: EvaluationSettings,
    rng: np.random.Generator,
) -> Test:
    """Test two models' balanced accuracies on the windows that both predicted."""
    keys = ["window", "fold"]
    columns = [*keys, "subject", "label", "predicted"]
    both = first[columns].merge(second[[*keys, "predicted"]], on=keys, sort=True)
    tables = [
        confusion_by_subject(both.rename(columns={column: "predicted"}), labels)[0]
        for column in ("predicted_x", "predicted_y")
    ]
    return paired_permutation(
        balanced_accuracy, tables[0], tables[1], settings.resamples, rng
    )


def _check(predictions: pd.DataFrame, labels: Sequence[str]) -> None:
    seen = set(predictions["label"]) | set(predictions["predicted"])
    if not len(predictions) or seen - set(labels):
        raise DataError(
            "predictions",
            f"labels {sorted(seen)}" if seen else "no tested window",
            expected=f"windows of {', '.join(labels)}",
            remedy="run train again (`dvc repro -s -f train@CELL`)",
        )


def _estimates(
    predictions: pd.DataFrame,
    labels: Sequence[str],
    tables: Int[np.ndarray, "subject label predicted"],
    bootstrap: Bootstrap,
    seed: int,
) -> dict[str, Any]:
    """Estimate every metric with its interval, overall and of each class."""
    pairs = count_pairs(predictions, labels)
    run = _runner(len(tables), bootstrap, seed)

    def of_class(k: int, label: str) -> dict[str, Any]:
        given, told = tables[:, k].sum(axis=-1), tables[:, :, k].sum(axis=-1)
        bearing = {
            sensitivity: given,
            positive_predictivity: told,
            f1: given + told,
        }
        return {
            "support": int(given.sum()),
            "subjects": int((given > 0).sum()),
            **{
                m.__name__: run(
                    f"{m.__name__} {label}", _of(tables, m, k), np.flatnonzero(windows)
                )
                for m, windows in bearing.items()
            },
            "auroc": run(
                f"auroc {label}", lambda w: pairs.auroc(w)[k], *_strata(given)
            ),
        }

    return {
        **_pooled(tables, bootstrap, seed),
        "auroc": run("auroc", pairs.macro_auroc, np.arange(len(tables))),
        "classes": {label: of_class(k, label) for k, label in enumerate(labels)},
    }


def _pooled(
    tables: Int[np.ndarray, "subject label predicted"], bootstrap: Bootstrap, seed: int
) -> dict[str, Any]:
    """Estimate the metrics of the whole confusion table."""
    run, everyone = _runner(len(tables), bootstrap, seed), np.arange(len(tables))
    return {m.__name__: run(m.__name__, _of(tables, m), everyone) for m in POOLED}


def _runner(
    n_subjects: int, bootstrap: Bootstrap, seed: int
) -> Callable[..., dict[str, Any]]:
    """Make what estimates a metric by its name, whose resamples hang on that name."""

    def run(name: str, statistic: Statistic, *groups: np.ndarray) -> dict[str, Any]:
        rng = seeds.generator(seed, "bootstrap", name)
        return as_json(estimate(statistic, groups, n_subjects, bootstrap, rng))

    return run


def _of(
    tables: Int[np.ndarray, "subject label predicted"],
    metric: Callable[[Tables], np.ndarray],
    k: int | None = None,
) -> Statistic:
    """Make a metric of pooled tables a function of how often each subject counts."""
    flat = tables.reshape(len(tables), -1)

    def statistic(counts: Counts) -> np.ndarray:
        value = metric((counts @ flat).reshape(*counts.shape[:-1], *tables.shape[1:]))
        return value if k is None else value[..., k]

    return statistic


def _strata(given: Int[np.ndarray, " subject"]) -> list[np.ndarray]:
    """Resample apart who has a class and who has not: it then always occurs."""
    groups = [np.flatnonzero(given > 0), np.flatnonzero(given == 0)]
    return groups if len(groups[1]) > 1 else [np.arange(len(given))]


def _folds(predictions: pd.DataFrame, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Compute the point values of each fold."""
    return [
        {
            "fold": int(fold),
            "windows": len(rows),
            "subjects": int(rows["subject"].nunique()),
            **_point_values(confusion_by_subject(rows, labels)[0].sum(axis=0)),
        }
        for fold in sorted(predictions["fold"].unique())
        for rows in [predictions[predictions["fold"] == fold]]
    ]


def _point_values(table: Int[np.ndarray, "label predicted"]) -> dict[str, float]:
    return {metric.__name__: float(metric(table)) for metric in POOLED}


def _subject_table(
    tables: Int[np.ndarray, "subject label predicted"],
    names: Sequence[str],
    labels: Sequence[str],
) -> pd.DataFrame:
    """Tabulate each subject; a class that a subject lacks has an empty sensitivity."""
    given, found = tables.sum(axis=-1), sensitivity(tables)
    columns: dict[str, Any] = {"subject": names, "windows": given.sum(axis=1)}
    columns |= {metric.__name__: metric(tables) for metric in POOLED}
    columns |= {f"windows_{label}": given[:, k] for k, label in enumerate(labels)}
    columns |= {f"sensitivity_{label}": found[:, k] for k, label in enumerate(labels)}
    return pd.DataFrame(columns)


def _long(
    table: Int[np.ndarray, "label predicted"], labels: Sequence[str]
) -> pd.DataFrame:
    rows = [
        (label, predicted, int(table[i, j]))
        for i, label in enumerate(labels)
        for j, predicted in enumerate(labels)
    ]
    return pd.DataFrame(rows, columns=["label", "predicted", "windows"])


def as_json(value: Estimate) -> dict[str, Any]:
    """Write an estimate as JSON: the reason only where something is missing."""
    return {k: v for k, v in asdict(value).items() if k != "reason" or v}
