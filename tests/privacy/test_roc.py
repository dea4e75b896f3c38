"""AUC, rates and intervals equal those that are counted pair by pair."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from pipeline.evaluation.statistics import Bootstrap
from pipeline.privacy import roc
from pipeline.privacy.roc import Scored

TARGETS, PERSONS = 4, 6
FEW = Bootstrap(80, 0.9)


def scored(seed: int, per_person: int, effect: float = 0.5) -> Scored:
    """Make scores with ties of persons who are each in half of the targets."""
    rng = np.random.default_rng(seed)
    halves = [rng.permutation(PERSONS) < PERSONS // 2 for _ in range(TARGETS // 2)]
    member = np.array([each for half in halves for each in (half, ~half)])
    rows = [
        (target, person, member[target, person], n)
        for target, person in product(range(TARGETS), range(PERSONS))
        for n in range(per_person + person % 2)
    ]
    target, person, known, _ = (np.array(each) for each in zip(*rows, strict=True))
    values = (rng.normal(size=len(rows)) + effect * known).round(1)
    return Scored(values, known.astype(bool), target, person)


def test_a_person_has_the_mean_of_the_scores() -> None:
    many = scored(1, 3)
    mean = many.of_persons()
    assert len(mean.scores) == TARGETS * PERSONS
    for k in range(len(mean.scores)):
        own = (many.target == mean.target[k]) & (many.person == mean.person[k])
        assert mean.scores[k] == pytest.approx(many.scores[own].mean())
        assert (many.member[own] == mean.member[k]).all()


@pytest.mark.parametrize("per_person", [1, 4])
def test_pairs_are_counted_one_by_one(per_person: int) -> None:
    made = scored(2, per_person)
    higher, size, first = roc.pairs(made)
    blocks = [(made.target[k], made.person[k], made.member[k]) for k in first]
    rows = {
        block[:2]: made.scores[(made.target == block[0]) & (made.person == block[1])]
        for block in blocks
    }
    inside = [block[:2] for block in blocks if block[2]]
    outside = [block[:2] for block in blocks if not block[2]]
    for i, mine in enumerate(inside):
        for j, theirs in enumerate(outside):
            wins = sum(
                (x > y) + 0.5 * (x == y) for x in rows[mine] for y in rows[theirs]
            )
            assert higher[i, j] == wins
    assert [len(rows[block[:2]]) for block in blocks] == size.tolist()


@pytest.mark.parametrize("per_person", [1, 4])
def test_the_auc_and_its_interval_are_sklearns(per_person: int) -> None:
    made = scored(3, per_person)
    found = roc.judge(made, FEW, np.random.default_rng(7))["auc"]
    assert found["value"] == pytest.approx(roc_auc_score(made.member, made.scores))
    _, _, first = roc.pairs(made)
    target, person = made.target[first], made.person[first]
    weights = roc.drawn_together(
        target, person, FEW.resamples, np.random.default_rng(7)
    )
    blocks = {pair: k for k, pair in enumerate(zip(target, person, strict=True))}
    of_row = [blocks[pair] for pair in zip(made.target, made.person, strict=True)]
    resampled = [
        roc_auc_score(made.member, made.scores, sample_weight=row[of_row])
        for row in weights
        if len(set(made.member[row[of_row] > 0])) == 2
    ]
    expected = np.quantile(resampled, [0.05, 0.95])
    assert [found["low"], found["high"]] == pytest.approx(expected.tolist())


def test_persons_and_targets_are_drawn_together() -> None:
    target, person = np.divmod(np.arange(TARGETS * PERSONS), PERSONS)
    drawn = roc.drawn_together(target, person, 50, np.random.default_rng(0))
    for row in drawn.reshape(50, TARGETS, PERSONS):
        by_target, by_person = row.sum(axis=1) / PERSONS, row.sum(axis=0) / TARGETS
        np.testing.assert_array_equal(row, np.outer(by_target, by_person))
        assert by_target.sum() == TARGETS
        assert by_person.sum() == PERSONS


def test_rates_need_persons() -> None:
    found = roc.judge(scored(4, 2), FEW, np.random.default_rng(0))["tpr"]
    assert found["0.01"] == {
        "value": None,
        "reason": f"needs 100 persons outside the training set, there are {PERSONS}",
    }
    persons = np.repeat(np.arange(150), 2)
    member = np.tile([True, False], 150)
    scores = np.where(member, 0.0, -1.0)
    scores[member] += np.arange(150) < 60  # 60 of 150 are above all others
    scores[~member] += np.where(np.arange(150) == 7, 1.5, 0)  # of these one is between
    many = Scored(scores, member, 2 * (persons % 2) + ~member, persons)
    found = roc.judge(many, FEW, np.random.default_rng(0))
    assert found["tpr"]["0.01"]["value"] == 1.0
    assert found["tpr"]["0.01"]["low"] < 0.5  # where that one is drawn twice
    assert found["tpr"]["0.01"]["high"] == 1.0
    assert found["tpr"]["0.001"]["value"] is None
    assert found["curve"][0] == pytest.approx(0.4)
    assert found["curve"][-1] == 1


@pytest.mark.parametrize("per_person", [1, 4])
@pytest.mark.parametrize("rate", [0.0, 0.25])
def test_rates_of_resamples_are_sklearns(per_person: int, rate: float) -> None:
    made = scored(6, per_person)
    blocks, block = np.unique(
        np.stack([made.target, made.person]), axis=1, return_inverse=True
    )
    weights = roc.drawn_together(*blocks, 40, np.random.default_rng(1))
    weights[0] = 0  # nobody
    found = roc.resampled_rates(made, block, weights, rate)
    assert np.isnan(found[0])
    for value, counts in zip(found[1:], weights[1:], strict=True):
        fpr, tpr, _ = roc_curve(
            made.member,
            made.scores,
            sample_weight=counts[block],
            drop_intermediate=False,
        )
        assert value == pytest.approx(tpr[fpr <= rate].max())


def test_nobody_in_is_no_auc() -> None:
    made = scored(5, 1)
    nobody = np.zeros(len(made.scores), bool)
    none = Scored(made.scores, nobody, made.target, made.person)
    found = roc.judge(none, FEW, np.random.default_rng(0))
    assert "nothing to compare" in found["absent"]


def test_one_score_a_side_has_no_interval() -> None:
    """Most resamples lack the one who is in, or the one who is out."""
    scores, member = np.array([1.0, 0.0]), np.array([True, False])
    two = Scored(scores, member, np.arange(2), np.arange(2))
    found = roc.judge(two, FEW, np.random.default_rng(0))["auc"]
    assert (found["value"], found["low"]) == (1.0, None)
    assert "nobody in" in found["reason"]
