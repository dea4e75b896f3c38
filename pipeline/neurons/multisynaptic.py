"""Integrate-and-fire with several thresholds."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

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


class Multisynaptic(SpikingNeuron):
    """Multisynaptic firing (MSF): the higher the membrane, the more synapses fire.

        u[t] = β·u[t−1]·(1 − [s[t−1] > 0]) + i[t]        β = exp(−dt / τ)
        s[t] = Σ_{k<D} H(u[t] − θ_k)                     θ_k = θ_0 + k·h

    s is from 0 to D, and is sent as that many events through D synapses of equal
    weight. Learned are log τ, log θ_0 and log h; with D = 1 there is no h, and it is
    `leaky` with `reset: zero`.

    The paper has D = 4, θ_0 = 0.5, h = 1 and a fixed β = 1/4 a step, which is
    τ = dt / 1.39; ours is in seconds, and learned, as are the thresholds. Its window
    for the gradient is one a threshold, as here; that the reset carries the lowest's is
    our choice.

    References
    ----------
    .. [1] L. Fan et al., "A multisynaptic spiking neuron for simultaneously encoding
       spatiotemporal dynamics", Nature Communications 16, 7155, 2025.
    """

    kernel: ClassVar[str] = "multisynaptic"

    tau_mem_s: MembraneTime = MEMBRANES_S
    thresholds: Annotated[int, Field(ge=1, le=16, description="D, of a neuron")] = 4
    threshold: Annotated[Threshold, Field(description="the lowest, θ_0")] = 0.5
    threshold_step: Annotated[
        float, Field(gt=0, le=100, description="h, from one threshold to the next")
    ] = 1.0
    reset_gradient: ResetGradient = True

    @property
    def multiplications(self) -> int:
        """One: the leak."""
        return 1

    def start(self) -> dict[str, Start]:
        """Give log τ, log θ_0 and, of several thresholds, log h."""
        several = {"log_threshold_step": math.log(self.threshold_step)}
        return {
            "log_tau": logarithms(self.tau_mem_s),
            "log_threshold": math.log(self.threshold),
            **(several if self.thresholds > 1 else {}),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give τ in seconds, θ_0 and h."""
        names = {"log_tau": "tau_mem_s", "log_threshold": "threshold"}
        names["log_threshold_step"] = "threshold_step"
        return {names[name]: value.exp() for name, value in learned.items()}

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute β and the thresholds, lowest first."""
        beta = (-dt * (-learned["log_tau"]).exp()).exp()
        lowest = learned["log_threshold"].exp()
        if self.thresholds == 1:
            return beta, lowest
        apart = learned["log_threshold_step"].exp()
        return beta, *(lowest + k * apart for k in range(self.thresholds))

    def options(self) -> tuple[float, ...]:
        """Give the option of gradients through the reset."""
        return (self.reset_gradient,)

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add neurons of one threshold."""
        from pipeline.neurons.parts.leaky_circuit import add_zeroed

        if self.thresholds > 1:
            raise values.refuse(
                "several thresholds share a membrane that is reset to zero, and NIR's "
                "LIF does not give its membrane out",
                remedy="thresholds: 1",
            )
        return add_zeroed(circuit, values, currents)
