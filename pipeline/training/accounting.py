"""What noise guarantees to a person, by the accountant of Google's dp-accounting.

Two sets of persons are neighbours if one has all recordings of one person more. A way
of training is (ε, δ)-differentially private if for neighbours D, D' and any set S of
networks

    P[network of D in S] ≤ exp(ε) · P[network of D' in S] + δ

A step draws each of n persons with probability q = persons_per_step / n, and adds
Gaussian noise of σ clips to a sum to which a person adds one clip at most. The steps
are composed by privacy loss distributions, which are rounded so that ε is never too
small. The number of persons itself is not protected: q and δ follow from it.

References
----------
.. [1] C. Dwork and A. Roth, "The algorithmic foundations of differential privacy",
   2014.
.. [2] V. Doroshenko et al., "Connect the dots: tighter discrete approximations of
   privacy loss distributions", PoPETs 2022(4).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError, MachineError
from pipeline.training.privacy_settings import PrivacySettings

if TYPE_CHECKING:
    from dp_accounting import DpEvent, PrivacyAccountant

WHERE = "params.yaml: models.*.privacy"
DELTA = 0.1
"""Of 1/persons: the default of δ."""
GRID = 1e-3
"""Steps of the privacy loss; with finer ones ε hardly falls, and takes far longer."""
TOLERANCE = 5e-3
"""Of the noise that is looked for, upwards."""
MOST_NOISE = 1e4


@dataclass(frozen=True)
class Guarantee:
    """What is guaranteed to each person who trains a network, and by what.

    Parameters
    ----------
    epsilon, delta : float
    persons : int
        That train.
    persons_per_step : float
        Drawn a step, on average.
    steps : int
    clip : float
        Largest norm of a person's gradient.
    noise : float
        Standard deviation, in clips.
    """

    epsilon: float
    delta: float
    persons: int
    persons_per_step: float
    steps: int
    clip: float
    noise: float

    @property
    def share(self) -> float:
        """Probability with which a step draws a person."""
        return self.persons_per_step / self.persons


def guaranteed(settings: PrivacySettings, persons: int) -> Guarantee:
    """Account for a training; finds the noise if ε is asked for.

    Raises
    ------
    ConfigError
        δ is no protection, a step wants more persons than there are, or no noise
        reaches ε.
    MachineError
        dp-accounting is not installed.
    """
    delta = DELTA / persons if settings.delta is None else settings.delta
    _check(settings, persons, delta)
    share = settings.persons_per_step / persons
    noise = settings.noise or _found(settings, share, delta)
    return Guarantee(
        epsilon=epsilon(noise, share, settings.steps, delta),
        delta=delta,
        persons=persons,
        persons_per_step=settings.persons_per_step,
        steps=settings.steps,
        clip=settings.clip,
        noise=noise,
    )


def epsilon(noise: float, share: float, steps: int, delta: float) -> float:
    """Compute ε.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise, in clips.
    share : float
        Probability with which a step draws a person.
    steps : int
    delta : float
    """
    accountant = _accountant().compose(_event(noise, share, steps))
    return float(accountant.get_epsilon(delta))


def _check(settings: PrivacySettings, persons: int, delta: float) -> None:
    if delta >= 1 / persons:
        raise ConfigError(
            f"{WHERE}.delta",
            f"{delta:g} of {persons} persons, as if recordings were published",
            expected=f"less than 1/{persons} = {1 / persons:.3g}",
            remedy="set a smaller delta, or null, a tenth of that",
        )
    if settings.persons_per_step > persons:
        raise ConfigError(
            f"{WHERE}.persons_per_step",
            f"{settings.persons_per_step:g}, and {persons} persons train",
            expected="no more persons a step than there are",
            remedy="set a smaller persons_per_step",
        )


def _found(settings: PrivacySettings, share: float, delta: float) -> float:
    """Find the least noise with which ε is not exceeded."""
    accounting = _library()
    wanted = settings.epsilon
    if wanted is None or epsilon(MOST_NOISE, share, settings.steps, delta) > wanted:
        raise ConfigError(
            f"{WHERE}.epsilon",
            f"{wanted:g} in {settings.steps} steps, which no noise reaches",
            expected="an epsilon that leaves something to learn: 1 to 10",
            remedy="set a larger epsilon, or fewer steps",
        )
    return float(
        accounting.calibrate_dp_mechanism(
            _accountant,
            lambda noise: _event(noise, share, settings.steps),
            wanted,
            delta,
            accounting.LowerEndpointAndGuess(0.0, 1.0),
            tol=TOLERANCE,
        )
    )


def _event(noise: float, share: float, steps: int) -> "DpEvent":
    accounting = _library()
    step = accounting.PoissonSampledDpEvent(share, accounting.GaussianDpEvent(noise))
    return accounting.SelfComposedDpEvent(step, steps)


def _accountant() -> "PrivacyAccountant":
    return _library().pld.PLDAccountant(value_discretization_interval=GRID)


def _library() -> Any:
    try:
        import dp_accounting
    except ImportError as error:
        raise MachineError(
            WHERE,
            f"protection is asked for, and dp-accounting is not installed ({error})",
            expected="the accountant that computes epsilon",
            remedy="pip install 'biospike[privacy]'",
        ) from error
    return dp_accounting
