"""Attacks equal slow references; RMIA equals a table that was computed by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from pipeline.privacy import attacks
from pipeline.privacy.membership import twin

K, N, Z, EPOCHS = 8, 40, 15, 4


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidences of networks that are a little surer of their members."""
    rng = np.random.default_rng(4)
    first = [rng.permutation(N) < N // 2 for _ in range(K // 2)]
    member = np.array([each for half in first for each in (half, ~half)])
    p = np.clip(rng.beta(2, 2, (K, N)) + 0.1 * member, 0, 1).round(2)
    return p, member, rng.beta(2, 2, (K, Z)).round(2)


def others(target: int) -> list[int]:
    pair = {2 * (target // 2), 2 * (target // 2) + 1}
    return [k for k in range(K) if k not in pair]


@pytest.mark.parametrize("target", range(K))
def test_references_leave_out_the_target_and_its_twin(target: int) -> None:
    assert attacks.references(target, K) == others(target)
    assert {target, twin(target)}.isdisjoint(others(target))


@pytest.mark.parametrize("target", [0, 3, 7])
def test_each_score_equals_a_plain_loop(
    made: tuple[np.ndarray, np.ndarray, np.ndarray], target: int
) -> None:
    p, member, z = made
    a = 0.3
    reference, rmia = [], []
    for x in range(N):
        out = [k for k in others(target) if not member[k, x]]
        assert len(out) == (K - 2) // 2  # as many whoever is in the target
        beaten = [
            1 if p[target, x] > p[k, x] else 0.5 if p[target, x] == p[k, x] else 0
            for k in out
        ]
        reference.append(sum(beaten) / len(out))
        mean = sum(p[k, x] for k in out) / len(out)
        ratio = p[target, x] / ((1 + a) / 2 * mean + (1 - a) / 2)
        wins = 0
        for j in range(Z):
            mean_z = sum(z[k, j] for k in others(target)) / len(others(target))
            ratio_z = z[target, j] / ((1 + a) / 2 * mean_z + (1 - a) / 2)
            wins += ratio / ratio_z > 1
        rmia.append(wins / Z)
    np.testing.assert_allclose(attacks.by_reference(p, member, target), reference)
    np.testing.assert_allclose(attacks.rmia(p, member, z, target, a), rmia)
    np.testing.assert_array_equal(attacks.by_confidence(p, target), p[target])


def test_rmia_by_hand() -> None:
    """The formula of ml_privacy_meter's `run_rmia`, on numbers worked out on paper.

    Of target 0 and a = 0.2: p(x) = 0.6 p_out + 0.4. The references are 2 and 3; x1 has
    is in 2 and x2 in 3, so p_out is 0.5 and 0.25:
    r(x1) = 0.9 / 0.70 = 1.286, r(x2) = 0.55 / 0.55 = 1.
    The population's: 0.6 · mean(0.5, 0.7) + 0.4 = 0.76, r = 0.95 / 0.76 = 1.25;
    0.6 · mean(0.3, 0.2) + 0.4 = 0.55, r = 0.44 / 0.55 = 0.8;
    0.6 · mean(1, 1) + 0.4 = 1, r = 1; 0.6 · mean(0, 0) + 0.4 = 0.4, r = 1.5.
    x1 beats 1.25, 0.8 and 1 of four, x2 beats 0.8 alone: it does not beat its equal.
    """
    p = np.array([[0.9, 0.55], [0.1, 0.1], [0.99, 0.25], [0.5, 0.98]])
    member = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], bool)
    z = np.array(
        [
            [0.95, 0.44, 1.0, 0.6],
            [0.5, 0.5, 0.5, 0.5],
            [0.5, 0.3, 1.0, 0.0],
            [0.7, 0.2, 1.0, 0.0],
        ]
    )
    np.testing.assert_array_equal(attacks.rmia(p, member, z, 0, 0.2), [0.75, 0.25])


def test_a_confidence_of_zero_everywhere_beats_nothing() -> None:
    p = np.array([[0.0, 0.5], [0.0, 0.1], [0.0, 0.25], [0.0, 0.98]])
    member = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], bool)
    z = np.array([[0.0, 0.4], [0.0, 0.4], [0.0, 0.4], [0.0, 0.4]])
    assert attacks.rmia(p, member, z, 0, 1.0).tolist() == [0, 1]


def test_a_is_the_best_of_an_attack_on_the_twin(
    made: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    p, member, z = made
    target, other = 2, 3
    aucs = {
        a: roc_auc_score(member[other], attacks.rmia(p, member, z, other, a))
        for a in attacks.OFFLINE_A
    }
    assert len(set(aucs.values())) > 1
    best = max(aucs, key=lambda a: aucs[a])
    expected = attacks.rmia(p, member, z, target, best)
    np.testing.assert_array_equal(attacks.by_rmia(p, member, z, target), expected)
    changed = p.copy()
    changed[target] = changed[target][::-1]  # the target takes no part in the choice
    expected = attacks.rmia(changed, member, z, target, best)
    np.testing.assert_array_equal(attacks.by_rmia(changed, member, z, target), expected)


def test_the_trajectory_learns_from_the_references_alone() -> None:
    rng = np.random.default_rng(2)
    first = [rng.permutation(N) < N // 2 for _ in range(K // 2)]
    member = np.array([each for half in first for each in (half, ~half)])
    p = rng.uniform(0.2, 0.8, (K, EPOCHS, N))
    p[:, -1] = np.clip(p[:, -1] + 0.2 * member, 0, 1)
    target = 5
    rows, answers = [], []
    for k in others(target):
        for x in range(N):
            rows.append([-np.log(p[k, e, x]) for e in range(EPOCHS)])
            answers.append(member[k, x])
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
    model = LogisticRegression().fit((np.array(rows) - mean) / spread, answers)
    asked = (-np.log(p[target].T) - mean) / spread
    found = attacks.by_trajectory(p, member, target)
    np.testing.assert_allclose(found, model.decision_function(asked), rtol=1e-6)
    assert roc_auc_score(member[target], found) > 0.6
    changed = p.copy()
    changed[twin(target)] = 0.5
    np.testing.assert_array_equal(attacks.by_trajectory(changed, member, target), found)


def test_a_confidence_of_zero_has_a_finite_loss() -> None:
    rng = np.random.default_rng(3)
    member = np.array([[1, 0], [0, 1]] * 3, bool)
    p = rng.uniform(0, 1, (6, 2, 2))
    p[0, 0, 0] = 0
    assert np.isfinite(attacks.by_trajectory(p, member, 0)).all()
