"""The Learnable Neuron Model: a sub-threshold map that is a learned polynomial."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from pipeline.neurons.parts.spiking import (
    MEMBRANES_S,
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


class Polynomial(SpikingNeuron):
    """Learnable Neuron Model: the next membrane is a learned polynomial of the last.

        u[t] = f(u[t−1]) + i[t] − θ·s[t−1]       f(u) = a₀ + β·u + a₂·u² + a₃·u³
        s[t] = 1 if u[t] > θ else 0              β = exp(−dt / τ)

    evaluated by Horner. a₀ = a₂ = a₃ = 0 at the start, so learning starts from leaky
    integrate-and-fire. Beyond |u| = `clip`·θ, with θ as it was at the start, f goes on
    as a straight line of slope β: then bounded currents give bounded membranes, however
    far they lie outside what was trained on.

    The paper learns one f a layer (`learned_per: layer`) by surrogate gradients; here
    each channel has its own, and its own τ. It leaves open (as far as we
    could read it) the degree, the reset and the start; three, snnTorch's reset, the
    straight line beyond the clip and the start from LIF are our choices.

    References
    ----------
    .. [1] Jahns, Moreno and Kinsy, "Learnable neuron model", 2025, arXiv:2510.07341.
    """

    kernel: ClassVar[str] = "polynomial"

    tau_mem_s: Annotated[
        TimeConstants,
        Field(description="of the LIF it starts as, or [low, high] to spread it over"),
    ] = MEMBRANES_S
    threshold: Threshold = 1.0
    reset: Annotated[
        Literal["subtract", "zero", "none"], Field(description="what a spike does")
    ] = "subtract"
    clip: Annotated[
        float, Field(ge=1, le=100, description="in thresholds: f is straight beyond it")
    ] = 2.0
    reset_gradient: ResetGradient = True

    @property
    def multiplications(self) -> int:
        """Four: the leak, and Horner's of the nonlinear part."""
        return 4

    def start(self) -> dict[str, Start]:
        """Give log τ, log θ and the coefficients, which are 0."""
        return {
            "log_tau": logarithms(self.tau_mem_s),
            "log_threshold": math.log(self.threshold),
            "a0": 0.0,
            "a2": 0.0,
            "a3": 0.0,
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give τ in seconds, θ and the coefficients."""
        return {
            "tau_mem_s": learned["log_tau"].exp(),
            "threshold": learned["log_threshold"].exp(),
            **{name: learned[name] for name in ("a0", "a2", "a3")},
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute β and θ; the coefficients are as learned."""
        beta = (-dt * (-learned["log_tau"]).exp()).exp()
        threshold = learned["log_threshold"].exp()
        return beta, threshold, learned["a0"], learned["a2"], learned["a3"]

    def options(self) -> tuple[float, ...]:
        """Give the options of the reset, and the bound beyond which f is straight."""
        clip = self.clip * self.threshold
        resets = self.reset == "subtract", self.reset == "zero"
        return *resets, clip, self.reset_gradient

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Refuse: NIR has linear nodes."""
        raise values.refuse(
            "their membrane is a polynomial of itself, and NIR's are linear"
        )
