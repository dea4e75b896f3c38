"""Spikes whose derivative is replaced by a surrogate, in torch and compiled.

s = H(x), where x is the distance to the threshold; for the gradient

================ ================================== ========
name             H'(x)                              slope
================ ================================== ========
atan             (α/2) / (1 + (π/2·α·x)²)           α
fast_sigmoid     1 / (1 + k·|x|)²                   k
sigmoid          k·e / (1 + e)², e = exp(−k·|x|)    k
straight_through 1                                  not used
================ ================================== ========

They are snnTorch's. Those here also work in double precision, and the sigmoid does not
overflow far from the threshold.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
from numba.extending import overload
from torch import Tensor

from pipeline.kernels.compiling import EXACT, kind_of

Surrogate = Literal["atan", "fast_sigmoid", "sigmoid", "straight_through"]
ATAN, FAST_SIGMOID, SIGMOID, STRAIGHT_THROUGH = range(4)


def surrogate_options(name: Surrogate, slope: float) -> tuple[float, float, float]:
    """Express a surrogate in numbers, the last three options of every kernel.

    Returns
    -------
    number, steepness, peak : float
        The number of the surrogate, the factor of x, and the peak.
    """
    return {
        "atan": (ATAN, math.pi / 2 * slope, slope / 2),
        "fast_sigmoid": (FAST_SIGMOID, slope, 1.0),
        "sigmoid": (SIGMOID, slope, slope),
        "straight_through": (STRAIGHT_THROUGH, 0.0, 1.0),
    }[name]


def spike(distance: Tensor, number: float, steepness: float, peak: float) -> Tensor:
    """Fire where the distance to the threshold is positive."""
    function: Any = _Spike.apply
    return cast("Tensor", function(distance, int(number), steepness, peak))


class _Spike(torch.autograd.Function):
    """H(x) with the surrogate's derivative."""

    @staticmethod
    def forward(
        ctx: Any, distance: Tensor, number: int, steepness: float, peak: float
    ) -> Tensor:
        """Fire where the distance to the threshold is positive."""
        ctx.save_for_backward(distance)
        ctx.surrogate = number, steepness, peak
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        """Multiply by the surrogate's derivative."""
        (distance,) = ctx.saved_tensors
        return grad * derivative(distance, *ctx.surrogate), None, None, None


def derivative(distance: Tensor, number: int, steepness: float, peak: float) -> Tensor:
    """Compute H' in torch."""
    if number == ATAN:
        return peak / (1 + (steepness * distance) ** 2)
    if number == FAST_SIGMOID:
        return peak / (1 + steepness * distance.abs()) ** 2
    if number == SIGMOID:
        tail = torch.exp(-steepness * distance.abs())
        return peak * tail / (1 + tail) ** 2
    return torch.full_like(distance, peak)


class Rational(NamedTuple):
    """H'(x) = peak / (1 + linear·|x| + square·x²): no branch, so loops vectorise."""

    peak: Any
    linear: Any
    square: Any
    one: Any


class Exponential(NamedTuple):
    """The sigmoid's H'."""

    steepness: Any
    one: Any


def compiled_surrogate(options: Sequence[float], dtype: Any) -> Rational | Exponential:
    """Prepare a surrogate for compiled loops of a precision."""
    number, steepness, peak = options[-3:]
    if number == SIGMOID:
        return Exponential(dtype.type(steepness), dtype.type(1))
    linear = 2 * steepness if number == FAST_SIGMOID else 0.0
    return Rational(*np.array([peak, linear, steepness**2, 1], dtype))


def surrogate_gradient(distance: Any, surrogate: Any) -> Any:
    """Compute H' at a distance; for compiled code only."""
    raise NotImplementedError


@overload(surrogate_gradient, jit_options=EXACT)
def _choose_gradient(distance: Any, surrogate: Any) -> Callable[..., Any]:
    """Choose the formula by the surrogate's type, when a loop is compiled."""
    return _rational if kind_of(surrogate) is Rational else _exponential


def _rational(distance: Any, surrogate: Any) -> Any:
    size = abs(distance)
    bend = size * (surrogate.linear + surrogate.square * size)
    return surrogate.peak / (surrogate.one + bend)


def _exponential(distance: Any, surrogate: Any) -> Any:
    tail = math.exp(-surrogate.steepness * abs(distance))
    rise = surrogate.one + tail
    return surrogate.steepness * tail / (rise * rise)
