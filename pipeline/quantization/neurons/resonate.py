"""Balanced resonate-and-fire neurons in integers."""

import math

import torch
from torch import Tensor

from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import LEAK_BITS, fitting, rounded
from pipeline.quantization.bounds import (
    ONE,
    as_integers,
    finest,
    fits,
    rounded_int,
    settled,
)
from pipeline.quantization.neurons.base import (
    MOST_SHIFT,
    IntegerNeurons,
    Quantised,
    columns,
    leaks,
    with_short_leaks,
)
from pipeline.quantization.scales import LinearMap, channel_scales

MARGIN = 1.001
"""What bounds computed in doubles are enlarged by."""

REFRACTORY = "log_tau_refractory"


class IntegerResonate(IntegerNeurons):
    """Membranes that swing: x + jy turns and shrinks, the more so the more it fired.

    ::

        k    = max(0, c − rounded(δ·q[t−1], 15))
        x[t] = rounded(k·x[t−1] − n·y[t−1], 15) + (i[t] ≪ shift) + bias
        y[t] = rounded(n·x[t−1] + k·y[t−1], 15)
        s[t] = x[t] > θ + rounded(θ·q[t−1], 15)
        q[t] = rounded(ρ·q[t−1], 15) + (s[t] ≪ 15)

    c, n, δ and q have 15 fraction bits; x, y and θ are in the unit of the weights, or a
    part.
    """

    kind = "resonate"
    TENSORS = ("cosine", "sine", "bias", "threshold", "rho")
    SHARED = ("shift", "drag")
    STATES = ("real", "imaginary", "tired")
    LEAKS = ("rho",)
    spiking, multiplications = True, 6

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express each membrane and its threshold in its weights' unit, or a part."""
        inputs, layer = with_short_leaks(inputs, neurons, REFRACTORY)
        most, sines, thresholds, rhos, per_spike = layer.constants()
        rho = leaks(rhos)
        tired = [settled(ONE, kept) for kept in rho]
        highest = thresholds * (1 + torch.tensor(tired, dtype=torch.float64) / ONE)
        scales = channel_scales(inputs.weights, inputs.bias.abs() + highest)
        weights, charges = inputs.quantised(scales)
        cosine, sine = as_integers(most * ONE), as_integers(sines * ONE)
        drag = round(float(per_spike[0]) * ONE)

        def attempt(shift: int) -> IntegerResonate | None:
            """Make the neurons with a shift; None if a value may overflow."""
            units = scales * 2.0**-shift
            bias, threshold = (
                as_integers(v / units) for v in (inputs.bias, thresholds)
            )
            rows = zip(charges, cosine, sine, bias, strict=True)
            peaks = [resonate_peak(c, shift, *rest) for c, *rest in rows]
            raised = [
                abs(t) + rounded_int(abs(t) * q, LEAK_BITS)
                for t, q in zip(threshold, tired, strict=True)
            ]
            if None in peaks or not fits([*filter(None, peaks), *raised, *tired]):
                return None
            tensors = columns(
                cosine=cosine, sine=sine, bias=bias, threshold=threshold, rho=rho
            )
            return IntegerResonate(tensors, dt=layer.dt, shift=shift, drag=drag)

        return weights, finest(inputs.name, MOST_SHIFT, attempt)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into spikes and the last state."""
        cosine, sine, bias, threshold, rho = self.wide()
        shift, drag = self.constants["shift"], self.constants["drag"]
        rest = torch.zeros_like(currents[:1].expand(3, *currents.shape[1:]))
        real, imaginary, tired = (state[0] if state else rest).unbind(0)
        spikes = []
        for current in currents.unbind(0):
            left = (cosine - rounded(drag * tired, LEAK_BITS)).clamp(min=0)
            after = rounded(left * real - sine * imaginary, LEAK_BITS)
            imaginary = rounded(sine * real + left * imaginary, LEAK_BITS)
            imaginary = fitting(imaginary, "resonate neurons: imaginary part")
            real = after + (current << shift) + bias
            real = fitting(real, "resonate neurons: real part")
            raised = threshold + rounded(threshold * tired, LEAK_BITS)
            fired = real > fitting(raised, "resonate neurons: threshold")
            tired = rounded(rho * tired, LEAK_BITS) + (fired.long() << LEAK_BITS)
            tired = fitting(tired, "resonate neurons: refractoriness")
            spikes.append(fired.long())
        return torch.stack(spikes), torch.stack([real, imaginary, tired])


def resonate_peak(
    charge: int, shift: int, cosine: int, sine: int, bias: int
) -> int | None:
    """Bound both parts of a membrane; None if it does not shrink.

    ::

        |u'| ≤ r·|u| + driven + √½,   r² = c² + n²   ⟹   |u| ≤ (driven + 1)/(1 − r)

    since spikes only make c less, and each part is rounded once.
    """
    kept = math.hypot(max(cosine, 0), sine) / ONE
    if kept >= 1:
        return None
    driven = (charge << shift) + abs(bias)
    return math.ceil(MARGIN * (driven + 1) / (1 - kept))
