"""Two models on the same windows: their balanced accuracies compared over subjects."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.evaluation.metrics import (
    balanced_accuracy_of_hits,
    confusion_by_subject,
    hits_and_windows,
)
from pipeline.evaluation.statistics import (
    UNKNOWN_PERSONS,
    Test,
    paired_interval,
    paired_permutation,
)
from pipeline.roles import UNKNOWN

KEYS = ["window", "fold"]
COLUMNS = [*KEYS, "subject", "label", "predicted"]
"""What a comparison needs of the predictions."""


def compare(
    first: pd.DataFrame,
    second: pd.DataFrame,
    labels: Sequence[str],
    settings: EvaluationSettings,
    rng: np.random.Generator,
) -> Test:
    """Test two models' balanced accuracies on the windows that both predicted.

    Returns
    -------
    test : Test
        With the interval of the difference over subjects.
    """
    if (first["subject"] == UNKNOWN).any():
        return Test(None, None, 0, reason=UNKNOWN_PERSONS)
    both = first[COLUMNS].merge(second[[*KEYS, "predicted"]], on=KEYS, sort=True)
    tables = (
        confusion_by_subject(both.rename(columns={column: "predicted"}), labels)[0]
        for column in ("predicted_x", "predicted_y")
    )
    ours, theirs = map(hits_and_windows, tables)
    statistic = balanced_accuracy_of_hits
    test = paired_permutation(statistic, ours, theirs, settings.resamples, rng)
    if test.p is None:
        return test
    found = paired_interval(statistic, ours, theirs, settings.bootstrap, rng)
    return replace(test, low=found.low, high=found.high, reason=found.reason)
