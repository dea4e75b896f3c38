"""The planted controls: a memoriser is its equation, claims concern persons outside."""

import numpy as np
import pytest

from pipeline.privacy import control


@pytest.mark.parametrize("at_once", [5, 512])
def test_a_memoriser_is_its_equation(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    features, targets = rng.normal(size=(12, 3)), rng.integers(0, 2, 12)
    persons = np.repeat(np.arange(4), 3)
    stored = np.array([persons < 2, persons >= 2])
    found = control.memorise(features, targets, persons, stored)

    def apart(i: int, j: int) -> float:
        return float(np.linalg.norm(features[i] - features[j]))

    nearest = [
        min(apart(i, j) for j in range(12) if persons[j] != persons[i])
        for i in range(12)
    ]
    width = float(np.median(nearest)) / 2
    for model in range(2):
        for i in range(12):
            kept = np.flatnonzero(stored[model])
            weights = {j: np.exp(-(apart(i, j) ** 2) / (2 * width**2)) for j in kept}
            right = sum(w for j, w in weights.items() if targets[j] == targets[i])
            assert found[model, i] == pytest.approx(right / sum(weights.values()))


def test_what_is_far_from_all_that_is_stored_has_a_confidence() -> None:
    features = np.array([[0.0], [0.1], [1e6], [1e6 + 0.1]])
    stored = np.array([[True, True, False, False]])
    targets = np.array([0, 1, 0, 1])
    found = control.memorise(features, targets, np.array([0, 1, 2, 3]), stored)
    assert np.isfinite(found).all()


def test_claims_are_made_of_half_of_those_outside() -> None:
    member = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0]], bool)
    claim = control.claimed(member, np.random.default_rng(0))
    assert np.isnan(claim[member]).all()
    assert np.nansum(claim, axis=1).tolist() == [2, 1]
    assert (~np.isnan(claim)).sum(axis=1).tolist() == [4, 3]
