"""Quadratic integrate-and-fire in discrete time."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, model_validator

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


class Quadratic(SpikingNeuron):
    """Discrete quadratic integrate-and-fire (QIF) with learned critical points.

        u[t] = u[t−1] + a·(u[t−1] − u₁)·(u[t−1] − u₂) + i[t]
        s[t] = 1 if u[t] > θ else 0, and the next step starts from u₁

    Without input the membrane falls to the stable point u₁ from below the unstable
    point u₂, and from above it rises by itself until it fires. Learned are u₁, as
    log(θ − u₁), the gap between the points, as log(u₂ − u₁), and the time constant at
    rest, as log τ: near u₁ the membrane forgets by exp(−dt / τ) = 1 − a·(u₂ − u₁) a
    step, which sets a. So the points keep their order and u₁ stays stable.

    The state is u − u₁. Beyond |u − u₁| = `clip`·(θ − u₁), as at the start, the
    parabola goes on as a straight line, so that rare large currents do no harm.

    Of the paper we could read the map, its parameters a, u₁ and u₂, and the example
    a = 0.25, u₁ = 0, u₂ = 0.5. That τ sets a, the reset to u₁, the straight line and
    the surrogate (the paper derives one from a, u₁ and u₂) are our choices. So is the
    default u₂, close to the threshold: there networks learned better than from 0.5.

    References
    ----------
    .. [1] Jahns, Moreno, Stojkov and Kinsy, "Discrete quadratic integrate-and-fire
       neurons", 2025, arXiv:2510.05168.
    """

    kernel: ClassVar[str] = "polynomial"

    tau_mem_s: Annotated[
        TimeConstants, Field(description="at rest, or [low, high] to spread it over")
    ] = MEMBRANES_S
    threshold: Threshold = 1.0
    u1: Annotated[float, Field(ge=-100, le=100, description="stable point")] = 0.0
    u2: Annotated[float, Field(ge=-100, le=100, description="unstable point")] = 0.9
    clip: Annotated[
        float, Field(ge=1, le=100, description="× θ − u₁: where the map turns straight")
    ] = 2.0
    reset_gradient: ResetGradient = True

    @property
    def multiplications(self) -> int:
        """Three: the leak, and Horner's of what bends."""
        return 3

    @model_validator(mode="after")
    def _check_order(self) -> "Quadratic":
        if not self.u1 < self.u2 <= self.threshold:
            raise ValueError("u1 < u2 <= threshold does not hold")
        return self

    def start(self) -> dict[str, Start]:
        """Give log τ, log(u₂ − u₁) and log(θ − u₁)."""
        return {
            "log_tau": logarithms(self.tau_mem_s),
            "log_gap": math.log(self.u2 - self.u1),
            "log_room": math.log(self.threshold - self.u1),
        }

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give τ in seconds, the critical points and a."""
        u1 = self.threshold - learned["log_room"].exp()
        _, _, _, a, _ = self.constants(learned, dt)
        return {
            "tau_mem_s": learned["log_tau"].exp(),
            "u1": u1,
            "u2": u1 + learned["log_gap"].exp(),
            "a": a,
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Write the map around u₁ as a polynomial: β·u + a·u²."""
        rate = -dt * (-learned["log_tau"]).exp()
        a = -rate.expm1() / learned["log_gap"].exp()
        nothing = a.new_zeros(a.shape)
        return rate.exp(), learned["log_room"].exp(), nothing, a, nothing

    def unit(self, quantities: "Mapping[str, Tensor]") -> "Tensor | float | None":
        """Give θ − u₁, for the state is u − u₁."""
        return self.threshold - quantities["u1"]

    def options(self) -> tuple[float, ...]:
        """Reset to u₁, and turn straight far from it."""
        clip = self.clip * (self.threshold - self.u1)
        return False, True, clip, self.reset_gradient

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Refuse: NIR has linear nodes."""
        raise values.refuse(
            "their membrane is a polynomial of itself, and NIR's are linear"
        )
