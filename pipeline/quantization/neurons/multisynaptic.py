"""Integrate-and-fire with several thresholds in integers: events have counts."""

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
    layer_of,
    leaks,
    with_short_leaks,
)
from pipeline.quantization.scales import LinearMap, channel_scales


class IntegerMultisynaptic(IntegerNeurons):
    """Leaky integrate-and-fire that puts out how many thresholds it passed.

    ::

        u[t] = rounded(β·k[t−1], 15) + (i[t] ≪ shift) + bias,   k = 0 where u > θ, or u
        s[t] = the number of j in 0 … most − 1 with u[t] > θ + j·apart

    What follows takes s as one event with a value: its weights times s.
    """

    kind = "multisynaptic"
    TENSORS = ("beta", "bias", "threshold", "apart")
    SHARED = ("shift", "most")
    STATES = ("membrane",)
    LEAKS = ("beta",)
    spiking, multiplications = True, 0

    @classmethod
    def largest(cls, neurons: Unrolled) -> int:
        """Count the thresholds: all constants but the leak."""
        return len(layer_of(neurons).constants()) - 1

    @property
    def graded(self) -> bool:
        """With one threshold it gives out spikes."""
        return bool(self.constants["most"] > 1)

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express each membrane in its own unit: a step of its weights, or a part."""
        inputs, layer = with_short_leaks(inputs, neurons)
        betas, lowest, *higher = layer.constants()
        steps = higher[0] - lowest if higher else torch.zeros_like(lowest)
        most = cls.largest(neurons)
        scales = channel_scales(
            inputs.weights, inputs.bias.abs() + lowest + most * steps
        )
        weights, charges = inputs.quantised(scales)
        beta = leaks(betas)

        def attempt(shift: int) -> IntegerMultisynaptic | None:
            """Make the neurons with a shift; None if a value may overflow."""
            units = scales * 2.0**-shift
            bias, threshold, apart = (
                as_integers(v / units) for v in (inputs.bias, lowest, steps)
            )
            rows = zip(charges, beta, bias, strict=True)
            peaks = [multisynaptic_peak(c, shift, *rest) for c, *rest in rows]
            tops = [t + most * a for t, a in zip(threshold, apart, strict=True)]
            if not fits([*peaks, *tops]):
                return None
            tensors = columns(beta=beta, bias=bias, threshold=threshold, apart=apart)
            return cls(tensors, dt=layer.dt, shift=shift, most=most)

        return weights, finest(inputs.name, MOST_SHIFT, attempt)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into counts of events, and the membrane."""
        beta, bias, threshold, apart = self.wide()
        shift, most = self.constants["shift"], self.constants["most"]
        thresholds = threshold + torch.arange(most)[:, None, None] * apart
        membrane = state[0] if state else torch.zeros_like(currents[0])
        counts = []
        for current in currents.unbind(0):
            kept = membrane.masked_fill(membrane > threshold, 0)
            membrane = rounded(beta * kept, LEAK_BITS) + (current << shift) + bias
            membrane = fitting(membrane, "multisynaptic neurons: membrane")
            counts.append((membrane > thresholds).sum(0))
        return torch.stack(counts), membrane


def multisynaptic_peak(charge: int, shift: int, beta: int, bias: int) -> int:
    """Bound a membrane, which a reset only brings nearer to 0."""
    return settled((charge << shift) + abs(bias), beta)
