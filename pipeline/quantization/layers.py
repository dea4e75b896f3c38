"""Trained neurons in fixed point, with their input weights."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.kernels.neurons import leaky as leaky_kernel
from pipeline.kernels.neurons import polynomial as polynomial_kernel
from pipeline.networks.parts.competing import Competing
from pipeline.networks.parts.layers import Recurrent, Unrolled
from pipeline.neurons.parts.layer import NeuronLayer
from pipeline.neurons.parts.relu_layer import ReluLayer
from pipeline.quantization import signed_digits
from pipeline.quantization.arithmetic import CURVE_BITS
from pipeline.quantization.bounds import (
    ONE,
    QuantizationError,
    as_integers,
    bend_peaks,
    competing_peak,
    finest,
    fits,
    leaky_peak,
    polynomial_peak,
)
from pipeline.quantization.neurons import (
    IntegerCompeting,
    IntegerLeaky,
    IntegerNeurons,
    IntegerPolynomial,
    IntegerRelu,
)
from pipeline.quantization.scales import LinearMap, channel_scales, multipliers, safe

MOST_SHIFT = 12
"""Fraction bits of a membrane beyond the weights': more would not change a spike."""

MOST_FRACTION = 16
"""Fraction bits of a polynomial neuron's membrane, whose threshold is about 1."""

Quantised = tuple[Tensor, IntegerNeurons]
"""int8 weights (neuron, …), and the neurons that take their sums."""


def check_neurons(name: str, neurons: nn.Module) -> None:
    """Refuse neurons that do not run in integers.

    Raises
    ------
    QuantizationError
    """
    if isinstance(neurons, Recurrent):
        raise QuantizationError(
            name,
            "recurrent weights have no integer form",
            remedy="a dense or convolutional network",
        )
    if isinstance(neurons, Competing):
        return
    inner = neurons.neurons if isinstance(neurons, Unrolled) else neurons
    if isinstance(inner, NeuronLayer):
        _check_kernel(name, inner)
    elif not isinstance(inner, ReluLayer):
        raise QuantizationError(name, f"a {type(inner).__name__} has no integer form")


def _check_kernel(name: str, layer: NeuronLayer) -> None:
    kind = type(layer.model).__name__
    if layer.kernel.name not in ("leaky", "polynomial"):
        raise QuantizationError(
            name,
            f"{kind} neurons have no integer form",
            expected="leaky, parametric, polynomial, relu, or competing neurons",
        )
    subtract, _, at_once, *_ = layer.options
    if layer.kernel.name == "leaky" and subtract and at_once:
        raise QuantizationError(
            name,
            f"{kind} neurons whose spikes subtract the threshold in the same step",
            expected="a reset in the next step, or to zero",
            remedy="reset_delay: true, or reset: zero",
        )


def quantise_neurons(inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
    """Put a layer's weights and neurons in integers.

    Parameters
    ----------
    inputs : LinearMap
        Their inputs.
    neurons : Unrolled
        Neurons that `check_neurons` accepts.
    scale : float
        The size of one step of their activations, if they are graded.

    Raises
    ------
    QuantizationError
        Their numbers might overflow.
    """
    match neurons:
        case Competing():
            return _competing(inputs, neurons)
        case Unrolled(neurons=NeuronLayer() as layer):
            exact = _leaking(deepcopy(layer).double())
            with torch.no_grad():
                gain = exact.driven(torch.ones(exact.shape, dtype=torch.float64))
                return BY_KERNEL[layer.kernel.name](inputs.times(gain), exact)
        case _:
            return _relu(inputs, neurons, scale)


def _leaky(inputs: LinearMap, layer: NeuronLayer) -> Quantised:
    """Express each membrane in its own unit: a step of its weights, or a part of it.

    A reset to zero in the same step equals one in the next: nothing reads the membrane
    in between.
    """
    betas, thresholds = layer.constants()
    scales = channel_scales(inputs.weights, inputs.bias.abs() + thresholds)
    weights, charges = inputs.quantised(scales)
    beta = _leaks(betas)

    def attempt(shift: int) -> IntegerLeaky | None:
        units = scales * 2.0**-shift
        bias, threshold = (
            as_integers(inputs.bias / units),
            as_integers(thresholds / units),
        )
        rows = zip(charges, beta, bias, threshold, strict=True)
        peaks = [leaky_peak(charge, shift, *rest) for charge, *rest in rows]
        if not fits(peaks):
            return None
        tensors = _tensors(beta=beta, bias=bias, threshold=threshold)
        flags = layer.options[leaky_kernel.SUBTRACT], layer.options[leaky_kernel.ZERO]
        return IntegerLeaky(tensors, dt=layer.dt, shift=shift, reset=_reset(*flags))

    return weights, finest(inputs.name, MOST_SHIFT, attempt)


def _polynomial(inputs: LinearMap, layer: NeuronLayer) -> Quantised:
    """Express all membranes in one unit, a power of two."""
    betas, thresholds, *polynomial = layer.constants()
    flags = (
        layer.options[polynomial_kernel.SUBTRACT],
        layer.options[polynomial_kernel.ZERO],
    )
    scales = channel_scales(inputs.weights, torch.zeros_like(inputs.bias))
    weights, charges = inputs.quantised(scales)
    beta, (a2, a3) = (
        _leaks(betas),
        (as_integers(a * 2**CURVE_BITS) for a in polynomial[1:]),
    )
    clips = thresholds.new_full(thresholds.shape, layer.options[polynomial_kernel.CLIP])

    def attempt(fraction: int) -> IntegerPolynomial | None:
        unit = 2.0**-fraction
        bias, threshold, a0, clip = (
            as_integers(values / unit)
            for values in (inputs.bias, thresholds, polynomial[0], clips)
        )
        multiplier, shift = multipliers(inputs.name, (scales / unit).tolist())
        peaks = [*charges, *a3, *clip]
        for n, charge in enumerate(charges):
            current = (charge * multiplier[n] >> shift) + 1
            bends = bend_peaks(fraction, a2[n], a3[n], clip[n])
            membrane = polynomial_peak(
                current, bends[-1], beta[n], a0[n], bias[n], threshold[n]
            )
            peaks += [current, *bends, membrane]
        if not fits(peaks):
            return None
        tensors = _tensors(
            beta=beta, bias=bias, threshold=threshold, multiplier=multiplier,
            a0=a0, a2=a2, a3=a3, clip=clip,
        )  # fmt: skip
        constants = {"shift": shift, "fraction": fraction, "reset": _reset(*flags)}
        return IntegerPolynomial(tensors, dt=layer.dt, **constants)

    return weights, finest(inputs.name, MOST_FRACTION, attempt)


def _relu(inputs: LinearMap, layer: Unrolled, scale: float) -> Quantised:
    """Express activations in steps of `scale`, biases in steps of their weights."""
    scales = channel_scales(inputs.weights, inputs.bias)
    weights, charges = inputs.quantised(scales)
    bias = as_integers(inputs.bias / safe(scales))
    multiplier, shift = multipliers(inputs.name, (scales / scale).tolist())
    sums = [charge + abs(b) for charge, b in zip(charges, bias, strict=True)]
    if not fits(sums):
        raise QuantizationError(inputs.name, "sums that might not fit 32 bits")
    tensors = _tensors(bias=bias, multiplier=multiplier)
    return weights, IntegerRelu(tensors, dt=layer.dt, shift=shift)


def _competing(inputs: LinearMap, layer: Competing) -> Quantised:
    """Express all membranes in one unit, because they are compared with each other."""
    neurons = layer.population.neurons
    thresholds = layer.thresholds.double()
    inhibition = torch.tensor([float(neurons.inhibition)], dtype=torch.float64)
    offset = (thresholds.abs().amax() + inhibition).reshape(1)
    scale = channel_scales(inputs.weights.reshape(1, -1), offset)
    weights, charges = inputs.quantised(scale.expand(layer.width))
    beta, alpha = _leaks(torch.tensor([float(neurons.beta), float(neurons.alpha)]))

    def attempt(shift: int) -> IntegerCompeting | None:
        unit = scale * 2.0**-shift
        threshold, (drop,) = (
            as_integers(thresholds / unit),
            as_integers(inhibition / unit),
        )
        most = drop * int(neurons.winners)
        rows = zip(charges, threshold, strict=True)
        peaks = [competing_peak(c, shift, alpha, beta, most, t) for c, t in rows]
        if not fits(peaks):
            return None
        constants = {"inhibition": drop, "winners": int(neurons.winners)}
        return IntegerCompeting(
            _tensors(threshold=threshold),
            dt=layer.dt, beta=beta, alpha=alpha, shift=shift, **constants,
        )  # fmt: skip

    return weights, finest(inputs.name, MOST_SHIFT, attempt)


BY_KERNEL: dict[str, Callable[[LinearMap, NeuronLayer], Quantised]] = {
    "leaky": _leaky,
    "polynomial": _polynomial,
}


def _leaking(layer: NeuronLayer) -> NeuronLayer:
    """Use the time constants of leaks of few digits, so that the gains fit them too."""
    log_tau = layer.learned["log_tau"].data
    leaks = _leaks((-layer.dt * (-log_tau).exp()).exp().flatten())
    kept = torch.tensor(leaks, dtype=log_tau.dtype).reshape_as(log_tau) / ONE
    layer.learned["log_tau"].data = (-layer.dt / kept.log()).log()
    return layer


def _leaks(values: Tensor) -> list[int]:
    """Round leaks to 15 bits and few digits, so that shifts can compute them."""
    most = signed_digits.MOST_DIGITS
    return [signed_digits.nearest(value, most) for value in values.tolist()]


def _reset(subtract: Any, zero: Any) -> str:
    return "subtract" if subtract else "zero" if zero else "none"


def _tensors(**columns: Sequence[int]) -> dict[str, Tensor]:
    return {name: torch.tensor(column) for name, column in columns.items()}
