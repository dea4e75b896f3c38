"""The learnable neuron model in integers."""

import torch
from torch import Tensor

from pipeline.kernels.neurons.polynomial import CLIP, SUBTRACT, ZERO
from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import CURVE_BITS, LEAK_BITS, fitting, rounded
from pipeline.quantization.bounds import (
    as_integers,
    finest,
    fits,
    rounded_int,
    settled,
)
from pipeline.quantization.neurons.base import (
    IntegerNeurons,
    Quantised,
    columns,
    leaks,
    reset_name,
    with_short_leaks,
)
from pipeline.quantization.scales import LinearMap, channel_scales, multipliers

MOST_FRACTION = 16
"""Fraction bits of a membrane, whose threshold is about 1."""


class IntegerPolynomial(IntegerNeurons):
    """Learnable neuron model; a unit of the membrane is 2^−fraction of the float's.

    ::

        r[t] = u[t−1] > θ
        x    = min(max(k, −clip), clip)
        f    = rounded(β·k, 15) + a₀
               + rounded(rounded(x·x, fraction)·(a₂ + rounded(a₃·x, fraction)), 14)
        u[t] = f + rounded(i[t]·multiplier, shift) + bias − r[t]·θ
        s[t] = u[t] > θ

    with k = u; a reset to zero sets k = 0 where r; only a reset by subtraction takes θ.
    a₂ and a₃ have 14 fraction bits.
    """

    kind = "polynomial"
    rescales = True
    TENSORS = (
        "beta", "bias", "threshold", "multiplier", "a0", "a2", "a3", "clip",
    )  # fmt: skip
    SHARED = ("reset", "shift", "fraction")
    STATES = ("membrane",)
    LEAKS = ("beta",)
    spiking, multiplications = True, 3

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express all membranes in one unit, a power of two."""
        inputs, layer = with_short_leaks(inputs, neurons)
        betas, thresholds, offsets, *bends = layer.constants()
        scales = channel_scales(inputs.weights, torch.zeros_like(inputs.bias))
        weights, charges = inputs.quantised(scales)
        beta, (a2, a3) = leaks(betas), (as_integers(a * 2**CURVE_BITS) for a in bends)
        clips = thresholds.new_full(thresholds.shape, layer.options[CLIP])
        reset = reset_name(layer.options[SUBTRACT], layer.options[ZERO])

        def attempt(fraction: int) -> IntegerPolynomial | None:
            """Make the neurons with a fraction; None if a value may overflow."""
            unit = 2.0**-fraction
            bias, threshold, a0, clip = (
                as_integers(values / unit)
                for values in (inputs.bias, thresholds, offsets, clips)
            )
            multiplier, shift = multipliers(inputs.name, (scales / unit).tolist())
            peaks = [*charges, *a3, *clip]
            for n, charge in enumerate(charges):
                current = (charge * multiplier[n] >> shift) + 1
                bent = bend_peaks(fraction, a2[n], a3[n], clip[n])
                membrane = polynomial_peak(
                    current, bent[-1], beta[n], a0[n], bias[n], threshold[n]
                )
                peaks += [current, *bent, membrane]
            if not fits(peaks):
                return None
            tensors = columns(
                beta=beta, bias=bias, threshold=threshold, multiplier=multiplier,
                a0=a0, a2=a2, a3=a3, clip=clip,
            )  # fmt: skip
            constants = {"shift": shift, "fraction": fraction, "reset": reset}
            return IntegerPolynomial(tensors, dt=layer.dt, **constants)

        return weights, finest(inputs.name, MOST_FRACTION, attempt)

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


def bend_peaks(fraction: int, a2: int, a3: int, clip: int) -> list[int]:
    """Bound the intermediate values and the nonlinear part of an update.

    Beyond ±clip it is constant, so this holds for every membrane.
    """
    square = rounded_int(clip * clip, fraction)
    slope = abs(a2) + rounded_int(abs(a3) * clip, fraction) + 1
    return [square, slope, rounded_int(square * slope, CURVE_BITS) + 1]


def polynomial_peak(
    current: int, bend: int, beta: int, a0: int, bias: int, threshold: int
) -> int:
    """Bound a membrane for any polynomial."""
    return settled(current + bend + abs(a0) + abs(bias) + abs(threshold), beta)
