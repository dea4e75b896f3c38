"""What check shows of the class prior and the clock."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from pipeline.config import Params
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.inspection.asked import Asked
from pipeline.inspection.clock import of_trial, table
from pipeline.inspection.trial import Trial

SUBJECTS = [f"s{k}" for k in range(8)]
ASKED = cast(
    "Asked", SimpleNamespace(dataset="x", labels={"rest": "", "fist": ""}, seed=1)
)
PARAMS = cast(
    "Params",
    SimpleNamespace(read={"evaluation": EvaluationSettings(resamples=200)}.__getitem__),
)


def trial(in_order: bool) -> Trial:
    """Make windows of two classes, in one order in all recordings or in none."""
    order = np.repeat(["rest", "fist"], 30)
    rng = np.random.default_rng(0)
    tables = [
        pd.DataFrame(
            {
                "recording": subject,
                "subject": subject,
                "label": order if in_order else rng.permutation(order),
                "onset_s": 0.5 * np.arange(60),
                "reason": "",
            }
        )
        for subject in SUBJECTS
    ]
    windows = pd.concat(tables, ignore_index=True)
    windows.insert(0, "window", np.arange(len(windows)))
    place = windows["subject"].map(SUBJECTS.index)
    folds = pd.concat(
        [
            pd.DataFrame(
                {
                    "window": windows["window"],
                    "fold": fold,
                    "role": np.where(place % 2 == fold, "test", "train"),
                }
            )
            for fold in (0, 1)
        ]
    )
    return Trial(windows, folds)


@pytest.mark.parametrize("in_order", [True, False])
def test_a_clock_that_knows_the_class_is_a_warning(in_order: bool) -> None:
    clock, findings = of_trial(PARAMS, ASKED, trial(in_order))
    assert clock is not None
    shown = table(clock)
    assert shown["balanced accuracy"][0] == "0.500"
    assert (clock.value > 0.95) == in_order
    assert [f.severity for f in findings] == ["warning"] * in_order
    if in_order:
        assert f"balanced accuracy of {clock.value:.3f}" in findings[0].what
        assert "guessing gives 0.500" in findings[0].what


def test_a_fold_that_cannot_be_judged_is_an_error() -> None:
    made = trial(in_order=True)
    assert made.windows is not None
    made.windows.loc[made.windows["label"] == "fist", "reason"] = "left out"
    clock, findings = of_trial(PARAMS, ASKED, made)
    assert clock is None
    assert [f.severity for f in findings] == ["error"]


def test_without_folds_there_is_no_clock() -> None:
    found: Any = of_trial(PARAMS, ASKED, Trial(trial(in_order=True).windows))
    assert found == (None, [])
