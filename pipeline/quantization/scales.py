"""Integers for floats: int8 weights with one scale a neuron, and their multipliers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pipeline.quantization.bounds import QuantizationError, charges

LARGEST = 127
"""Largest int8 weight and activation; −128 is never used, so that −w exists too."""

FAINT = 2**14
"""Thresholds and biases are at most so many steps of a weight.

Weights that are fainter still get coarser steps: beside the threshold they hardly
matter, and its number of steps would leave none of the 32 bits for fractions.
"""

MOST_SHIFT = 60
"""A product of two 32-bit integers is below 2⁶², which half of 2⁶⁰ may be added to."""


@dataclass(frozen=True)
class LinearMap:
    """The linear map that drives a layer of neurons, in float64.

    Parameters
    ----------
    name : str
        The layer's name.
    weights : Tensor, shape (neuron, …)
        Weights of the integer inputs.
    bias : Tensor, shape (neuron,)
    most : int
        The largest integer input: 1 for spikes.
    """

    name: str
    weights: Tensor
    bias: Tensor
    most: int

    def times(self, gains: Tensor) -> "LinearMap":
        """Multiply by one gain for each neuron, or one for all."""
        flat = (self.weights.flatten(1) * gains.reshape(-1, 1)).reshape_as(self.weights)
        return replace(self, weights=flat, bias=self.bias * gains)

    def quantised(self, scales: Tensor) -> tuple[Tensor, list[int]]:
        """Give int8 weights, and the bound of each neuron's sum in a step."""
        integers = quantised(self.weights, scales)
        rows = integers.flatten(1)
        return integers, charges(rows, [self.most] * rows.shape[1])


def channel_scales(weights: Tensor, offsets: Tensor) -> Tensor:
    """Give the step of each neuron's weights; 0 if its weights and offset are all 0.

    ::

        S_c = max(max|W_c| / 127, |offset_c| / 2¹⁴)

    Parameters
    ----------
    weights : Tensor, shape (neuron, …)
    offsets : Tensor, shape (neuron,)
        Thresholds and biases to be expressed in such steps.
    """
    largest = weights.flatten(1).abs().amax(1)
    return torch.maximum(largest / LARGEST, offsets.abs() / FAINT)


def weight_steps(rows: Tensor) -> Tensor:
    """Give the steps of rows of weights (neuron, input) beside small offsets."""
    return channel_scales(rows, rows.new_zeros(len(rows)))


def safe(scales: Tensor) -> Tensor:
    """Replace scales of 0 by 1, for division."""
    return torch.where(scales > 0, scales, 1.0)


def steps(weights: Tensor, scales: Tensor) -> Tensor:
    """Round weights (neuron, …) to integer steps, −127 … 127, as floats."""
    divisor = safe(scales).reshape(-1, *(1 for _ in weights.shape[1:]))
    return (weights / divisor).round().clamp(-LARGEST, LARGEST)


def quantised(weights: Tensor, scales: Tensor) -> Tensor:
    """Round weights (neuron, …) to int8."""
    return steps(weights, scales).to(torch.int8)


def faked(weights: Tensor, scales: Tensor) -> Tensor:
    """Round weights (neuron, …) as int8 would, and leave them floats."""
    shape = (-1, *(1 for _ in weights.shape[1:]))
    return steps(weights, scales) * scales.reshape(shape)


def multipliers(name: str, ratios: Sequence[float]) -> tuple[list[int], int]:
    """Express ratios as 32-bit multipliers with one shift: ratio ≈ m / 2^shift.

    The shift is the largest for which all fit, so that a ratio which is n bits smaller
    than the largest still has 31 − n.

    Raises
    ------
    QuantizationError
        A ratio is beyond 32 bits.
    """
    largest = max(ratios)
    for shift in range(MOST_SHIFT, -1, -1):
        if round(largest * 2.0**shift) < 2**31:
            return [round(ratio * 2.0**shift) for ratio in ratios], shift
    raise QuantizationError(
        name,
        f"values grow {largest:.3g} times from one layer to the next",
        expected="less than 2³¹",
        remedy="train it with normalised weights",
    )
