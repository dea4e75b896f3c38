"""Rectified linear units in integers."""

from torch import Tensor

from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import fitting, rounded
from pipeline.quantization.bounds import QuantizationError, as_integers, fits
from pipeline.quantization.neurons.base import IntegerNeurons, Quantised, columns
from pipeline.quantization.scales import (
    LARGEST,
    LinearMap,
    channel_scales,
    multipliers,
    safe,
)


class IntegerRelu(IntegerNeurons):
    """Rectified linear units with activations in 0 … 127.

    ::

        y[t] = min(max(rounded((i[t] + bias)·multiplier, shift), 0), 127)
    """

    kind = "relu"
    rescales = True
    TENSORS = ("bias", "multiplier")
    SHARED = ("shift",)
    STATES = ()
    spiking, multiplications = False, 0

    @classmethod
    def largest(cls, neurons: Unrolled) -> int:
        """Give the number of steps of an activation."""
        return LARGEST

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express activations in steps of `scale`, biases in those of their weights."""
        scales = channel_scales(inputs.weights, inputs.bias)
        weights, charges = inputs.quantised(scales)
        bias = as_integers(inputs.bias / safe(scales))
        multiplier, shift = multipliers(inputs.name, (scales / scale).tolist())
        sums = [charge + abs(b) for charge, b in zip(charges, bias, strict=True)]
        if not fits(sums):
            raise QuantizationError(inputs.name, "sums that might not fit 32 bits")
        tensors = columns(bias=bias, multiplier=multiplier)
        return weights, IntegerRelu(tensors, dt=neurons.dt, shift=shift)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, unit) into activations."""
        bias, multiplier = self.wide()
        driven = fitting(currents + bias, "relu: sums") * multiplier
        return (rounded(driven, self.constants["shift"]).clamp(0, LARGEST),)
