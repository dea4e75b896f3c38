"""From a trained network of floats to one of integers.

Weights become int8, symmetric, with one scale a neuron. Where a neuron's membrane can
be kept in units of its scale, no multiplication by the scale remains. Every number has
a bound that follows from the weights and constants alone, so none overflows for any
input.

References
----------
.. [1] B. Jacob et al., "Quantization and training of neural networks for efficient
   integer-arithmetic-only inference", CVPR 2018.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.networks.parts.deployed import deployed
from pipeline.networks.parts.stack import Layer, Stack
from pipeline.networks.parts.stepped import SteppedModule
from pipeline.networks.parts.weights import Weights, linear_of
from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.heads import linear_map, quantise_head
from pipeline.quantization.layers import check_neurons, kind_of, quantise_neurons
from pipeline.quantization.network import WEIGHTS, IntegerNetwork
from pipeline.quantization.scales import LARGEST, LinearMap
from pipeline.quantization.weights import Dense

NO_INTEGERS = "a module of snnTorch's layers runs as it is: it has no integers, nor C"
CLIPPED = 0.001
"""The share of a layer's activations that 127 steps may cut off."""


@dataclass(frozen=True)
class Values:
    """The values between two layers: integers from 0 to `most`, of `unit` each."""

    most: int
    unit: float


SPIKES = Values(1, 1.0)


def quantize(network: nn.Module, calibration: Tensor) -> IntegerNetwork:
    """Put a trained network in integers; it is not changed.

    Parameters
    ----------
    network : nn.Module
        A `Stack` of convolutions, dense or delayed weights, each with neurons that
        have an integer form, read out by rates, counts, membranes or traces.
    calibration : Tensor, shape (time, window, feature)
        Spikes of training windows. They give the number of steps of a window, and the
        size of the activations of rectified units. Spiking networks need only one.

    Raises
    ------
    QuantizationError
        A layer does not run in integers, or its numbers might overflow.
    """
    stack = checked(network)
    if not calibration.shape[0] * calibration.shape[1]:
        raise QuantizationError("calibration", "no windows, or windows of no steps")
    # Torch's linear maps draw weights when they are made.
    with torch.random.fork_rng(devices=[]):
        return _quantised(stack, calibration, outputs_of(stack, calibration))


def _quantised(
    stack: Stack, calibration: Tensor, outputs: list[Tensor]
) -> IntegerNetwork:
    values, layers = SPIKES, []
    for number, (layer, seen) in enumerate(zip(stack.layers, outputs, strict=True), 1):
        made, values = _layer(f"layer {number}", layer, values, seen)
        layers.append(made)
    n_steps = len(outputs[-1] if outputs else calibration)
    head = quantise_head(stack.head, n_steps, most=values.most, unit=values.unit)
    return IntegerNetwork(layers, head).eval()


def checked(network: nn.Module) -> Stack:
    """Copy a network, with its normalisation folded into its weights.

    Raises
    ------
    QuantizationError
        A layer does not run in integers.
    """
    if not isinstance(network, Stack):
        raise QuantizationError("network", f"a {type(network).__name__} has no layers")
    for number, layer in enumerate(network.layers, 1):
        if isinstance(layer.unrolled, SteppedModule):
            raise QuantizationError("network", NO_INTEGERS)
        _check_weights(f"layer {number}", layer.weights)
        check_neurons(f"layer {number}", layer.unrolled)
        _check_finite(f"layer {number}", layer)
    linear_map(network.head)
    _check_finite("read-out", network.head)
    return cast("Stack", deployed(network))


def _check_weights(name: str, weights: nn.Module) -> None:
    known = isinstance(weights, nn.Linear)
    if isinstance(weights, Weights):
        known = weights.kind in WEIGHTS
    if not known:
        kind = type(weights).__name__
        raise QuantizationError(name, f"weights of kind {kind} have no integer form")


def _check_finite(name: str, part: nn.Module) -> None:
    tensors = [*part.parameters(), *part.buffers()]
    if not all(bool(tensor.isfinite().all()) for tensor in tensors):
        raise QuantizationError(name, "weights or constants that are not finite")


def outputs_of(stack: Stack, spikes: Tensor) -> list[Tensor]:
    """Give the outputs of every layer, (time, window, neuron) each."""
    outputs: list[Tensor] = []
    with torch.no_grad():
        for layer in stack.layers:
            spikes, *_ = layer(spikes, None)
            outputs.append(spikes)
    return outputs


def activation_scale(outputs: Tensor) -> float:
    """Choose the size of the 127 steps of a layer's activations.

    The 127 steps reach the 99.9-th percentile of the activations above 0. The largest
    activation belongs to one window and grows with the number of windows, so it would
    make all others coarser. Zeros are left out: their number does not depend on the
    size of the others.
    """
    positive = outputs[outputs > 0].double().cpu().numpy()
    if not len(positive):
        return 1.0
    return float(np.quantile(positive, 1 - CLIPPED)) / LARGEST


def _layer(
    name: str, layer: Layer, values: Values, outputs: Tensor
) -> tuple[Layer, Values]:
    """Put a layer in integers; returns also the values that it puts out."""
    unrolled = layer.unrolled
    unit = 1.0 if unrolled.spiking else activation_scale(outputs)
    after = Values(kind_of(name, unrolled).largest(unrolled), unit)
    inputs = _linear_map(name, layer.weights, values)
    integers, neurons = quantise_neurons(inputs, unrolled, unit)
    return Layer(_weights(layer.weights, integers), neurons), after


def _linear_map(name: str, weights: nn.Module, values: Values) -> LinearMap:
    linear = linear_of(weights)
    matrix = linear.weight.detach().double() * values.unit
    bias = torch.zeros(len(matrix), dtype=torch.float64)
    if linear.bias is not None:
        bias = linear.bias.detach().double()
    return LinearMap(name, matrix, bias, values.most)


def _weights(weights: nn.Module, integers: Tensor) -> Weights:
    if isinstance(weights, Weights):
        return WEIGHTS[weights.kind](integers, **weights.constants)
    return Dense(integers)
