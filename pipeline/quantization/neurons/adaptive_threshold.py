"""Leaky integrate-and-fire with an adaptive threshold, in integers."""

import torch
from torch import Tensor

from pipeline.kernels.neurons.adaptive_threshold import SUBTRACT, ZERO
from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import LEAK_BITS, fitting, rounded
from pipeline.quantization.bounds import as_integers, finest, fits, settled
from pipeline.quantization.neurons.base import (
    MOST_SHIFT,
    IntegerNeurons,
    Quantised,
    columns,
    leaks,
    reset_name,
    with_short_leaks,
)
from pipeline.quantization.scales import LinearMap, channel_scales


class IntegerAdaptiveThreshold(IntegerNeurons):
    """Leaky integrate-and-fire whose threshold rises with each spike and falls back.

    ::

        r[t] = u[t−1] > θ + a[t−1]
        a[t] = rounded(ρ·a[t−1], 15) + r[t]·jump
        u[t] = rounded(β·k[t−1], 15) + (i[t] ≪ shift) + bias − r[t]·(θ + a[t−1])
        s[t] = u[t] > θ + a[t]

    with k = u; a reset to zero sets k = 0 where r; only a reset by subtraction takes
    the threshold. a is the rise of the threshold, in the membrane's unit: the float
    neuron's sum of spikes times its jump.
    """

    kind = "adaptive_threshold"
    TENSORS = ("beta", "bias", "threshold", "rho", "jump")
    SHARED = ("reset", "shift")
    STATES = ("membrane", "raised")
    LEAKS = ("beta", "rho")
    spiking, multiplications = True, 0

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express each membrane and its threshold in its weights' unit, or a part."""
        inputs, layer = with_short_leaks(
            inputs, neurons, "log_tau", "log_tau_adaptation"
        )
        betas, thresholds, rhos, jumps = layer.constants()
        highest = thresholds + jumps / (1 - rhos)
        scales = channel_scales(inputs.weights, inputs.bias.abs() + highest)
        weights, charges = inputs.quantised(scales)
        beta, rho = leaks(betas), leaks(rhos)
        reset = reset_name(layer.options[SUBTRACT], layer.options[ZERO])

        def attempt(shift: int) -> IntegerAdaptiveThreshold | None:
            """Make the neurons with so many fraction bits, if no number overflows."""
            units = scales * 2.0**-shift
            bias, threshold, jump = (
                as_integers(v / units) for v in (inputs.bias, thresholds, jumps)
            )
            rows = zip(charges, beta, bias, threshold, rho, jump, strict=True)
            peaks = [adaptive_threshold_peak(c, shift, *rest) for c, *rest in rows]
            if not fits(peaks):
                return None
            tensors = columns(
                beta=beta, bias=bias, threshold=threshold, rho=rho, jump=jump
            )
            return IntegerAdaptiveThreshold(
                tensors, dt=layer.dt, shift=shift, reset=reset
            )

        return weights, finest(inputs.name, MOST_SHIFT, attempt)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into spikes and the last state."""
        beta, bias, threshold, rho, jump = self.wide()
        shift, reset = self.constants["shift"], self.constants["reset"]
        rest = torch.zeros_like(currents[:1].expand(2, *currents.shape[1:]))
        membrane, raised = (state[0] if state else rest).unbind(0)
        spikes = []
        for current in currents.unbind(0):
            crossed = threshold + raised
            before = membrane > crossed
            raised = rounded(rho * raised, LEAK_BITS) + before * jump
            raised = fitting(raised, "adaptive_threshold neurons: rise")
            kept = membrane.masked_fill(before, 0) if reset == "zero" else membrane
            membrane = rounded(beta * kept, LEAK_BITS) + (current << shift) + bias
            if reset == "subtract":
                membrane = membrane - before * crossed
            membrane = fitting(membrane, "adaptive_threshold neurons: membrane")
            crossed = fitting(threshold + raised, "adaptive_threshold: threshold")
            spikes.append((membrane > crossed).long())
        return torch.stack(spikes), torch.stack([membrane, raised])


def adaptive_threshold_peak(
    charge: int, shift: int, beta: int, bias: int, threshold: int, rho: int, jump: int
) -> int:
    """Bound a membrane, which each step may lose the highest threshold."""
    highest = abs(threshold) + settled(abs(jump), rho)
    return max(highest, settled((charge << shift) + abs(bias) + highest, beta))
