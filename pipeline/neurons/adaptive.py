"""Adaptive leaky integrate-and-fire, adLIF, by the symplectic Euler rule."""

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

LARGEST_A, LARGEST_B = 1.0, 2.0
"""The paper's ranges: a in [0, 1] and b in [0, 2]."""
STABLE = 0.9
"""Largest share of the feedback at which a step without spikes would not decay."""


class Adaptive(SpikingNeuron):
    """Leaky integrate-and-fire with a slow recovery variable, symplectic Euler.

        u[t] = β·u[t−1] + i[t] − (1 − β)·w[t−1]         β = exp(−dt / τ_mem)
        s[t] = 1 if u[t] > θ else 0, and then u[t] ← u[t]·(1 − s[t])
        w[t] = ρ·w[t−1] + (1 − ρ)·q·(a·u[t] + b·s[t])   ρ = exp(−dt / τ_rec)

    with the new, reset u. Learned are log τ_mem, log τ_rec, log θ, and a and b as
    a = σ(x) in (0, 1) and b = 2·σ(y) in (0, 2): the paper clamps them to these ranges
    after each update, which stops what lies at a bound; the logistic function never
    does. The s that resets carries no gradient, as in the authors' code, unless
    `reset_gradient` is true.

    Three things differ from the paper, so that the neuron takes the place of `leaky` at
    any dt. The current enters unscaled, as there: the paper's (1 − β)·i makes it a
    seventh at dt = 8 ms and τ = 50 ms, and such a neuron hardly fires on normalised
    currents. It is the same neuron with other weights: currents (1 − β)·i give the
    paper's. θ is learned, as there; the paper's is 1. And q·a goes no further than
    0.9 of

        (1 + β)·(1 + ρ) / ((1 − β)·(1 − ρ)) = coth(dt / 2τ_mem)·coth(dt / 2τ_rec)

    where the step would stop forgetting: never reached at 1 ms, where the paper has
    q = 120, but 13 at dt = 100 ms with the default time constants. As the limit is
    above 1, q ≤ 0.9 is never cut.

    The paper's time constants are 5–25 and 60–300 ms at 1 ms a step. Ours begin at
    `leaky`'s 50 ms and ten times that, and with q = 4 instead of 120. Then q·a = 2 is
    where a membrane without spikes turns from creeping back to swinging, at
    (τ_rec − τ_mem)² / (4·τ_rec·τ_mem), so learning can go either way; and normalised
    currents fire about as often as in `leaky`, where with q = 120 slow ones are lost.

    With a = b = 0 it is `leaky` with `reset: zero` and no reset delay, bit for bit.

    References
    ----------
    .. [1] M. Baronig, R. Ferrand, S. Sabathiel and R. Legenstein, "Advancing
       spatio-temporal processing through adaptation in spiking neural networks",
       Nature Communications 16, 2025, arXiv:2408.07517.
    """

    kernel: ClassVar[str] = "adaptive"

    tau_mem_s: MembraneTime = MEMBRANES_S
    tau_recovery_s: Annotated[
        TimeConstants, Field(description="of the slow variable, or [low, high]")
    ] = 0.5
    threshold: Threshold = 1.0
    a: Annotated[
        float, Field(gt=0, lt=LARGEST_A, description="from membrane to recovery")
    ] = 0.5
    b: Annotated[
        float, Field(gt=0, lt=LARGEST_B, description="from spike to recovery")
    ] = 1.0
    q: Annotated[float, Field(gt=0, le=1000, description="factor of a and b")] = 4.0
    reset: Annotated[
        Literal["zero", "subtract", "none"], Field(description="what a spike does")
    ] = "zero"
    reset_gradient: ResetGradient = False

    @property
    def multiplications(self) -> int:
        """Four: two leaks, w into u, u into w."""
        return 4

    def start(self) -> dict[str, Start]:
        """Give log τ_mem, log τ_rec, log θ, and a and b before the logistic."""
        return {
            "log_tau": logarithms(self.tau_mem_s),
            "log_tau_recovery": logarithms(self.tau_recovery_s, mixed=True),
            "log_threshold": math.log(self.threshold),
            "logit_a": _logit(self.a / LARGEST_A),
            "logit_b": _logit(self.b / LARGEST_B),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give the time constants in seconds, θ, a and b."""
        return {
            "tau_mem_s": learned["log_tau"].exp(),
            "tau_recovery_s": learned["log_tau_recovery"].exp(),
            "threshold": learned["log_threshold"].exp(),
            "a": LARGEST_A * learned["logit_a"].sigmoid(),
            "b": LARGEST_B * learned["logit_b"].sigmoid(),
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute β, θ, ρ, A = (1 − ρ)·q·a and B = (1 − ρ)·q·b."""
        meaning = self.quantities(learned, dt)
        beta, rest_u = _decay(learned["log_tau"], dt)
        rho, rest_w = _decay(learned["log_tau_recovery"], dt)
        holds = STABLE * (1 + beta) * (1 + rho) / (rest_u * rest_w)
        from_membrane = rest_w * holds.clamp(max=self.q) * meaning["a"]
        from_spike = rest_w * self.q * meaning["b"]
        return beta, meaning["threshold"], rho, from_membrane, from_spike

    def options(self) -> tuple[float, ...]:
        """Give the options of the reset."""
        resets = self.reset == "subtract", self.reset == "zero"
        return *resets, self.reset_gradient

    def rest(self) -> tuple[float, ...]:
        """Begin with nothing: membrane and recovery."""
        return 0.0, 0.0

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add membrane and recovery, each an integrator that the other feeds.

        With m = u − θ·s, or u without a reset, both are linear in u, s and w:

            u[t] = β·u[t−1] + g·i[t] − β·θ·s[t−1] − (1 − β)·w[t−1]
            w[t] = ρ·w[t−1] + A·u[t] + (B − A·θ)·s[t]
        """
        subtract = self.reset == "subtract"
        if self.reset == "zero":
            raise values.refuse(
                "their recovery takes the membrane, which is reset to zero, and NIR's "
                "LIF does not give its membrane out",
                remedy="reset: subtract, or none",
            )
        name, (beta, threshold, _, a, b) = values.name, values.constants
        tau, (inputs,) = values.quantities["tau_mem_s"], currents
        tau_w, gain = values.quantities["tau_recovery_s"], values.gain
        membrane = circuit.integrate(f"{name}_membrane", tau, inputs, gain)
        spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
        from_spikes = b - subtract * a * threshold
        driven = (
            circuit.scale(f"{name}_from_membrane", a, (membrane,)),
            circuit.scale(f"{name}_from_spikes", from_spikes, (spikes,)),
        )
        recovery = circuit.integrate(f"{name}_recovery", tau_w, driven)
        held_back = -circuit.rise(tau) / gain
        circuit.close(circuit.scale(f"{name}_held", held_back, (recovery,)), membrane)
        if subtract:
            taken = -beta * threshold / gain
            circuit.close(circuit.scale(f"{name}_reset", taken, (spikes,)), membrane)
        return (membrane,), spikes


def _logit(share: float) -> float:
    """Invert the logistic function."""
    return math.log(share / (1 - share))


def _decay(log_tau: "Tensor", dt: float) -> "tuple[Tensor, Tensor]":
    """Compute exp(−dt / τ), and 1 − exp(−dt / τ), also where τ is far above dt."""
    rate = -dt * (-log_tau).exp()
    return rate.exp(), -rate.expm1()
