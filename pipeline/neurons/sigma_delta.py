"""Sigma-delta neurons, which add up changes and send changes."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pipeline.neurons.parts.spiking import (
    SpikingNeuron,
    Start,
    Threshold,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class SigmaDelta(SpikingNeuron):
    """Sigma-delta neuron: a ReLU that sends its changes once they are large enough.

        y[t] = y[t−1] + i[t]                      sum of the received changes
        e[t] = max(y[t], 0) − q[t−1]              change not sent yet
        s[t] = e[t] if |e[t]| > θ else 0
        q[t] = q[t−1] + s[t]                      the sum in the next layer

    s is graded: a real number, 0 at most steps if inputs are slow. The next layer's sum
    is never further than θ from max(y[t], 0), so θ → 0 is a network of ReLUs,
    exactly; the layer before must have no bias, which would be added at every step.

    Only θ is learned, as its logarithm. The gradient goes straight through e, sent or
    not, as in Lava-DL; that of θ is −e times the surrogate at |e| − θ, a window as
    Lava-DL's but not of its shape, which our sources leave open. Also ours: one
    activation, ReLU, and no quantisation of s.

    References
    ----------
    .. [1] P. O'Connor and M. Welling, "Sigma delta quantized networks", ICLR 2017.
    .. [2] Lava-DL, `lava.lib.dl.slayer`: sigma-delta block and delta axon.
    """

    kernel: ClassVar[str] = "sigma_delta"

    threshold: Annotated[Threshold, Field(description="change that is sent")] = 0.5

    def start(self) -> dict[str, Start]:
        """Give log θ."""
        return {"log_threshold": math.log(self.threshold)}

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give θ."""
        return {"threshold": learned["log_threshold"].exp()}

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Compute θ."""
        return (learned["log_threshold"].exp(),)

    def unit(self, quantities: "Mapping[str, Tensor]") -> "Tensor | float | None":
        """Give None: the state is an accumulator and the sum of all output."""
        return None

    def rest(self) -> tuple[float, ...]:
        """Give y and q."""
        return 0.0, 0.0

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Refuse: NIR has no graded spikes."""
        raise values.refuse(
            "they send graded changes, and NIR's thresholds give 0 or 1"
        )
