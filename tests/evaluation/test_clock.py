"""What needs no signal: planted orders of labels, and orders that mean nothing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.evaluation import statistics
from pipeline.evaluation.clock import (
    CLASSIFIERS,
    Clock,
    measure,
    positions,
)
from pipeline.evaluation.evaluate import EvaluationSettings, evaluate
from pipeline.evaluation.lead import is_better, lead

CLASSES = ["rest", "fist", "open"]
TURNED = {"rest": "fist", "fist": "open", "open": "rest"}
QUICK = EvaluationSettings(resamples=200)
N_SUBJECTS, N_WINDOWS = 8, 60


def ordered(n_subjects: int = N_SUBJECTS) -> pd.DataFrame:
    """Three gestures in the same order in every recording, a window a second."""
    rows = [
        {
            "window": N_WINDOWS * subject + k,
            "recording": f"r{subject}",
            "subject": f"s{subject}",
            "label": CLASSES[3 * k // N_WINDOWS],
            "onset_s": float(k),
            "reason": "",
        }
        for subject in range(n_subjects)
        for k in range(N_WINDOWS)
    ]
    return pd.DataFrame(rows)


def shuffled(windows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return windows.assign(label=rng.permutation(windows["label"].to_numpy()))


def dealt(windows: pd.DataFrame, n_folds: int = 4) -> pd.DataFrame:
    """Folds over subjects; one more subject validates."""
    subject = windows["subject"].str[1:].astype(int)
    tables = []
    for fold in range(n_folds):
        turn = (subject - 2 * fold) % N_SUBJECTS
        role = np.select([turn < 2, turn == 2], ["test", "validation"], "train")
        window = windows["window"]
        tables.append(pd.DataFrame({"window": window, "fold": fold, "role": role}))
    return pd.concat(tables, ignore_index=True)


def measured(windows: pd.DataFrame, folds: pd.DataFrame | None = None) -> Clock:
    folds = dealt(windows) if folds is None else folds
    return measure(windows, folds, CLASSES, settings=QUICK, seed=1)


@pytest.fixture(scope="module")
def informative() -> Clock:
    """The clock of labels in a fixed order."""
    return measured(ordered())


@pytest.fixture(scope="module")
def blind() -> Clock:
    """The clock of the same labels in no order."""
    return measured(shuffled(ordered()))


def value(clock: Clock, name: str) -> float:
    return clock.metrics[name]["balanced_accuracy"]["value"]


def test_the_clock_alone_predicts_a_fixed_order_of_labels(informative: Clock) -> None:
    assert value(informative, "trees") > 0.97
    assert value(informative, "linear") > 0.9
    assert informative.value == value(informative, informative.metrics["best"])
    assert informative.value == max(value(informative, name) for name in CLASSIFIERS)


def test_labels_in_no_order_leave_the_clock_at_chance(blind: Clock) -> None:
    for name in CLASSIFIERS:
        assert value(blind, name) == pytest.approx(1 / 3, abs=0.07)


def test_a_class_that_comes_and_goes_takes_more_than_a_line() -> None:
    """Rest before and after: trees find it, a linear model cannot."""
    windows = ordered()
    windows["label"] = np.where(windows["onset_s"] // 10 % 2 == 0, "rest", "fist")
    clock = measured(windows)
    assert value(clock, "trees") > 0.97
    assert value(clock, "linear") < 0.8
    assert clock.metrics["best"] == "trees"


def test_the_prior_is_one_over_the_classes() -> None:
    windows = ordered()
    rare = (windows["label"] == "open") & (windows["onset_s"] < 58)
    windows.loc[rare, "label"] = "rest"
    prior = measured(windows).metrics["prior"]
    assert prior["balanced_accuracy"] == pytest.approx(1 / 3)
    assert prior["predicts"] == "rest"
    assert prior["accuracy"] == pytest.approx(38 / 60)
    shares = {"rest": 38 / 60, "fist": 20 / 60, "open": 2 / 60}
    assert prior["shares"] == pytest.approx(shares)


def test_a_rare_class_counts_as_much_as_a_common_one() -> None:
    """Without balanced weights its few windows would be lost to the other class."""
    windows = ordered()
    windows["label"] = np.where(windows["onset_s"] >= 56, "fist", "rest")
    blurred = windows["onset_s"] + np.random.default_rng(0).normal(0, 4, len(windows))
    found = measured(windows.assign(onset_s=blurred)).metrics["linear"]
    assert found["classes"]["fist"]["sensitivity"]["value"] > 0.8


def test_seconds_and_decisions_start_anew_in_every_recording() -> None:
    windows = ordered(2).iloc[::-1].reset_index(drop=True)
    windows.loc[windows["window"] == 3, "reason"] = "too short"
    windows.loc[windows["window"] > 10, "onset_s"] += 5  # a pause
    found = positions(windows).set_index("window")
    assert 3 not in found.index
    assert found["decisions"].loc[[0, 4, N_WINDOWS]].tolist() == [0, 3, 0]
    assert found["seconds"].loc[[0, 4, 11]].tolist() == [0, 4, 16]
    assert found["share"].loc[[0, 11, 59]].tolist() == [0, 16 / 64, 1]
    (alone,) = positions(windows[windows["window"] == 0])["share"]
    assert alone == 0


def test_an_order_is_found_whatever_the_pace() -> None:
    """Everyone does the same, and some do it three times as fast."""
    windows = ordered()
    pace = np.random.default_rng(0).uniform(1, 3, N_SUBJECTS)
    step = np.maximum(1, pace[windows["window"] // N_WINDOWS])
    place = (windows["onset_s"] * step).astype(int)
    in_time = windows.assign(
        label=np.take(CLASSES, (3 * place // N_WINDOWS).clip(0, 2))
    )
    clock = measured(in_time[place < N_WINDOWS])
    assert value(clock, "relative") > 0.9
    assert value(clock, "trees") < 0.85
    assert clock.metrics["best"] == "relative"


def test_labels_of_the_test_role_are_never_fitted() -> None:
    """Nor are those of the validation role: other labels there predict the same."""
    windows = ordered()
    folds = dealt(windows)
    one = folds[folds["fold"] == 0]
    seen = one.loc[one["role"] == "train", "window"]
    turned = windows["label"].map(TURNED)
    kept = windows["window"].isin(seen)
    other = windows.assign(label=windows["label"].where(kept, turned))
    found = [measured(each, one).predictions for each in (windows, other)]
    assert len(found[0]) == 2 * N_WINDOWS
    for name in CLASSIFIERS:
        assert found[0][name].tolist() == found[1][name].tolist()
    assert (found[0]["label"] != found[1]["label"]).all()


def test_it_repeats_whatever_the_order_of_the_rows(blind: Clock) -> None:
    windows = shuffled(ordered())
    again = measured(windows.iloc[::-1], dealt(windows))
    assert again.metrics == blind.metrics
    assert again.predictions.equals(blind.predictions)
    assert again.subjects.equals(blind.subjects)


def test_its_intervals_are_those_of_a_model_with_the_same_predictions(
    blind: Clock,
) -> None:
    clock = blind
    for name in CLASSIFIERS:
        table = clock.predictions.rename(columns={name: "predicted"})
        table = table.assign(**{f"p_{label}": 0.0 for label in CLASSES})
        expected = evaluate(table, CLASSES, QUICK, seed=1)
        for metric in ("balanced_accuracy", "macro_f1", "accuracy"):
            assert clock.metrics[name][metric] == expected.metrics[metric]
            assert clock.metrics[name][metric]["low"] is not None
        own = expected.subjects["balanced_accuracy"].tolist()
        assert clock.subjects[name].tolist() == own
    assert clock.subjects["subject"].tolist() == [f"s{k}" for k in range(8)]


def test_a_class_that_a_fold_does_not_train_is_unjudged_there() -> None:
    windows = ordered()
    windows = windows[(windows["label"] != "open") | windows["subject"].isin(["s0"])]
    folds = dealt(windows)
    rare = folds["window"].isin(windows.loc[windows["label"] == "open", "window"])
    folds.loc[rare & (folds["role"] == "test"), "role"] = "unjudged"
    clock = measured(windows, folds)
    row = {"fold": 0, "label": "open", "windows": 20}
    assert clock.metrics["trees"]["unjudged"] == [row]
    assert list(clock.metrics["trees"]["absent"]) == ["open"]
    assert clock.metrics["prior"]["balanced_accuracy"] == pytest.approx(0.5)
    assert clock.metrics["trees"]["balanced_accuracy"]["value"] > 0.97


@pytest.mark.parametrize(
    ("role", "label", "found"),
    [("train", "fist", "are of fist"), ("test", None, "no window in use")],
)
def test_a_fold_that_cannot_be_judged_is_refused(
    role: str, label: str | None, found: str
) -> None:
    windows = ordered()
    folds = dealt(windows)
    kept = windows.loc[windows["label"] == label, "window"] if label else []
    lost = (folds["role"] == role) & (folds["fold"] == 2)
    folds = folds[~(lost & ~folds["window"].isin(kept))]
    with pytest.raises(DataError, match=found) as caught:
        measured(windows, folds)
    assert caught.value.where == "fold 2"


def model(windows: pd.DataFrame, right: float) -> pd.DataFrame:
    """Predictions of the test windows that are right so often."""
    rng = np.random.default_rng(3)
    rows = dealt(windows).query("role == 'test'").merge(windows, on="window")
    other = rows["label"].map(TURNED)
    hit = rng.random(len(rows)) < right
    return rows.assign(predicted=rows["label"].where(hit, other))


def compared(clock: Clock, predictions: pd.DataFrame) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    best = clock.metrics["best"]
    return lead(predictions, clock.predictions, best, CLASSES, QUICK, rng)


def test_a_good_model_is_no_better_than_a_clock_that_knows_the_order(
    informative: Clock,
) -> None:
    found = compared(informative, model(ordered(), 0.8))
    assert found["near"]
    assert found["difference"] < -0.1


def test_the_same_model_is_better_than_a_clock_that_knows_nothing(blind: Clock) -> None:
    found = compared(blind, model(shuffled(ordered()), 0.8))
    assert not found["near"]
    assert found["difference"] > 0.3
    assert 0.1 < found["low"] < found["difference"] < found["high"]
    assert found["p"] < 0.05
    assert found["subjects"] == N_SUBJECTS


def test_predictions_of_other_windows_are_refused(informative: Clock) -> None:
    with pytest.raises(DataError, match="windows that the clock"):
        compared(informative, model(ordered(), 0.8).iloc[1:])


@pytest.mark.parametrize(
    ("difference", "p", "subjects", "better"),
    [
        (0.1, 0.01, 20, True),
        (0.1, 0.06, 20, False),
        (-0.1, 0.01, 20, False),
        (0.1, 0.25, 3, True),  # the smallest that three subjects allow
        (0.1, 0.5, 3, False),
        (0.1, None, 1, True),
        (0.0, None, 1, False),
    ],
)
def test_better_is_what_subjects_agree_on(
    difference: float, p: float | None, subjects: int, better: bool
) -> None:
    assert is_better(difference, statistics.Test(difference, p, subjects)) is better
