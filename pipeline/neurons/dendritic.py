"""Integrate-and-fire with dendritic branches that forget at their own pace."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, model_validator

from pipeline.neurons.parts.spiking import (
    ResetGradient,
    Seconds,
    SpikingNeuron,
    Start,
    Threshold,
    TimeConstants,
    logarithms,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class Dendritic(SpikingNeuron):
    """DH-LIF: every branch of a neuron has a learned memory of its own.

        d_k[t] = β_k·d_k[t−1] + (1 − β_k)·i_k[t]               β_k = exp(−dt / τ_k)
        v[t]   = α·v[t−1] + (1 − α)·R·Σ_k d_k[t] − θ·s[t−1]    α = exp(−dt / τ)
        s[t]   = 1 if v[t] > θ else 0

    A neuron takes one current for each of its K branches: currents have K·N channels,
    branch by branch, so that branch k of neuron n is number k·N + n. In the paper each
    input goes to exactly one branch of a neuron, chosen at random; this mask is of the
    weights, so it is the network's, in the layer before.

    Branch and soma average what they are given, so a constant current of 1 into one
    branch ends at v = R, whatever the τ. R = 2 with θ = 1 is the paper's ratio (R = 1
    and θ = 0.5): such a current fires. A short one does not: one step of it moves v by
    (1 − β)(1 − α)·R, far less than `leaky`'s 1. Where layers start silent, raise
    `resistance`; R = 1 / (1 − α), 5 for τ of 50 ms at 10 ms a step, answers a lasting
    current as strongly as `leaky`.

    The paper learns α and β as logistic functions, drawn uniformly between settings;
    logarithms of τ in seconds, and first values of τ_k spread evenly on a logarithmic
    scale, the same in all neurons, are our choices. So is one surrogate in place of the
    paper's sum of three Gaussians.

    References
    ----------
    .. [1] H. Zheng et al., "Temporal dendritic heterogeneity incorporated with spiking
       neural networks for learning multi-timescale dynamics", Nature Communications
       15, 2024.
    """

    kernel: ClassVar[str] = "dendritic"

    branches: Annotated[int, Field(ge=1, le=64, description="of one neuron")] = 4
    tau_low_s: Annotated[Seconds, Field(description="of the fastest branch")] = 0.02
    tau_high_s: Annotated[Seconds, Field(description="of the slowest branch")] = 0.5
    tau_mem_s: Annotated[
        TimeConstants,
        Field(description="of the soma, or [low, high] to spread it over"),
    ] = (0.01, 0.1)
    threshold: Threshold = 1.0
    resistance: Annotated[
        float, Field(gt=0, le=1000, description="membrane per lasting unit current")
    ] = 2.0
    reset_gradient: ResetGradient = True

    @property
    def inputs(self) -> int:
        """One a branch."""
        return self.branches

    @property
    def multiplications(self) -> int:
        """One a branch and one of the soma: leaks; the gains fold into the weights."""
        return self.branches + 1

    def start(self) -> dict[str, Start]:
        """Give log τ of the branches and of the soma, and log θ."""
        low, high = math.log(self.tau_low_s), math.log(self.tau_high_s)
        apart = (high - low) / max(self.branches - 1, 1)
        return {
            "log_tau_branch": tuple(low + apart * k for k in range(self.branches)),
            "log_tau": logarithms(self.tau_mem_s),
            "log_threshold": math.log(self.threshold),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give the branches' τ and the soma's in seconds, and θ."""
        return {
            "tau_branch_s": learned["log_tau_branch"].exp(),
            "tau_mem_s": learned["log_tau"].exp(),
            "threshold": learned["log_threshold"].exp(),
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute α, (1 − α)·R, θ and the branches' β."""
        alpha = (-dt * (-learned["log_tau"]).exp()).exp()
        betas = (-dt * (-learned["log_tau_branch"]).exp()).exp()
        gain = (1 - alpha) * self.resistance
        return alpha, gain, learned["log_threshold"].exp(), betas

    def options(self) -> tuple[float, ...]:
        """Give the number of branches and the option of the reset's gradient."""
        return self.branches, self.reset_gradient

    def rest(self) -> tuple[float, ...]:
        """Give the soma's membrane and the branches."""
        return (0.0,) * (self.branches + 1)

    @model_validator(mode="after")
    def _check_range(self) -> "Dendritic":
        if self.tau_low_s > self.tau_high_s:
            raise ValueError("tau_low_s must not be above tau_high_s")
        return self

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add an integrator a branch, whose sum the membrane integrates."""
        name, (_, gain, threshold, *_) = values.name, values.constants
        taus = values.quantities["tau_branch_s"]
        branches = tuple(
            circuit.integrate(f"{name}_branch_{k}", tau, inputs, circuit.rise(tau))
            for k, (tau, inputs) in enumerate(zip(taus, currents, strict=True))
        )
        tau = values.quantities["tau_mem_s"]
        membrane = circuit.integrate(f"{name}_membrane", tau, branches, gain)
        spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
        reset = circuit.scale(f"{name}_reset", -threshold / gain, (spikes,))
        circuit.close(reset, membrane)
        return branches, spikes
