"""Leaky integrate-and-fire in integers."""

import torch
from torch import Tensor

from pipeline.kernels.neurons.leaky import AT_ONCE, SUBTRACT, ZERO
from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import LEAK_BITS, fitting, rounded
from pipeline.quantization.bounds import (
    QuantizationError,
    as_integers,
    finest,
    fits,
    settled,
)
from pipeline.quantization.neurons.base import (
    MOST_SHIFT,
    IntegerNeurons,
    Quantised,
    columns,
    layer_of,
    leaks,
    reset_name,
    with_short_leaks,
)
from pipeline.quantization.scales import LinearMap, channel_scales


class IntegerLeaky(IntegerNeurons):
    """Leaky integrate-and-fire; a unit of the membrane is the channel's own.

    ::

        r[t] = u[t−1] > θ
        u[t] = rounded(β·k[t−1], 15) + (i[t] ≪ shift) + bias − r[t]·θ
        s[t] = u[t] > θ

    with k = u; a reset to zero sets k = 0 where r; only a reset by subtraction takes θ.
    A reset to zero in the same step equals one in the next: nothing reads the membrane
    in between.
    """

    kind = "leaky"
    TENSORS = ("beta", "bias", "threshold")
    SHARED = ("reset", "shift")
    STATES = ("membrane",)
    LEAKS = ("beta",)
    spiking, multiplications = True, 0

    @classmethod
    def check(cls, name: str, neurons: Unrolled) -> None:
        """Refuse spikes that subtract the threshold in the same step."""
        layer = layer_of(neurons)
        if not (layer.options[SUBTRACT] and layer.options[AT_ONCE]):
            return
        raise QuantizationError(
            name,
            f"{type(layer.model).__name__} neurons whose spikes subtract the threshold "
            "in the same step",
            expected="a reset in the next step, or to zero",
            remedy="reset_delay: true, or reset: zero",
        )

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express each membrane in its own unit: a step of its weights, or a part."""
        inputs, layer = with_short_leaks(inputs, neurons)
        betas, thresholds = layer.constants()
        scales = channel_scales(inputs.weights, inputs.bias.abs() + thresholds)
        weights, charges = inputs.quantised(scales)
        beta = leaks(betas)
        reset = reset_name(layer.options[SUBTRACT], layer.options[ZERO])

        def attempt(shift: int) -> IntegerLeaky | None:
            """Make the neurons with a shift; None if a value may overflow."""
            units = scales * 2.0**-shift
            bias, threshold = (
                as_integers(v / units) for v in (inputs.bias, thresholds)
            )
            rows = zip(charges, beta, bias, threshold, strict=True)
            peaks = [leaky_peak(charge, shift, *rest) for charge, *rest in rows]
            if not fits(peaks):
                return None
            tensors = columns(beta=beta, bias=bias, threshold=threshold)
            return IntegerLeaky(tensors, dt=layer.dt, shift=shift, reset=reset)

        return weights, finest(inputs.name, MOST_SHIFT, attempt)

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


def leaky_peak(charge: int, shift: int, beta: int, bias: int, threshold: int) -> int:
    """Bound a membrane: each step adds at most all of its terms."""
    return settled((charge << shift) + abs(bias) + abs(threshold), beta)
