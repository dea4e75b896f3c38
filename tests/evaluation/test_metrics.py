"""Metrics against scikit-learn and by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from pipeline.errors import DataError
from pipeline.evaluation import metrics

TABLE = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])


def test_by_hand() -> None:
    np.testing.assert_allclose(metrics.sensitivity(TABLE), [0.8, 0.75, np.nan])
    np.testing.assert_allclose(
        metrics.positive_predictivity(TABLE), [8 / 9, 3 / 5, np.nan]
    )
    np.testing.assert_allclose(metrics.f1(TABLE), [16 / 19, 6 / 9, np.nan])
    assert metrics.balanced_accuracy(TABLE) == pytest.approx(0.775)
    assert metrics.macro_f1(TABLE) == pytest.approx((16 / 19 + 6 / 9) / 2)
    assert metrics.accuracy(TABLE) == pytest.approx(11 / 14)


def test_a_class_that_occurs_but_is_never_found_counts_as_zero() -> None:
    table = np.array([[5, 0], [5, 0]])
    assert metrics.macro_f1(table) == pytest.approx((10 / 15 + 0) / 2)
    assert metrics.balanced_accuracy(table) == 0.5
    assert np.isnan(metrics.positive_predictivity(table)[1])


@given(nps.arrays(np.int64, (4, 3, 3), elements=st.integers(0, 50)))
@settings(max_examples=50)
def test_leading_axes_are_tables(tables: np.ndarray) -> None:
    for metric in (metrics.balanced_accuracy, metrics.macro_f1, metrics.f1):
        one_by_one = np.stack([metric(table) for table in tables])
        np.testing.assert_array_equal(metric(tables), one_by_one)


@given(nps.arrays(np.int64, (4, 3, 3), elements=st.integers(0, 3)))
def test_balanced_accuracy_needs_hits_and_windows_alone(tables: np.ndarray) -> None:
    counted = metrics.hits_and_windows(tables)
    assert counted.shape == (4, 3, 2)
    np.testing.assert_array_equal(
        metrics.balanced_accuracy_of_hits(counted), metrics.balanced_accuracy(tables)
    )


def _predictions(rng: np.random.Generator, n: int = 300) -> pd.DataFrame:
    scores = np.round(rng.dirichlet([1, 1, 1], n), 2)  # rounded: ties occur
    columns = {f"p_{label}": scores[:, k] for k, label in enumerate("NSV")}
    return pd.DataFrame(
        {
            "window": np.arange(n),
            "fold": 0,
            "subject": rng.choice(["s1", "s2", "s3", "s4"], n),
            "label": rng.choice(list("NSV"), n),
            "predicted": [list("NSV")[k] for k in scores.argmax(axis=1)],
            **columns,
        }
    )


def test_auroc_and_its_resamples_equal_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    predictions = _predictions(np.random.default_rng(1))
    pairs = metrics.count_pairs(predictions, "NSV")
    counts = np.array([[1, 1, 1, 1], [2, 0, 1, 1], [0, 3, 0, 1]])
    names = predictions["subject"].unique()  # in the order of the windows
    for weights, found in zip(counts, pairs.auroc(counts).T, strict=True):
        weight = predictions["subject"].map(dict(zip(names, weights, strict=True)))
        expected = [
            roc_auc_score(
                predictions["label"] == c, predictions[f"p_{c}"], sample_weight=weight
            )
            for c in "NSV"
        ]
        np.testing.assert_allclose(found, expected)
        assert pairs.macro_auroc(weights) == pytest.approx(np.mean(expected))


def test_auroc_compares_only_within_a_fold() -> None:
    """Each fold is in perfect order on a scale of its own."""
    predictions = pd.DataFrame(
        {
            "window": [0, 1, 2, 3],
            "fold": [0, 0, 1, 1],
            "subject": ["a", "a", "b", "b"],
            "label": ["N", "V", "N", "V"],
            "p_N": [0.9, 0.8, 0.2, 0.1],
            "p_V": [0.1, 0.2, 0.8, 0.9],
        }
    )
    pairs = metrics.count_pairs(predictions, "NV")
    np.testing.assert_array_equal(pairs.auroc(np.ones(2, int)), [1, 1])


def test_confusion_by_subject_counts_every_row() -> None:
    predictions = _predictions(np.random.default_rng(2))
    tables, names = metrics.confusion_by_subject(predictions, list("NSV"))
    assert names == list(predictions["subject"].unique())
    assert tables.sum() == len(predictions)
    row = predictions.query("subject == 's2' and label == 'N' and predicted == 'V'")
    assert tables[names.index("s2"), 0, 2] == len(row)


@pytest.mark.parametrize("column", ["label", "predicted"])
@pytest.mark.parametrize("strange", ["F", float("nan")])
def test_what_is_no_class_is_refused_in_words(column: str, strange: object) -> None:
    predictions = _predictions(np.random.default_rng(2))
    predictions[column] = predictions[column].replace("S", strange)
    with pytest.raises(
        DataError, match=rf"(?s)column {column} holds {strange}\n.*N, S"
    ):
        metrics.confusion_by_subject(predictions, list("NSV"))
