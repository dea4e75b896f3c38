"""Neurons in fixed point. State and constants are 32-bit, products 64-bit integers.

All take sums of weights (time, batch, neuron), int64, and return outputs of the same
shape, int64, and the last state. `rounded` is in `arithmetic`; `≫` is a shift.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import (
    CURVE_BITS,
    LEAK_BITS,
    fitting,
    rounded,
)
from pipeline.quantization.signed_digits import digits


class IntegerNeurons(Unrolled):
    """Base class: 32-bit constants of each neuron, `TENSORS`, and those of the layer.

    `multiplications` are those of an update without the leak's: hardware computes
    leaks by shifts and additions, one for each of their digits.
    """

    kind: ClassVar[str]
    TENSORS: ClassVar[tuple[str, ...]]
    LEAKS: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, tensors: Mapping[str, Tensor], *, dt: float, **constants: Any
    ) -> None:
        nn.Module.__init__(self)
        for name in self.TENSORS:
            values = fitting(tensors[name].long(), f"{self.kind} neurons: {name}")
            self.register_buffer(name, values.int())
        self.constants = {"dt": dt, **constants}
        self.width = len(tensors[self.TENSORS[0]])
        self.dt = dt

    def wide(self) -> list[Tensor]:
        """Give the constants in 64 bits."""
        return [self.get_buffer(name).long() for name in self.TENSORS]

    def shifted_additions(self) -> int:
        """Count the digits of all neurons' leaks: the additions of one update."""
        return sum(digits(leak) for name in self.LEAKS for leak in self._all(name))

    def _all(self, name: str) -> list[int]:
        if name in self.TENSORS:
            return [int(leak) for leak in self.get_buffer(name).tolist()]
        return [int(self.constants[name])] * self.width


class IntegerLeaky(IntegerNeurons):
    """Leaky integrate-and-fire; a unit of the membrane is the channel's own.

    ::

        r[t] = u[t−1] > θ
        u[t] = rounded(β·k[t−1], 15) + (i[t] ≪ shift) + bias − r[t]·θ
        s[t] = u[t] > θ

    with k = u; a reset to zero sets k = 0 where r; only a reset by subtraction takes θ.
    """

    kind = "leaky"
    TENSORS = ("beta", "bias", "threshold")
    LEAKS = ("beta",)
    spiking, multiplications = True, 0

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into spikes and the last membrane."""
        beta, bias, threshold = self.wide()
        shift, reset = self.constants["shift"], self.constants["reset"]
        membrane = state[0] if state else torch.zeros_like(currents[0])
        spikes = []
        for current in currents.unbind(0):
            before = membrane > threshold
            kept = membrane.masked_fill(before, 0) if reset == "zero" else membrane
            membrane = rounded(beta * kept, LEAK_BITS) + (current << shift) + bias
            if reset == "subtract":
                membrane = membrane - before * threshold
            membrane = fitting(membrane, "leaky neurons: membrane")
            spikes.append((membrane > threshold).long())
        return torch.stack(spikes), membrane


class IntegerPolynomial(IntegerNeurons):
    """Learnable neuron model; a unit of the membrane is 2^−fraction of the float's.

    ::

        r[t] = u[t−1] > θ
        x    = min(max(k, −clip), clip)
        f    = rounded(β·k, 15) + a₀
               + rounded(rounded(x·x, fraction)·(a₂ + rounded(a₃·x, fraction)), 14)
        u[t] = f + rounded(i[t]·multiplier, shift) + bias − r[t]·θ
        s[t] = u[t] > θ

    with k as in `IntegerLeaky`; a₂ and a₃ have 14 fraction bits.
    """

    kind = "polynomial"
    TENSORS = (
        "beta", "bias", "threshold", "multiplier", "a0", "a2", "a3", "clip",
    )  # fmt: skip
    LEAKS = ("beta",)
    spiking, multiplications = True, 3

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into spikes and the last membrane."""
        beta, bias, threshold, multiplier, a0, a2, a3, clip = self.wide()
        shift, fraction = self.constants["shift"], self.constants["fraction"]
        reset = self.constants["reset"]
        membrane = state[0] if state else torch.zeros_like(currents[0])
        spikes = []
        for current in currents.unbind(0):
            before = membrane > threshold
            kept = membrane.masked_fill(before, 0) if reset == "zero" else membrane
            x = kept.clamp(-clip, clip)
            curve = rounded(x * x, fraction) * (a2 + rounded(a3 * x, fraction))
            membrane = rounded(beta * kept, LEAK_BITS) + rounded(curve, CURVE_BITS) + a0
            membrane = membrane + rounded(current * multiplier, shift) + bias
            if reset == "subtract":
                membrane = membrane - before * threshold
            membrane = fitting(membrane, "polynomial neurons: membrane")
            spikes.append((membrane > threshold).long())
        return torch.stack(spikes), membrane


class IntegerRelu(IntegerNeurons):
    """Rectified linear units with activations in 0 … 127.

    ::

        y[t] = min(max(rounded((i[t] + bias)·multiplier, shift), 0), 127)
    """

    kind = "relu"
    TENSORS = ("bias", "multiplier")
    spiking, multiplications = False, 0

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, unit) into activations."""
        bias, multiplier = self.wide()
        driven = fitting(currents + bias, "relu: sums") * multiplier
        return (rounded(driven, self.constants["shift"]).clamp(0, 127),)


class IntegerCompeting(IntegerNeurons):
    """Neurons that inhibit each other, as `pipeline.kernels.rules.competitive`.

    ::

        v[t] = rounded(β·v[t−1], 15) + g[t−1]
        s[t] = v[t] ≥ ϑ; if more than k neurons are, only the k furthest above fire
               (of equals the first)
        v[t] → 0 where s[t], v[t] − h·Σs[t] elsewhere
        g[t] = rounded(α·g[t−1], 15) + (i[t] ≪ shift)
    """

    kind = "competing"
    TENSORS = ("threshold",)
    LEAKS = ("beta", "alpha")
    spiking, multiplications = True, 0

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into spikes and the last state."""
        (threshold,) = self.wide()
        beta, alpha, inhibition, winners, shift = (
            self.constants[name]
            for name in ("beta", "alpha", "inhibition", "winners", "shift")
        )
        rest = torch.zeros_like(currents[:1].expand(2, *currents.shape[1:]))
        potential, synaptic = (state[0] if state else rest).unbind(0)
        spikes = []
        for current in currents.unbind(0):
            potential = rounded(beta * potential, LEAK_BITS) + synaptic
            potential = fitting(potential, "competing neurons: potential")
            fired = furthest(potential - threshold, winners)
            drop = inhibition * fired.sum(1, keepdim=True)
            potential = torch.where(fired, 0, potential - drop)
            synaptic = rounded(alpha * synaptic, LEAK_BITS) + (current << shift)
            synaptic = fitting(synaptic, "competing neurons: synaptic current")
            spikes.append(fired.long())
        return torch.stack(spikes), torch.stack([potential, synaptic])


def furthest(above: Tensor, winners: int) -> Tensor:
    """Mark the neurons of (batch, neuron) furthest above; of equals the first."""
    width = above.shape[1]
    # No two keys are equal, so the result does not depend on the order of the search.
    keys = above * width + torch.arange(width - 1, -1, -1)
    chosen = keys.topk(min(winners, width), dim=1, sorted=False).indices
    marked = torch.zeros_like(above, dtype=torch.bool).scatter(1, chosen, True)
    return marked & (above >= 0)


NEURONS: dict[str, type[IntegerNeurons]] = {
    neurons.kind: neurons
    for neurons in (IntegerLeaky, IntegerPolynomial, IntegerRelu, IntegerCompeting)
}
"""The neurons that run in integers, by their kind."""
