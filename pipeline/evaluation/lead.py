"""Tests of a model against predictions without a signal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.errors import DataError
from pipeline.evaluation.comparison import compare
from pipeline.evaluation.evaluate import EvaluationSettings, point_values
from pipeline.evaluation.statistics import Test

SIGNIFICANT = 0.05
"""A model with a smaller p is better than the clock."""


def lead(
    predictions: pd.DataFrame,
    clock: pd.DataFrame,
    best: str,
    labels: Sequence[str],
    settings: EvaluationSettings,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Test whether a model is better than the clock, by swaps within subjects.

    Parameters
    ----------
    predictions : DataFrame
        The model's, as `evaluate` takes them.
    clock : DataFrame
        The clock's, as `measure` gives them.
    best : str
        Which of its classifiers to compare with.
    labels : sequence of str
    settings : EvaluationSettings
    rng : numpy.random.Generator
        Draws the swaps when there are too many to try all.

    Returns
    -------
    found : dict
        `best`, `difference` of the balanced accuracies with the ends of its interval,
        `low` and `high`; `p`, `subjects`, and `near`, which is whether the model is
        *not* shown to be better.

    Raises
    ------
    DataError
        The two are not of the same windows.
    """
    keys = ["window", "fold"]
    shared = len(predictions[keys].merge(clock[keys]))
    if not shared == len(predictions) == len(clock):
        raise DataError(
            "predictions",
            f"{shared} of {len(predictions)} are of the {len(clock)} windows that the "
            "clock was evaluated on",
            expected="the same windows in the same folds",
            remedy="run `dvc repro`, which runs the stages `clock` and `train` anew",
        )
    its_own = clock.rename(columns={best: "predicted"})
    test = compare(predictions, its_own, labels, settings, rng)
    mine, its = (
        point_values(table, labels)["balanced_accuracy"]
        for table in (predictions, its_own)
    )
    return {
        "best": best,
        "difference": mine - its,
        "low": test.low,
        "high": test.high,
        "p": test.p,
        "subjects": test.subjects,
        "near": not is_better(mine - its, test),
    }


def is_better(difference: float, test: Test) -> bool:
    """Whether a model's lead over the clock is more than chance would give.

    That is p < 0.05; or, where fewer than six subjects allow no such p, the smallest
    that they allow: the model then leads in every subject. Of one subject, any lead
    counts.
    """
    least = 2.0 ** (1 - test.subjects)
    p = least if test.p is None else test.p
    return difference > 0 and (p < SIGNIFICANT or bool(np.isclose(p, least)))
