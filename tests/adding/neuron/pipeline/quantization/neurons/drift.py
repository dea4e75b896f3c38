"""Leaky integrate-and-fire with a constant leak current, in integers."""

import torch
from torch import Tensor

from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import LEAK_BITS, fitting, rounded
from pipeline.quantization.bounds import as_integers, finest, fits, settled
from pipeline.quantization.neurons.base import (
    MOST_SHIFT,
    IntegerNeurons,
    Quantised,
    columns,
    leaks,
    with_short_leaks,
)
from pipeline.quantization.scales import LinearMap, channel_scales


class IntegerDrift(IntegerNeurons):
    """Leaky integrate-and-fire with a constant leak current, by channel.

    ::

        u[t] = rounded(β·k[t−1], 15) − decay + g[t−1]       k = u, or 0 where u > θ
        s[t] = u[t] > θ                                     g = (i ≪ shift) + bias
    """

    kind = "drift"
    TENSORS = ("beta", "bias", "threshold", "decay")
    SHARED = ("shift",)
    STATES = ("membrane", "late")
    LEAKS = ("beta",)
    spiking, multiplications = True, 0

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express each membrane in its own unit: a step of its weights, or a part."""
        inputs, layer = with_short_leaks(inputs, neurons)
        betas, thresholds, decays = layer.constants()
        scales = channel_scales(inputs.weights, inputs.bias.abs() + thresholds)
        weights, charges = inputs.quantised(scales)
        beta = leaks(betas)

        def attempt(shift: int) -> IntegerDrift | None:
            units = scales * 2.0**-shift
            values = inputs.bias, thresholds, decays
            bias, threshold, decay = (as_integers(v / units) for v in values)
            rows = zip(charges, bias, decay, beta, strict=True)
            peaks = [settled((c << shift) + abs(b) + d, k) for c, b, d, k in rows]
            if not fits([*peaks, *threshold]):
                return None
            made = columns(beta=beta, bias=bias, threshold=threshold, decay=decay)
            return IntegerDrift(made, dt=layer.dt, shift=shift)

        return weights, finest(inputs.name, MOST_SHIFT, attempt)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into spikes and the last state."""
        beta, bias, threshold, decay = self.wide()
        nothing = torch.zeros_like(currents[0])
        membrane, late = state or (nothing, nothing)
        spikes = []
        for current in currents.unbind(0):
            kept = membrane.masked_fill(membrane > threshold, 0)
            membrane = rounded(beta * kept, LEAK_BITS) - decay + late
            membrane = fitting(membrane, "drift neurons: membrane")
            late = (current << self.constants["shift"]) + bias
            spikes.append((membrane > threshold).long())
        return torch.stack(spikes), membrane, late
