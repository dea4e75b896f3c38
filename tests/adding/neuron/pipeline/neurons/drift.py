"""Leaky integrate-and-fire with a constant leak current, whose input comes late."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pipeline.neurons.parts.leaking import LeakingNeuron
from pipeline.neurons.parts.spiking import Start

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class Drift(LeakingNeuron):
    """Leaky integrate-and-fire that a constant current pulls down.

    u[t] = β·(1 − s[t−1])·u[t−1] − d + i[t−1]        d = decay·dt
    s[t] = 1 if u[t] > θ else 0
    """

    kernel: ClassVar[str] = "drift"

    decay: Annotated[float, Field(gt=0, le=100, description="per second")] = 1.0

    @property
    def multiplications(self) -> int:
        """One: the leak."""
        return 1

    def start(self) -> dict[str, Start]:
        """Give log τ, log θ and log d."""
        return {**super().start(), "log_decay": math.log(self.decay)}

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give τ in seconds, θ and the current per second."""
        more = {"decay": learned["log_decay"].exp()}
        return {**super().quantities(learned, dt), **more}

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute β, θ and d."""
        return *super().constants(learned, dt), dt * learned["log_decay"].exp()

    def rest(self) -> tuple[float, ...]:
        """Begin with nothing: membrane and the current that is not in yet."""
        return 0.0, 0.0

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add u[t] = β·u[t−1] + (1 − β)·(v_leak + r·i[t−1]), and u[t] ← 0 at spikes."""
        import nir

        name, (_, threshold, decay) = values.name, values.constants
        tau, (inputs,) = values.quantities["tau_mem_s"], currents
        rise = circuit.rise(tau)
        entry = circuit.scale(f"{name}_current", values.gain, inputs)
        late = circuit.delay(f"{name}_late", 1, len(tau), (entry,))
        node = nir.LIF(tau, 1 / rise, -decay / rise, threshold, v_reset=0 * tau)
        return (entry,), circuit.add(f"{name}_spikes", node, (late,))
