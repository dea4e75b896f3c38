"""Fractional-order leaky integrate-and-fire."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar

from pydantic import Field

from pipeline.neurons.parts.spiking import (
    MEMBRANES_S,
    MembraneTime,
    ResetGradient,
    SpikingNeuron,
    Start,
    Threshold,
    logarithms,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues

Order = TypeVar("Order", float, "Tensor")


def coefficients(alpha: Order, taps: int) -> list[Order]:
    """Compute Grünwald and Letnikov's coefficients c_1 to c_L.

        c_0 = 1        c_j = (1 − (1 + α) / j)·c_{j−1}

    For 0 < α < 1 all of these are negative, and without an end they sum to −1.

    Parameters
    ----------
    alpha : float or Tensor
        Order of the derivative.
    taps : int
        L, how many.
    """
    all_of_them = [-alpha]
    for j in range(2, taps + 1):
        all_of_them.append((1 - (1 + alpha) / j) * all_of_them[-1])
    return all_of_them


def forgotten(alpha: Order, taps: int) -> Order:
    """Compute Σ_{j>L} |c_j|: the weight of the memory that L taps leave out.

        Π_{j=1..L} (1 − α / j) ≈ L^−α / Γ(1 − α)

    A step misses at most this times the largest membrane that it has forgotten. Below
    threshold, while λ ≤ α, the other weights sum to 1 − λ − this, so the membrane is
    never further than forgotten / (λ + forgotten) times the largest membrane from its
    value with the complete memory.

    Parameters
    ----------
    alpha : float or Tensor
        Order of the derivative, 0 to 1.
    taps : int
        L, membranes that are remembered.
    """
    left = 1 - alpha
    for j in range(2, taps + 1):
        left = left * (1 - alpha / j)
    return left


class Fractional(SpikingNeuron):
    """Fractional leaky integrate-and-fire: a derivative of order α in place of 1.

        τ^α·D^α v = −v + R·i,   by Grünwald and Letnikov on the last L membranes:
        v[t] = i[t] − λ·v[t−1] − Σ_{j=1..L} c_j·v[t−j] − θ·s[t−1]
        s[t] = 1 if v[t] > θ else 0
        λ = (1 − exp(−dt / τ))^α

    With `coefficients` c_j, which fall like j^−(1+α): the membrane forgets by a power
    law, not exponentially, and firing adapts: to a lasting current intervals shorten,
    as in [1]_. `forgotten` gives the error of remembering only L membranes.

    Learned are α, through a logistic function, log τ and log θ. The published scheme
    has (dt/τ)^α for λ, as forward Euler; ours is the same for dt ≪ τ, but for no τ
    does it leave the stable range, and α → 1 is `leaky`, exactly, where c_1 = −1 and
    the others are 0. As in `leaky`, a current of 1 moves the membrane by 1 in its
    step, so R = 1/λ. Open in our sources, and our choice: spikes subtract θ in the next
    step, and the memory keeps membranes as they were when they fired.

    References
    ----------
    .. [1] W. Teka, T. M. Marinov and F. Santamaria, "Neuronal spike timing adaptation
       described with a fractional leaky integrate-and-fire model", PLoS Computational
       Biology 10(3), 2014.
    .. [2] C. Ge et al., fractional-order spiking networks (fspikeDE), 2025.
    """

    kernel: ClassVar[str] = "fractional"

    alpha: Annotated[float, Field(gt=0, lt=1, description="order of the leak")] = 0.8
    taps: Annotated[int, Field(ge=1, le=1024, description="L, membranes kept")] = 16
    tau_mem_s: MembraneTime = MEMBRANES_S
    threshold: Threshold = 1.0
    reset_gradient: ResetGradient = True

    @property
    def multiplications(self) -> int:
        """One a remembered membrane."""
        return self.taps

    def start(self) -> dict[str, Start]:
        """Give logit α, log τ and log θ."""
        return {
            "logit_alpha": math.log(self.alpha / (1 - self.alpha)),
            "log_tau": logarithms(self.tau_mem_s),
            "log_threshold": math.log(self.threshold),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give α, τ in seconds and θ."""
        return {
            "alpha": learned["logit_alpha"].sigmoid(),
            "tau_mem_s": learned["log_tau"].exp(),
            "threshold": learned["log_threshold"].exp(),
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute θ and the weights of the last membranes, newest first."""
        alpha = learned["logit_alpha"].sigmoid()
        leak = (-(-dt * (-learned["log_tau"]).exp()).expm1()) ** alpha
        first, *others = coefficients(alpha, self.taps)
        return learned["log_threshold"].exp(), -first - leak, *(-c for c in others)

    def unit(self, quantities: "Mapping[str, Tensor]") -> "Tensor | float | None":
        """Give None: the state is past membranes."""
        return None

    def options(self) -> tuple[float, ...]:
        """Give the option of gradients through the reset."""
        return (self.reset_gradient,)

    def rest(self) -> tuple[float, ...]:
        """Give the last membranes."""
        return (0.0,) * self.taps

    def moved_by_update(self) -> tuple[int, int]:
        """Read them all and write one: in a ring the newest overwrites the oldest."""
        return self.taps, 1

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add u[t] = i[t] + Σ a_j·u[t−j] − θ·s[t−1]: the membrane's past back into it.

        Each loop back is one step late by itself.
        """
        name, (threshold, newest, *older) = values.name, values.constants
        gain = values.gain
        membrane = circuit.scale(f"{name}_membrane", gain, currents[0])
        spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
        back = [
            circuit.scale(f"{name}_last", newest / gain, (membrane,)),
            circuit.scale(f"{name}_reset", -threshold / gain, (spikes,)),
        ]
        for steps, weight in enumerate(older, 1):
            delay = f"{name}_delay_{steps}"
            past = circuit.delay(delay, steps, len(weight), (membrane,))
            back.append(circuit.scale(f"{name}_past_{steps}", weight / gain, (past,)))
        for source in back:
            circuit.close(source, membrane)
        return (membrane,), spikes
