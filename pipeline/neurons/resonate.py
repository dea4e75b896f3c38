"""Balanced resonate-and-fire, a membrane that swings at a learned frequency."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pipeline.neurons.parts.spiking import (
    Frequencies,
    Seconds,
    SpikingNeuron,
    Start,
    Threshold,
    logarithms,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues

LARGEST_ANGLE = 0.45 * math.pi
"""Largest angle of a step, in rad: at a quarter turn no damping would be left."""
LARGEST_DRAG = 0.9
"""Largest damping of a step without spikes, as a share of its angle's cosine."""


class Resonate(SpikingNeuron):
    """Resonate-and-fire whose damping is measured from where a step is balanced.

        u[t] = u[t−1] + dt·((b[t] + jω)·u[t−1]) + g·i[t]
        b[t] = p(ω) − b′ − q[t−1]         p(ω) = (−1 + √(1 − (dt·ω)²)) / dt
        s[t] = 1 if Re u[t] > θ·(1 + q[t−1]) else 0
        q[t] = γ·q[t−1] + s[t]            γ = exp(−dt / τ_ref)

    With b = p(ω) a step turns u by the angle φ = arcsin(dt·ω) and neither grows nor
    shrinks it, though the plain resonate-and-fire's Euler step would grow it. f is
    the frequency there, φ = 2π·f·dt, and b′, in 1/s, is the damping. A spike
    resets nothing: it tires the neuron, which raises the threshold and damps u.

    Learned are log f, log b′, log τ_ref and log θ. A step turns no more than 0.45·π,
    and forgets, spikes included, no more than cos φ, which keeps every step on the
    stable side at any dt: never reached below f = 0.2/dt and b′ = 0.1/dt, about.

    The paper has γ = 0.9 and q in 1/s at dt = 10 ms, whence τ_ref = 0.095 s, and θ = 1;
    f from 0.5 to 0.8 Hz and b′ from 0.1 to 1 per second at that dt for its ECG, which
    has 4 ms a step: 1.2 to 2 Hz, 0.25 to 2.5 per second and τ_ref = 0.038 s in its own
    time. Two things are ours. θ is learned, and q is counted in it. And g = √(1 − r²),
    with r the factor of u in a step, for the paper's dt: independent currents of
    variance 1 then move Re u by a variance of about 1/2, whatever f, b′ and dt are.

    References
    ----------
    .. [1] S. Higuchi, S. Kairat, S. M. Bohté and S. Otte, "Balanced resonate-and-fire
       neurons", ICML 2024, PMLR 235, pp. 18305–18323, arXiv:2402.14603.
    """

    kernel: ClassVar[str] = "resonate"

    frequency_hz: Annotated[
        Frequencies, Field(description="at which it swings, or [low, high]")
    ] = (0.5, 5.0)
    damping_hz: Annotated[
        Frequencies, Field(description="b′: damping, 1/s, or [low, high]")
    ] = (0.2, 5.0)
    tau_refractory_s: Annotated[
        Seconds, Field(description="how long a spike tires the neuron")
    ] = 0.04
    threshold: Threshold = 1.0

    @property
    def slowest_s(self) -> float:
        """1/b′ of the least damped neuron, in which its swing fades to 1/e."""
        damping = self.damping_hz
        least = min(damping) if isinstance(damping, tuple) else damping
        return max(super().slowest_s, 1 / least)

    @property
    def multiplications(self) -> int:
        """Seven: four turn u, and one each for q, its damping and its threshold."""
        return 7

    def start(self) -> dict[str, Start]:
        """Give log f, log b′, log τ_ref and log θ."""
        return {
            "log_frequency": logarithms(self.frequency_hz),
            "log_damping": logarithms(self.damping_hz, mixed=True),
            "log_tau_refractory": math.log(self.tau_refractory_s),
            "log_threshold": math.log(self.threshold),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give f and b′ as the steps have them, τ_ref and θ."""
        angle, drag = _turn(learned, dt)
        return {
            "frequency_hz": angle / (2 * math.pi * dt),
            "damping_hz": drag / dt,
            "tau_refractory_s": learned["log_tau_refractory"].exp(),
            "threshold": learned["log_threshold"].exp(),
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute cos φ − dt·b′, sin φ, θ, γ and dt, the factor of q's damping."""
        angle, drag = _turn(learned, dt)
        threshold = learned["log_threshold"].exp()
        kept = (-dt * (-learned["log_tau_refractory"]).exp()).exp()
        per_spike = drag.new_full(drag.shape, dt)
        return angle.cos() - drag, angle.sin(), threshold, kept, per_spike

    def drive(
        self, currents: "Tensor", learned: "Mapping[str, Tensor]", dt: float
    ) -> "Tensor":
        """Scale currents by √(1 − r²), r² = 1 − 2·dt·b′·cos φ + (dt·b′)²."""
        angle, drag = _turn(learned, dt)
        return currents * (drag * (2 * angle.cos() - drag)).sqrt()

    def rest(self) -> tuple[float, ...]:
        """Begin with nothing: Re u, Im u and q."""
        return 0.0, 0.0, 0.0

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Refuse: NIR has no product of signals."""
        raise values.refuse(
            "their spikes damp the membrane by a product of two signals, and NIR has "
            "none"
        )


def _turn(learned: "Mapping[str, Tensor]", dt: float) -> "tuple[Tensor, Tensor]":
    """Compute the angle and the damping of a step, within their bounds."""
    angle = 2 * math.pi * dt * learned["log_frequency"].exp()
    angle = angle.clamp(max=LARGEST_ANGLE)
    drag = dt * learned["log_damping"].exp()
    return angle, drag.minimum(LARGEST_DRAG * angle.cos())
