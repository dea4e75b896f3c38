"""What noise guarantees, beside published values and closed forms."""

import math
import sys

import pytest
from scipy.stats import norm

from pipeline.errors import ConfigError, MachineError
from pipeline.training.accounting import epsilon, guaranteed
from pipeline.training.privacy_settings import PrivacySettings


def gaussian_delta(noise: float, epsilon: float) -> float:
    """δ of Gaussian noise on a sum of sensitivity 1 (Balle and Wang, ICML 2018)."""
    half, scaled = 1 / (2 * noise), epsilon * noise
    tail = math.exp(epsilon) * norm.cdf(-half - scaled)
    return float(norm.cdf(half - scaled) - tail)


@pytest.mark.parametrize(("noise", "steps"), [(2.0, 1), (8.0, 16), (3.0, 4)])
def test_without_sampling_steps_add_up_as_one_gaussian(
    noise: float, steps: int
) -> None:
    found = epsilon(noise, 1.0, steps, 1e-3)
    assert gaussian_delta(noise / math.sqrt(steps), found) == pytest.approx(1e-3, 0.05)


def test_it_agrees_with_the_value_that_its_library_publishes() -> None:
    # dp-accounting's own test of privacy loss distributions.
    assert epsilon(0.5, 0.2, 3, 0.15594) == pytest.approx(1, abs=2e-3)


def test_it_is_no_looser_than_the_moments_accountant() -> None:
    # Abadi et al. (CCS 2016) state 1.26 of these steps.
    assert 0.9 < epsilon(4.0, 0.01, 10_000, 1e-5) < 1.26


def test_noise_is_found_for_epsilon_and_hardly_more_than_that() -> None:
    found = guaranteed(PrivacySettings(epsilon=1, persons_per_step=5, steps=20), 50)
    assert found.delta == pytest.approx(0.1 / 50)
    assert found.share == 0.1
    assert 0.97 < found.epsilon <= 1
    assert found.epsilon == epsilon(found.noise, 0.1, 20, found.delta)


def test_given_noise_is_kept() -> None:
    settings = PrivacySettings(noise=2.5, delta=1e-3, persons_per_step=4, steps=12)
    found = guaranteed(settings, 8)
    assert (found.noise, found.delta, found.persons) == (2.5, 1e-3, 8)
    assert found.epsilon == epsilon(2.5, 0.5, 12, 1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": 1, "delta": 0.125}, r"0\.125 of 8 persons"),
        ({"noise": 1, "persons_per_step": 9}, "9, and 8 persons train"),
        ({"epsilon": 1e-4, "steps": 10**6}, "no noise reaches"),
    ],
)
def test_what_guarantees_nothing_is_refused(
    settings: dict[str, float], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        guaranteed(PrivacySettings.model_validate(settings), 8)


def test_without_the_library_nothing_is_certified(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(MachineError, match=r"biospike\[privacy\]"):
        guaranteed(PrivacySettings(noise=1), 100)
