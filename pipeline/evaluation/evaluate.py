"""Clinical metrics of a cell from its predictions, in the words of AAMI EC57.

Counts are pooled over folds and subjects; a window that several folds tested counts
once for each, and `repeated_windows` counts them. Intervals are over
subjects, so that repeats do not narrow them. What a class that does not occur leaves
undefined is null with its reason; averages are over the classes that occur, and name
those that they are `without`. Where one class alone is tested there is no average: a
model that always answers it would be perfect. Where every window is predicted as one
class, `only_predicted` names it. Where nobody knows who was recorded there are no
subjects and no intervals: windows of one person are alike, and counting them as
independent would promise too much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from jaxtyping import Int
from pydantic import Field

from pipeline.components import Settings
from pipeline.errors import DataError
from pipeline.evaluation.absences import Unjudged, in_all_folds, in_fold
from pipeline.evaluation.estimates import POOLED, Plain, balanced, estimates, pooled
from pipeline.evaluation.metrics import RETRAIN, confusion_by_subject, sensitivity
from pipeline.evaluation.statistics import UNKNOWN_PERSONS, Bootstrap
from pipeline.roles import UNKNOWN, known

METHOD = "BCa bootstrap over subjects"


class EvaluationSettings(Settings):
    """The settings of intervals and tests."""

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
    """The results that `evaluate` writes: a JSON object and two tables."""

    metrics: dict[str, Any]
    subjects: pd.DataFrame
    confusion: pd.DataFrame


def evaluate(
    predictions: pd.DataFrame,
    labels: Sequence[str],
    settings: EvaluationSettings,
    *,
    seed: int,
    unjudged: Unjudged = (),
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
    unjudged : Unjudged
        Windows that are not in `predictions`, and in metrics have their reason.

    Raises
    ------
    DataError
        Nothing was predicted, a label is none of the classes, or one class alone is
        tested.

    References
    ----------
    ANSI/AAMI EC57: sensitivity and positive predictivity of each class.
    """
    _refuse_none(predictions, labels)
    tables, names = confusion_by_subject(predictions, labels)
    _refuse_one_class(predictions)
    counts, bootstrap = tables.sum(axis=0), _bootstrap(names, settings)
    absent = in_all_folds(set(predictions["label"]), labels, unjudged)
    metrics = {
        "labels": list(labels),
        "windows": int(predictions["window"].nunique()),
        "repeated_windows": int(predictions["window"].duplicated().sum()),
        "subjects": len(names) if bootstrap else 0,
        "interval": {"method": METHOD if bootstrap else None, **settings.model_dump()},
        "absent": absent,
        "unjudged": [dict(row) for row in unjudged],
        "only_predicted": _only(predictions["predicted"]),
        **estimates(predictions, labels, tables, absent, bootstrap, seed),
        "confusion": counts.tolist(),
        "folds": _folds(predictions, labels, unjudged),
    }
    subjects = _subject_table(tables, names, labels)
    if bootstrap is None:
        metrics["interval"]["reason"] = UNKNOWN_PERSONS
        subjects = subjects.iloc[:0]
    return Evaluation(metrics, subjects, _long(counts, labels))


def evaluate_pooled(
    predictions: pd.DataFrame,
    labels: Sequence[str],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> Plain:
    """Compute the pooled metrics alone: for example, of the same network in integers.

    Parameters and errors are those of `evaluate`; the resamples are the same too.
    """
    _refuse_none(predictions, labels)
    tables, names = confusion_by_subject(predictions, labels)
    return pooled(tables, labels, _bootstrap(names, settings), seed)


def evaluate_balanced(
    predictions: pd.DataFrame,
    labels: Sequence[str],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> Plain:
    """Compute the balanced accuracy alone, with the resamples of `evaluate`."""
    _refuse_none(predictions, labels)
    tables, names = confusion_by_subject(predictions, labels)
    return balanced(tables, _bootstrap(names, settings), seed)


def _bootstrap(names: Sequence[str], settings: EvaluationSettings) -> Bootstrap | None:
    """Choose how intervals are made; None where a subject is unknown."""
    return None if UNKNOWN in names else settings.bootstrap


def point_values(predictions: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
    """Compute the pooled metrics of all subjects together, without intervals."""
    table = confusion_by_subject(predictions, labels)[0].sum(axis=0)
    return {metric.__name__: float(metric(table)) for metric in POOLED}


def _refuse_none(predictions: pd.DataFrame, labels: Sequence[str]) -> None:
    if predictions.empty:
        raise DataError(
            "predictions",
            "they hold no tested window",
            expected=f"windows of {', '.join(labels)}",
            remedy=RETRAIN,
        )


def _refuse_one_class(predictions: pd.DataFrame) -> None:
    label = _only(predictions["label"])
    if label is not None:
        raise DataError(
            "predictions",
            f"all {len(predictions)} tested windows are of class '{label}'",
            expected="two classes that are tested: with one alone every model is right",
            remedy="use another scheme of folds, or add recordings of other classes",
        )


def _only(classes: pd.Series) -> str | None:
    """Give the class of all windows; None for several."""
    different = classes.unique()
    return str(different[0]) if len(different) == 1 else None


def cold(predictions: pd.DataFrame, labels: Sequence[str]) -> Plain:
    """Judge cold decisions apart: their label's interval begins before their segment.

    Parameters
    ----------
    predictions : DataFrame
        As for `evaluate`, with the boolean column cold.
    labels : sequence of str

    Returns
    -------
    found : dict
        `decisions`, their number, and their `balanced_accuracy` or why it is `absent`.
    """
    rows = predictions[predictions["cold"]]
    if rows.empty:
        return {"decisions": 0, "absent": "every interval begins in its segment"}
    found: Plain = {"decisions": len(rows)}
    if (label := _only(rows["label"])) is not None:
        return found | {"absent": f"undefined: all are of class '{label}'"}
    return found | {
        "balanced_accuracy": point_values(rows, labels)["balanced_accuracy"]
    }


def _folds(
    predictions: pd.DataFrame, labels: Sequence[str], unjudged: Unjudged
) -> list[Plain]:
    """Compute the point values of each fold, and name the classes they are without."""
    return [
        {
            "fold": int(fold),
            "windows": len(rows),
            "subjects": int(known(rows["subject"]).nunique()),
            **point_values(rows, labels),
            **_without_averages(rows),
            "absent": in_fold(int(fold), set(rows["label"]), labels, unjudged),
            "only_predicted": _only(rows["predicted"]),
        }
        for fold in sorted(predictions["fold"].unique())
        for rows in [predictions[predictions["fold"] == fold]]
    ]


def _without_averages(rows: pd.DataFrame) -> Plain:
    """Blank the averages over classes where one class alone is tested."""
    if (label := _only(rows["label"])) is None:
        return {}
    reason = f"undefined: all windows are of class '{label}'"
    return {"balanced_accuracy": None, "macro_f1": None, "reason": reason}


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
