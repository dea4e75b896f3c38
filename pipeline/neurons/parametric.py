"""Parametric leaky integrate-and-fire."""

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
    logarithms,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class Parametric(SpikingNeuron):
    """Parametric leaky integrate-and-fire (PLIF): only τ is learned, and scales input.

        u[t] = m[t−1] + (1 − β)·(i[t] − m[t−1])      β = exp(−dt / τ)
        s[t] = 1 if u[t] > θ else 0
        m[t] = (1 − s[t])·u[t], or u[t] − θ·s[t]

    A constant current is what the membrane tends to, whatever τ is. The paper learns
    1 − β = 1/τ as a logistic function of a weight, once a layer (`learned_per: layer`),
    with τ in steps; here τ is in seconds and learned as its logarithm, by channel. The
    reset is part of the gradient in the paper, and here if `reset_gradient` is true:
    where a reset is to zero, gradients then grow by up to 2 % at a step near threshold.

    References
    ----------
    .. [1] W. Fang et al., "Incorporating learnable membrane time constants to enhance
       learning of spiking neural networks", ICCV 2021.
    """

    kernel: ClassVar[str] = "leaky"

    tau_mem_s: MembraneTime = MEMBRANES_S
    threshold: Threshold = 1.0
    reset: Annotated[
        Literal["subtract", "zero"], Field(description="what a spike does")
    ] = "zero"
    reset_gradient: ResetGradient = False

    @property
    def multiplications(self) -> int:
        """One: the leak; the input's scale folds into the weights."""
        return 1

    def start(self) -> dict[str, Start]:
        """Give log τ."""
        return {"log_tau": logarithms(self.tau_mem_s)}

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give τ in seconds."""
        return {"tau_mem_s": learned["log_tau"].exp()}

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute β, and θ as it is set."""
        beta = (-dt * (-learned["log_tau"]).exp()).exp()
        return beta, beta.new_full(beta.shape, self.threshold)

    def drive(
        self, currents: "Tensor", learned: "Mapping[str, Tensor]", dt: float
    ) -> "Tensor":
        """Scale currents by 1 − β."""
        return currents * -(-dt * (-learned["log_tau"]).exp()).expm1()

    def options(self) -> tuple[float, ...]:
        """Give the options of the reset, which is at once."""
        resets = self.reset == "subtract", self.reset == "zero"
        return *resets, True, self.reset_gradient

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add membranes, spikes and their reset."""
        from pipeline.neurons.parts.leaky_circuit import add_leaky

        return add_leaky(circuit, values, currents)
