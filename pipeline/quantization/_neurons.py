"""Trained neurons in fixed point, with the weights that drive them."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.kernels import leaky as leaky_kernel
from pipeline.kernels import polynomial as polynomial_kernel
from pipeline.networks._layers import Recurrent, Unrolled
from pipeline.networks._plastic import Competing
from pipeline.neurons._layer import NeuronLayer
from pipeline.neurons._relu import ReluLayer
from pipeline.quantization import signed_digits
from pipeline.quantization.arithmetic import CURVE_BITS
from pipeline.quantization.bounds import (
    ONE,
    QuantizationError,
    bend_peaks,
    competing_peak,
    finest,
    fits,
    leaky_peak,
    polynomial_peak,
    whole,
)
from pipeline.quantization.neurons import (
    IntegerCompeting,
    IntegerLeaky,
    IntegerNeurons,
    IntegerPolynomial,
    IntegerRelu,
)
from pipeline.quantization.scales import Drive, channel_scales, multipliers, safe

MOST_SHIFT = 12
"""Fraction bits of a membrane beyond the weights': more would change no spike."""

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
            name, "its neurons hear each other's spikes: recurrent weights are not "
            "written in integers", remedy="a dense or convolutional network",
        )  # fmt: skip
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
            f"{kind} neurons are not written in integers",
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


def quantise_neurons(drive: Drive, neurons: Unrolled, scale: float) -> Quantised:
    """Put a layer's weights and neurons in integers.

    Parameters
    ----------
    drive : Drive
        What drives them.
    neurons : Unrolled
        For which `check_neurons` says nothing.
    scale : float
        What one step of their activations is to be, if they are graded.

    Raises
    ------
    QuantizationError
        Their numbers might overflow.
    """
    match neurons:
        case Competing():
            return _competing(drive, neurons)
        case Unrolled(neurons=NeuronLayer() as layer):
            exact = _leaking(deepcopy(layer).double())
            with torch.no_grad():
                gain = exact.driven(torch.ones(exact.shape, dtype=torch.float64))
                return BY_KERNEL[layer.kernel.name](drive.times(gain), exact)
        case _:
            return _relu(drive, neurons, scale)


def _leaky(drive: Drive, layer: NeuronLayer) -> Quantised:
    """Express each membrane in its own unit: a step of its weights, or a part of it.

    A reset to zero in the same step is one in the next: nobody sees the membrane in
    between.
    """
    betas, thresholds = layer.constants()
    scales = channel_scales(drive.weights, drive.bias.abs() + thresholds)
    weights, charges = drive.quantised(scales)
    beta = _leaks(betas)

    def attempt(shift: int) -> IntegerLeaky | None:
        units = scales * 2.0**-shift
        bias, threshold = whole(drive.bias / units), whole(thresholds / units)
        rows = zip(charges, beta, bias, threshold, strict=True)
        peaks = [leaky_peak(charge, shift, *rest) for charge, *rest in rows]
        if not fits(peaks):
            return None
        tensors = _tensors(beta=beta, bias=bias, threshold=threshold)
        flags = layer.options[leaky_kernel.SUBTRACT], layer.options[leaky_kernel.ZERO]
        return IntegerLeaky(tensors, dt=layer.dt, shift=shift, reset=_reset(*flags))

    return weights, finest(drive.name, MOST_SHIFT, attempt)


def _polynomial(drive: Drive, layer: NeuronLayer) -> Quantised:
    """Express all membranes in one unit, a power of two."""
    betas, thresholds, *polynomial = layer.constants()
    flags = (
        layer.options[polynomial_kernel.SUBTRACT],
        layer.options[polynomial_kernel.ZERO],
    )
    scales = channel_scales(drive.weights, torch.zeros_like(drive.bias))
    weights, charges = drive.quantised(scales)
    beta, (a2, a3) = _leaks(betas), (whole(a * 2**CURVE_BITS) for a in polynomial[1:])
    clips = thresholds.new_full(thresholds.shape, layer.options[polynomial_kernel.CLIP])

    def attempt(fraction: int) -> IntegerPolynomial | None:
        unit = 2.0**-fraction
        bias, threshold, a0, clip = (
            whole(values / unit)
            for values in (drive.bias, thresholds, polynomial[0], clips)
        )
        multiplier, shift = multipliers(drive.name, (scales / unit).tolist())
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

    return weights, finest(drive.name, MOST_FRACTION, attempt)


def _relu(drive: Drive, layer: Unrolled, scale: float) -> Quantised:
    """Express activations in steps of `scale`, biases in steps of their weights."""
    scales = channel_scales(drive.weights, drive.bias)
    weights, charges = drive.quantised(scales)
    bias = whole(drive.bias / safe(scales))
    multiplier, shift = multipliers(drive.name, (scales / scale).tolist())
    sums = [charge + abs(b) for charge, b in zip(charges, bias, strict=True)]
    if not fits(sums):
        raise QuantizationError(drive.name, "sums that might not fit 32 bits")
    tensors = _tensors(bias=bias, multiplier=multiplier)
    return weights, IntegerRelu(tensors, dt=layer.dt, shift=shift)


def _competing(drive: Drive, layer: Competing) -> Quantised:
    """Express all membranes in one unit, for they are compared with each other."""
    neurons = layer.population.neurons
    thresholds = layer.thresholds.double()
    inhibition = torch.tensor([float(neurons.inhibition)], dtype=torch.float64)
    offset = (thresholds.abs().amax() + inhibition).reshape(1)
    scale = channel_scales(drive.weights.reshape(1, -1), offset)
    weights, charges = drive.quantised(scale.expand(layer.width))
    beta, alpha = _leaks(torch.tensor([float(neurons.beta), float(neurons.alpha)]))

    def attempt(shift: int) -> IntegerCompeting | None:
        unit = scale * 2.0**-shift
        threshold, (drop,) = whole(thresholds / unit), whole(inhibition / unit)
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

    return weights, finest(drive.name, MOST_SHIFT, attempt)


BY_KERNEL: dict[str, Callable[[Drive, NeuronLayer], Quantised]] = {
    "leaky": _leaky,
    "polynomial": _polynomial,
}


def _leaking(layer: NeuronLayer) -> NeuronLayer:
    """Take the time constants of leaks of few digits: gains then fit them, too."""
    log_tau = layer.learned["log_tau"].data
    leaks = _leaks((-layer.dt * (-log_tau).exp()).exp().flatten())
    kept = torch.tensor(leaks, dtype=log_tau.dtype).reshape_as(log_tau) / ONE
    layer.learned["log_tau"].data = (-layer.dt / kept.log()).log()
    return layer


def _leaks(values: Tensor) -> list[int]:
    """Give what a step leaves, 15 bits: of few digits, for shifts to take it."""
    most = signed_digits.MOST_DIGITS
    return [signed_digits.nearest(value, most) for value in values.tolist()]


def _reset(subtract: Any, zero: Any) -> str:
    return "subtract" if subtract else "zero" if zero else "none"


def _tensors(**columns: Sequence[int]) -> dict[str, Tensor]:
    return {name: torch.tensor(column) for name, column in columns.items()}
