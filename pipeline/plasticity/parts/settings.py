"""Settings of rules, and what is wrong with them."""

import warnings
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.errors import ConfigError
from pipeline.plasticity.base import Rule

Amplitude = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=1000)]
Tau = Annotated[
    Seconds | tuple[Seconds, ...],
    Field(description="a time constant, or one for every neuron, seconds"),
]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=1e6, description="the largest weight")]


def _in_order(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the lower end first")
    return ends


Shares = Annotated[
    tuple[Share, Share],
    AfterValidator(_in_order),
    Field(description="ends of what weights are drawn from, in shares of w_max"),
]


def check_tau(name: str, tau_s: float | Sequence[float], count: int, dt: float) -> None:
    """Refuse time constants that are no longer than a step, or too few or many.

    Raises
    ------
    ConfigError
    """
    every = tau_s if isinstance(tau_s, Sequence) else [tau_s] * count
    if len(every) != count:
        raise ConfigError(
            f"plasticity: {name}",
            f"{len(every)} time constants for {count} neurons",
            expected="one number, or one for every neuron",
        )
    if (shortest := min(every)) <= dt:
        raise ConfigError(
            f"plasticity: {name}",
            f"{shortest:g} s, with steps of {dt:g} s",
            expected="longer than a step: a shorter trace is gone before it is used",
            remedy="a longer time constant, or a finer code",
        )


def largest(value: float | Sequence[float]) -> float:
    """Give the largest of one or more."""
    return max(value) if isinstance(value, Sequence) else value


def smallest(value: float | Sequence[float]) -> float:
    """Give the smallest of one or more."""
    return min(value) if isinstance(value, Sequence) else value


class PairRule(Rule):
    """A rule whose changes are of pairs of spikes, and decay with their distance.

    The window of strengthening is the source's time constant, that of weakening the
    target's.
    """

    a_plus: Amplitude = 0.01
    a_minus: Amplitude = 0.0105
    tau_pre_s: Tau = 0.02
    tau_post_s: Tau = 0.02
    w_max: Weight = 1.0

    def check(self, n_pre: int, n_post: int, dt: float) -> None:
        """Refuse time constants that do not fit.

        Raises
        ------
        ConfigError
        """
        check_tau("tau_pre_s", self.tau_pre_s, n_pre, dt)
        check_tau("tau_post_s", self.tau_post_s, n_post, dt)

    def warn_if_unbalanced(self) -> None:
        """Warn where uncorrelated spikes would drive all weights to the largest."""
        rise = self.a_plus * largest(self.tau_pre_s)
        fall = self.a_minus * smallest(self.tau_post_s)
        if rise >= fall:
            warnings.warn(
                f"{type(self).__name__}: a_plus·tau_pre_s = {rise:g} s is not less "
                f"than a_minus·tau_post_s = {fall:g} s; spikes that have nothing to do "
                "with each other will drive weights to w_max. A larger a_minus or "
                "tau_post_s prevents it",
                stacklevel=2,
            )
