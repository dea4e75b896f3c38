"""The tables that evaluate writes."""

import json

import numpy as np
import pandas as pd
import pytest

from pipeline import files
from pipeline.errors import DataError
from pipeline.evaluation.comparison import compare
from pipeline.evaluation.evaluate import (
    EvaluationSettings,
    cold,
    evaluate,
    evaluate_balanced,
    evaluate_pooled,
)

LABELS = ["N", "S", "V"]
QUICK = EvaluationSettings(resamples=500)


def made_up(
    labels: list[str] = LABELS,
    *,
    skill: float = 2.0,
    n_subjects: int = 8,
    without: str = "",
    seed: int = 0,
) -> pd.DataFrame:
    """Predictions of a model of some skill; two subjects a fold."""
    rng = np.random.default_rng(seed)
    n = 40 * n_subjects
    truth = rng.choice([k for k, c in enumerate(labels) if c != without], n)
    logits = rng.normal(size=(n, len(labels)))
    logits[np.arange(n), truth] += skill
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    subject = np.arange(n) % n_subjects
    columns = {
        "window": np.arange(n),
        "fold": subject // 2,
        "recording": [f"r{k}" for k in subject],
        "subject": [f"s{k:02d}" for k in subject],
        "session": "1",
        "label": [labels[k] for k in truth],
        "predicted": [labels[k] for k in scores.argmax(axis=1)],
    }
    table = pd.DataFrame(columns)
    return table.assign(
        **{f"p_{c}": scores[:, k].astype(np.float32) for k, c in enumerate(labels)}
    )


def test_equals_scikit_learn() -> None:
    from sklearn import metrics

    predictions = made_up()
    found = evaluate(predictions, LABELS, QUICK, seed=1).metrics
    truth, predicted = predictions["label"], predictions["predicted"]
    expected = {
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "macro_f1": metrics.f1_score(truth, predicted, average="macro"),
        "accuracy": metrics.accuracy_score(truth, predicted),
    }
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value)
        assert found[name]["low"] < value < found[name]["high"]
    confusion = metrics.confusion_matrix(truth, predicted, labels=LABELS)
    assert found["confusion"] == confusion.tolist()
    recall = metrics.recall_score(truth, predicted, average=None)
    precision = metrics.precision_score(truth, predicted, average=None)
    for k, label in enumerate(LABELS):
        row = found["classes"][label]
        assert row["sensitivity"]["value"] == pytest.approx(recall[k])
        assert row["positive_predictivity"]["value"] == pytest.approx(precision[k])
        assert row["support"] == (truth == label).sum()
        assert 0.5 < row["auroc"]["low"] < row["auroc"]["value"] < 1


def test_tables_add_up() -> None:
    predictions = made_up()
    found = evaluate(predictions, LABELS, QUICK, seed=1)
    assert found.subjects["windows"].sum() == len(predictions)
    assert found.subjects["subject"].tolist() == sorted(set(predictions["subject"]))
    assert found.confusion["windows"].sum() == len(predictions)
    assert [fold["windows"] for fold in found.metrics["folds"]] == [80] * 4
    one = predictions[predictions["subject"] == "s03"]
    right = (one["label"] == one["predicted"]).mean()
    row = found.subjects.set_index("subject").loc["s03"]
    assert row["accuracy"] == pytest.approx(right)


def test_a_class_that_does_not_occur_is_null_with_its_reason() -> None:
    predictions = made_up(without="S")
    predictions["predicted"] = predictions["predicted"].replace("S", "N")
    found = evaluate(predictions, LABELS, QUICK, seed=1).metrics
    absent = found["classes"]["S"]
    assert absent["support"] == 0
    for name in ("sensitivity", "positive_predictivity", "f1", "auroc"):
        assert absent[name]["value"] is None
        assert absent[name]["reason"]
    present = [found["classes"][c]["sensitivity"]["value"] for c in ("N", "V")]
    assert found["balanced_accuracy"]["value"] == pytest.approx(np.mean(present))
    json.loads(files.dump_json(found))  # refuses NaN


def test_a_class_that_no_fold_tests_is_named_wherever_classes_are_averaged() -> None:
    """Though it is predicted at times: its false alarms are errors of the others."""
    predictions = made_up(without="S")
    assert "S" in set(predictions["predicted"])
    unjudged = [{"fold": k, "label": "S", "windows": 3 + k} for k in (0, 2)]
    found = evaluate(predictions, LABELS, QUICK, seed=1, unjudged=unjudged).metrics
    assert found["absent"] == {
        "S": "no training window in the folds of its 8 test windows"
    }
    assert found["unjudged"] == unjudged
    for name in ("balanced_accuracy", "macro_f1", "auroc"):
        assert found[name]["without"] == ["S"]
    assert "without" not in found["accuracy"]
    for name in ("sensitivity", "positive_predictivity", "f1", "auroc"):
        assert found["classes"]["S"][name] == {
            "value": None,
            "low": None,
            "high": None,
            "reason": found["absent"]["S"],
        }
        assert found["classes"]["N"][name]["value"] is not None
    pooled = evaluate_pooled(predictions, LABELS, QUICK, seed=1)
    assert pooled["balanced_accuracy"]["without"] == ["S"]
    untested = evaluate(predictions, LABELS, QUICK, seed=1).metrics
    assert untested["absent"] == {"S": "no test window in any fold"}
    json.loads(files.dump_json(found))


def test_each_fold_names_its_absent_classes_with_the_reason() -> None:
    predictions = made_up()
    rare = predictions["label"] == "S"
    predictions = predictions[~(rare & predictions["fold"].isin([1, 2]))]
    unjudged = [{"fold": 2, "label": "S", "windows": 5}]
    found = evaluate(predictions, LABELS, QUICK, seed=1, unjudged=unjudged).metrics
    assert [fold["absent"] for fold in found["folds"]] == [
        {},
        {"S": "no test window"},
        {"S": "no training window for its 5 test windows"},
        {},
    ]
    assert found["absent"] == {}
    assert "without" not in found["balanced_accuracy"]
    second = predictions[predictions["fold"] == 1]
    right = (second["label"] == second["predicted"]).groupby(second["label"]).mean()
    assert found["folds"][1]["balanced_accuracy"] == pytest.approx(right.mean())


def test_folds_of_one_class_each_have_no_auroc() -> None:
    """As when one patient or one control is left out: no fold has both to compare."""
    predictions = made_up(["A", "B"])
    who = predictions["subject"].str[1:].astype(int)
    predictions = predictions[(predictions["label"] == "A") == (who % 2 == 0)]
    predictions["fold"] = who
    found = evaluate(predictions, ["A", "B"], QUICK, seed=1).metrics
    assert found["auroc"]["value"] is None
    assert found["auroc"]["without"] == ["A", "B"]
    assert "two classes" in found["auroc"]["reason"]
    for label in "AB":
        assert "of it and of others" in found["classes"][label]["auroc"]["reason"]
    both = predictions["label"] == predictions["predicted"]
    right = both.groupby(predictions["label"]).mean().mean()
    assert found["balanced_accuracy"]["value"] == pytest.approx(right)
    assert "without" not in found["balanced_accuracy"]


def test_a_class_that_is_never_predicted_is_reported() -> None:
    predictions = made_up()
    predictions["predicted"] = predictions["predicted"].replace("S", "N")
    found = evaluate(predictions, LABELS, QUICK, seed=1).metrics["classes"]["S"]
    assert found["positive_predictivity"]["value"] is None
    assert "predicted" in found["positive_predictivity"]["reason"]
    assert found["sensitivity"]["value"] == 0


def test_repeats_do_not_narrow_an_interval() -> None:
    """Subjects were sampled, not repeats: the same again is nothing new."""
    once = made_up()
    again = pd.concat([once.assign(fold=once["fold"] + 4 * k) for k in range(5)])
    first, second = (evaluate(p, LABELS, QUICK, seed=1).metrics for p in (once, again))
    assert second["windows"] == first["windows"]
    assert second["repeated_windows"] == 4 * len(once)
    for name in ("balanced_accuracy", "macro_f1", "accuracy", "auroc"):
        for end in ("value", "low", "high"):
            assert second[name][end] == pytest.approx(first[name][end], abs=1e-9)


def test_a_rare_class_still_has_an_interval() -> None:
    """It occurs in two subjects: a plain bootstrap would often miss both."""
    predictions = made_up()
    spared = predictions["subject"].isin(["s00", "s01"])
    predictions = predictions[spared | (predictions["label"] != "S")]
    row = evaluate(predictions, LABELS, QUICK, seed=1).metrics["classes"]["S"]
    assert row["subjects"] == 2
    for name in ("auroc", "sensitivity", "f1"):
        assert row[name]["low"] is not None


def test_one_subject_and_a_perfect_model_have_no_interval() -> None:
    alone = evaluate(made_up(n_subjects=1), LABELS, QUICK, seed=1).metrics
    assert alone["balanced_accuracy"]["value"] is not None
    assert "one subject" in alone["balanced_accuracy"]["reason"]
    perfect = made_up(skill=50)
    found = evaluate(perfect, LABELS, QUICK, seed=1).metrics["balanced_accuracy"]
    assert found["value"] == 1
    assert found["low"] is None
    assert "equal" in found["reason"]


def test_cold_decisions_are_judged_apart() -> None:
    predictions = made_up()
    none = cold(predictions.assign(cold=False), LABELS)
    assert none == {"decisions": 0, "absent": "every interval begins in its segment"}
    some = predictions.assign(cold=predictions["window"] % 7 == 0)
    found = cold(some, LABELS)
    rows = predictions[::7]
    assert found["decisions"] == len(rows)
    right = (rows["label"] == rows["predicted"]).groupby(rows["label"]).mean()
    assert found["balanced_accuracy"] == pytest.approx(right.mean())
    assert right.mean() != pytest.approx((rows["label"] == rows["predicted"]).mean())
    one = predictions.assign(cold=predictions["label"] == "S")
    assert cold(one, LABELS) == {
        "decisions": int((predictions["label"] == "S").sum()),
        "absent": "undefined: all are of class 'S'",
    }


def test_repeated_windows_are_counted() -> None:
    predictions = made_up()
    again = pd.concat([predictions, predictions.head(10).assign(fold=9)])
    found = evaluate(again, LABELS, QUICK, seed=1).metrics
    assert found["repeated_windows"] == 10
    assert found["windows"] == len(predictions)
    assert np.sum(found["confusion"]) == len(again)


def test_the_same_twice_and_in_any_order() -> None:
    predictions = made_up()
    once = evaluate(predictions, LABELS, QUICK, seed=1)
    shuffled = predictions.sample(frac=1, random_state=0)
    again = evaluate(shuffled, LABELS, QUICK, seed=1)
    assert once.metrics == again.metrics
    pd.testing.assert_frame_equal(once.subjects, again.subjects)
    other = evaluate(predictions, LABELS, QUICK, seed=2)
    assert once.metrics["accuracy"] != other.metrics["accuracy"]


def test_pooled_metrics_alone_are_those_of_the_full_evaluation() -> None:
    """With the same resamples: the intervals of two networks can be compared."""
    predictions = made_up()
    pooled = evaluate_pooled(predictions, LABELS, QUICK, seed=1)
    full = evaluate(predictions, LABELS, QUICK, seed=1).metrics
    assert set(pooled) == {"balanced_accuracy", "macro_f1", "accuracy"}
    assert pooled == {name: full[name] for name in pooled}
    alone = evaluate_balanced(predictions, LABELS, QUICK, seed=1)
    assert alone == pytest.approx(full["balanced_accuracy"])
    other = evaluate_pooled(made_up(skill=0.5), LABELS, QUICK, seed=1)
    assert other["accuracy"]["value"] < pooled["accuracy"]["low"]
    with pytest.raises(DataError, match="no tested window"):
        evaluate_pooled(predictions.head(0), LABELS, QUICK, seed=1)
    with pytest.raises(DataError, match="holds V"):
        evaluate_pooled(predictions, ["N", "S"], QUICK, seed=1)


def test_predictions_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(DataError, match="no tested window"):
        evaluate(made_up().head(0), LABELS, QUICK, seed=1)
    with pytest.raises(DataError, match="windows of N, V"):
        evaluate(made_up(), ["N", "V"], QUICK, seed=1)


def test_compare_uses_the_shared_windows_and_sees_a_better_model() -> None:
    strong, weak = made_up(skill=3), made_up(skill=0.5)
    rng = np.random.default_rng(0)
    found = compare(strong, weak, LABELS, QUICK, rng)
    assert found.subjects == 8
    assert found.difference is not None
    assert found.difference > 0.2
    assert found.p is not None
    assert found.p < 0.02
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.difference < found.high
    turned = compare(weak, strong, LABELS, QUICK, np.random.default_rng(0))
    assert turned.difference == -found.difference
    same = compare(weak, weak, LABELS, QUICK, rng)
    assert (same.difference, same.p, same.low) == (0, 1, None)
    assert "equal" in same.reason
    part = strong[strong["subject"] < "s04"]
    assert compare(part, weak, LABELS, QUICK, rng).subjects == 4
    # What another fold predicted of a window is no pair of what this one did.
    repeated = pd.concat([strong, weak.assign(fold=9)])
    again = compare(repeated, weak, LABELS, QUICK, np.random.default_rng(0))
    assert (again.difference, again.p) == (found.difference, found.p)


def test_evaluation_needs_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, pipeline.evaluation.evaluate; "
        "assert not {'torch', 'sklearn', 'scipy.stats'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_class_alone_is_no_success() -> None:
    """Whoever answers the only class that is tested is always right."""
    predictions = made_up()
    one = predictions[predictions["label"] == "N"].assign(predicted="N")
    with pytest.raises(DataError, match="tested windows are of class 'N'"):
        evaluate(one, LABELS, QUICK, seed=1)


def test_a_fold_that_tests_one_class_has_no_average() -> None:
    predictions = made_up()
    alone = predictions["fold"] == 1
    predictions = predictions[~alone | (predictions["label"] == "V")]
    found = evaluate(predictions, LABELS, QUICK, seed=1).metrics["folds"]
    assert found[1]["balanced_accuracy"] is None
    assert found[1]["macro_f1"] is None
    assert found[1]["reason"] == "undefined: all windows are of class 'V'"
    assert set(found[1]["absent"]) == {"N", "S"}
    assert found[1]["accuracy"] > 0.5
    assert "reason" not in found[0]
    assert found[0]["balanced_accuracy"] > 0.5


def test_what_always_answers_the_same_is_named() -> None:
    predictions = made_up()
    found = evaluate(predictions, LABELS, QUICK, seed=1).metrics
    assert found["only_predicted"] is None
    assert all(fold["only_predicted"] is None for fold in found["folds"])
    same = predictions.assign(predicted="S")
    found = evaluate(same, LABELS, QUICK, seed=1).metrics
    assert found["only_predicted"] == "S"
    assert found["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    mixed = predictions.where(predictions["fold"] != 2, same)
    found = evaluate(mixed, LABELS, QUICK, seed=1).metrics
    assert found["only_predicted"] is None
    assert [fold["only_predicted"] for fold in found["folds"]] == [
        None,
        None,
        "S",
        None,
    ]


def test_of_unknown_persons_nothing_has_an_interval() -> None:
    predictions = made_up().assign(subject="")
    judged = evaluate(predictions, LABELS, QUICK, seed=1)
    found, known = judged.metrics, evaluate(made_up(), LABELS, QUICK, seed=1).metrics
    reason = "nobody knows who was recorded"
    for name in ("balanced_accuracy", "macro_f1", "accuracy", "auroc"):
        assert found[name]["value"] == pytest.approx(known[name]["value"])
        assert found[name]["low"] is None
        assert found[name]["reason"] == f"no interval: {reason}"
    assert found["subjects"] == 0
    assert {row["subjects"] for row in found["folds"]} == {0}
    assert {row["subjects"] for row in found["classes"].values()} == {0}
    assert found["interval"]["method"] is None
    assert found["interval"]["reason"] == reason
    assert found["confusion"] == known["confusion"]
    assert judged.subjects.empty
    pooled = evaluate_pooled(predictions, LABELS, QUICK, seed=1)
    assert pooled["balanced_accuracy"] == found["balanced_accuracy"]
    test = compare(predictions, predictions, LABELS, QUICK, np.random.default_rng(0))
    assert (test.p, test.subjects, test.reason) == (None, 0, reason)
