"""Leaky integrate-and-fire with an adaptive threshold, ALIF."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from pipeline.neurons.parts.spiking import (
    MEMBRANES_S,
    MembraneTime,
    ResetGradient,
    SpikingNeuron,
    Start,
    Threshold,
    TimeConstants,
    logarithms,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class AdaptiveThreshold(SpikingNeuron):
    """Leaky integrate-and-fire whose threshold rises with each spike and falls back.

        a[t] = ρ·a[t−1] + s[t−1]                    ρ = exp(−dt / τ_a)
        h[t] = θ + β_a·a[t]                         β_a = (1 − ρ)·strength
        u[t] = β·u[t−1] + i[t] − h[t−1]·s[t−1]      β = exp(−dt / τ_mem)
        s[t] = 1 if u[t] > h[t] else 0

    Learned are log τ_mem, log τ_a, log θ and log strength. Papers write the adaptation
    in two ways, which are the same neuron: with β_a before a sum of spikes, or with a
    strength before an average, (1 − ρ)·s. We learn the strength, as it does not change
    its meaning with dt and τ_a: a neuron that fires in every step ends with the
    threshold θ + strength.

    A spike takes off the threshold that it crossed; in the e-prop paper [3]_ it takes
    off θ alone. Currents enter unscaled, as in `leaky` and in [3]_; [1]_ and [2]_
    multiply them by 1 − β. Gradients flow through s in a, and through s in the reset
    unless `reset_gradient` is false.

    The strength begins at Yin's 1.8. With strength 0 this is `leaky`, bit for bit.

    References
    ----------
    .. [1] G. Bellec, D. Salaj, A. Subramoney, R. Legenstein and W. Maass, "Long
       short-term memory and learning-to-learn in networks of spiking neurons",
       NeurIPS 2018, arXiv:1803.09574.
    .. [2] B. Yin, F. Corradi and S. M. Bohté, "Accurate and efficient time-domain
       classification with adaptive spiking recurrent neural networks", Nature Machine
       Intelligence 3, 2021, arXiv:2103.12593.
    .. [3] G. Bellec et al., "A solution to the learning dilemma for recurrent networks
       of spiking neurons", Nature Communications 11, 2020.
    """

    kernel: ClassVar[str] = "adaptive_threshold"

    tau_mem_s: MembraneTime = MEMBRANES_S
    tau_adaptation_s: Annotated[
        TimeConstants,
        Field(description="in which the threshold falls back, or [low, high]"),
    ] = 0.5
    threshold: Threshold = 1.0
    strength: Annotated[
        float, Field(gt=0, le=1000, description="rise of a threshold that always fires")
    ] = 1.8
    reset: Annotated[
        Literal["subtract", "zero", "none"], Field(description="what a spike does")
    ] = "subtract"
    reset_gradient: ResetGradient = True

    @property
    def multiplications(self) -> int:
        """Three: two leaks, and a into the threshold."""
        return 3

    def start(self) -> dict[str, Start]:
        """Give log τ_mem, log τ_a, log θ and log strength."""
        return {
            "log_tau": logarithms(self.tau_mem_s),
            "log_tau_adaptation": logarithms(self.tau_adaptation_s, mixed=True),
            "log_threshold": math.log(self.threshold),
            "log_strength": math.log(self.strength),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give the time constants in seconds, θ and the strength."""
        return {
            "tau_mem_s": learned["log_tau"].exp(),
            "tau_adaptation_s": learned["log_tau_adaptation"].exp(),
            "threshold": learned["log_threshold"].exp(),
            "strength": learned["log_strength"].exp(),
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute β, θ, ρ and β_a."""
        # β as in leaky, to the bit; 1 − ρ also where τ_a is far above dt.
        beta = (-dt * (-learned["log_tau"]).exp()).exp()
        rate = -dt * (-learned["log_tau_adaptation"]).exp()
        jump = -rate.expm1() * learned["log_strength"].exp()
        return beta, learned["log_threshold"].exp(), rate.exp(), jump

    def options(self) -> tuple[float, ...]:
        """Give the options of the reset."""
        resets = self.reset == "subtract", self.reset == "zero"
        return *resets, self.reset_gradient

    def rest(self) -> tuple[float, ...]:
        """Begin with nothing: membrane and adaptation."""
        return 0.0, 0.0

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add s[t] = H(u[t] − β_a·a[t−1] − θ) and a[t] = ρ·a[t−1] + s[t]."""
        if self.reset != "none":
            raise values.refuse(
                "their reset multiplies spikes with a threshold that moves, and NIR "
                "has no product of two signals",
                remedy="reset: none",
            )
        name, (_, threshold, _, jump) = values.name, values.constants
        tau, (inputs,) = values.quantities["tau_mem_s"], currents
        tau_a = values.quantities["tau_adaptation_s"]
        membrane = circuit.integrate(f"{name}_membrane", tau, inputs, values.gain)
        spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
        adaptation = circuit.integrate(f"{name}_adaptation", tau_a, (spikes,))
        circuit.close(circuit.scale(f"{name}_raised", -jump, (adaptation,)), spikes)
        return (membrane,), spikes
