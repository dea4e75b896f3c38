"""Sliding parallel spiking neurons, with and without multiplications."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pipeline.neurons.parts.spiking import (
    SpikingNeuron,
    Start,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class Parallel(SpikingNeuron):
    """Sliding PSN: a learned causal filter of the currents, a threshold and no reset.

        h[t] = Σ_{i<k} w_i·x[t − i·d]
        s[t] = 1 if h[t] > θ else 0

    with no currents before the first step. Learned are the weights, from 1, ½, ¼, … on
    (the newest is first), and θ, which may turn negative: the paper's bias is −θ.

    `multiplication_free` rounds the weights to powers of two with a sign, so that on
    hardware they are shifts: w becomes sign(w)·2^n, n = log2|w| rounded. The gradient
    passes the rounding straight through. Its paper learns one filter a channel, and its
    dilation d goes up like a saw from layer to layer; here d is a setting. How its
    weights are rounded and where they start we could not read: ours is stated above.

    Order and dilation are in steps, as in both papers, so what is learned belongs to
    one dt.

    References
    ----------
    .. [1] W. Fang et al., "Parallel spiking neurons with high efficiency and ability to
       learn long-term dependencies", NeurIPS 2023.
    .. [2] P. Xue et al., "Multiplication-free parallelizable spiking neurons with
       efficient spatio-temporal dynamics", 2025, arXiv:2501.14490.
    """

    kernel: ClassVar[str] = "parallel"

    order: Annotated[int, Field(ge=2, le=64, description="k, currents weighed")] = 4
    dilation: Annotated[
        int, Field(ge=1, le=64, description="d, steps from one of them to the next")
    ] = 1
    threshold: Annotated[
        float, Field(gt=0, le=100, description="filtered current that fires")
    ] = 1.0
    multiplication_free: Annotated[
        bool, Field(description="weights are powers of two")
    ] = False

    @property
    def multiplications(self) -> int:
        """One a weight, unless they are powers of two."""
        return 0 if self.multiplication_free else self.order

    def start(self) -> dict[str, Start]:
        """Give the weights, the newest current's first, and θ."""
        weights = tuple(0.5**i for i in range(self.order))
        return {"weights": weights, "threshold": self.threshold}

    def quantities(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "dict[str, Tensor]":
        """Give the weights as they are used, and θ."""
        return {
            "weights": self._weights(learned["weights"]),
            "threshold": learned["threshold"],
        }

    def constants(
        self, learned: "Mapping[str, Tensor]", dt: float
    ) -> "tuple[Tensor, ...]":
        """Give θ and the weights."""
        return learned["threshold"], self._weights(learned["weights"])

    def unit(self, quantities: "Mapping[str, Tensor]") -> "Tensor | float | None":
        """Give None: the state is past currents."""
        return None

    def options(self) -> tuple[float, ...]:
        """Give the dilation."""
        return (self.dilation,)

    def rest(self) -> tuple[float, ...]:
        """Give the currents that are still weighed."""
        return (0.0,) * ((self.order - 1) * self.dilation)

    def _weights(self, weights: "Tensor") -> "Tensor":
        """Round to powers of two, if they must be."""
        if not self.multiplication_free:
            return weights
        exact = weights.detach()
        rounded = exact.sign() * exact.abs().log2().round().exp2()
        # Exact, because both are within a factor of two of each other.
        return weights + (rounded - exact)

    def moved_by_update(self) -> tuple[int, int]:
        """Read them all and write one: in a ring the newest overwrites the oldest."""
        return self.order - 1, 1

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add s[t] = H(Σ w_i·x[t − i·d] − θ): delays, and no membrane."""
        name, (threshold, newest, *older) = values.name, values.constants
        current = circuit.scale(f"{name}_current", values.gain, currents[0])
        weighed = [circuit.scale(f"{name}_newest", newest, (current,))]
        for number, weight in enumerate(older, 1):
            steps = number * self.dilation
            delay = f"{name}_delay_{steps}"
            past = circuit.delay(delay, steps, len(weight), (current,))
            weighed.append(circuit.scale(f"{name}_past_{steps}", weight, (past,)))
        return (current,), circuit.fire(f"{name}_spikes", threshold, weighed)
