"""An audit's numbers for MLflow: of persons, with their intervals."""

from pipeline.tracking.audits import numbers
from pipeline.tracking.numbers import of_privacy
from tests.privacy.made import FOUND, RANDOM


def test_guarantees_are_named_by_the_largest() -> None:
    folds = [{"privacy": {"epsilon": e, "delta": 1e-3 / e}} for e in (2.0, 1.0)]
    named = {"privacy/epsilon": 2.0, "privacy/delta": 1e-3}
    assert of_privacy({"folds": folds}) == named
    assert of_privacy({"folds": [*folds, {"epochs": 1}]}) == {}


def test_every_attack_on_persons_is_a_metric_and_no_decision_is() -> None:
    named = numbers(FOUND)
    assert named["privacy/auc.RMIA.stored"] == 0.75
    assert named["privacy/auc.RMIA.stored.ci_low"] == 0.625
    assert named["privacy/auc.RMIA.stored.ci_high"] == 0.875
    assert not any("reference" in name for name in named)
    assert named["privacy/accuracy_non_members.stored"] == 0.625
    assert named["privacy/control_memoriser.RMIA"] == 1.0
    assert named["privacy/control_non_members.RMIA"] is None


def test_true_positive_rates_are_metrics_where_persons_allow_them() -> None:
    rate = {"value": 0.25, "low": 0.125, "high": 0.5}
    (row,) = (r for r in FOUND["attacks"] if r.get("attack") == "RMIA")
    named = numbers({**FOUND, "attacks": [{**row, "tpr": {"0.01": rate}}]})
    assert named["privacy/tpr_at_0.01.RMIA.stored"] == 0.25
    assert named["privacy/tpr_at_0.01.RMIA.stored.ci_high"] == 0.5
    assert numbers(FOUND)["privacy/tpr_at_0.01.RMIA.stored"] is None


def test_queries_of_another_session_have_names_of_their_own() -> None:
    other = [
        {**row, "queries": "another session"}
        for row in RANDOM["attacks"]
        if row.get("way") == "draws"
    ]
    named = numbers({**RANDOM, "attacks": [*RANDOM["attacks"], *other]})
    assert named["privacy/auc_another_session.RMIA.draws"] == 0.65625
    assert named["privacy/auc.RMIA.once"] == 0.5
