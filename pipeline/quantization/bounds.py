"""Bounds of the numbers of an integer network: proofs, not measurements.

A layer's `charge` is the largest sum of a neuron's weights in a step, for all inputs
and all orders of adding them. From it and the neuron's constants follows a number that
no state and no partial sum ever exceeds. All are Python's integers, which cannot
overflow themselves.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.quantization.arithmetic import LEAK_BITS, WORD

ONE = 1 << LEAK_BITS
T = TypeVar("T")


class QuantizationError(PipelineError):
    """A network that cannot run in integers; the message names the layer and reason."""


def as_integers(values: Tensor) -> list[int]:
    """Round to integers, halves to even."""
    return [round(value) for value in values.tolist()]


def charges(weights: Tensor, most: Sequence[int]) -> list[int]:
    """Bound the magnitude of each neuron's sum in a step.

    Parameters
    ----------
    weights : Tensor, shape (neuron, input)
        Integers.
    most : sequence of int
        The largest value of each input; the smallest is 0.
    """
    bounds = []
    for row in weights.tolist():
        terms = [weight * top for weight, top in zip(row, most, strict=True)]
        up = sum(term for term in terms if term > 0)
        bounds.append(max(up, up - sum(terms)))
    return bounds


def settled(gained: int, kept: int) -> int:
    r"""Bound a state that every step multiplies by a factor below 1.

    ::

        u ← rounded(kept·u, 15) + g,  |g| ≤ gained   ⟹   |u| ≤ M
        M = ⌈(gained + 1)·2¹⁵ / (2¹⁵ − |kept|)⌉

    since |u| ≤ M implies |u'| ≤ |kept|·M/2¹⁵ + ½ + gained ≤ M, and u begins with 0.
    """
    return -(-(gained + 1) * ONE // (ONE - abs(kept)))


def rounded_int(product: int, bits: int) -> int:
    """Do what `arithmetic.rounded` does."""
    return (product + (1 << bits >> 1)) >> bits


def fits(numbers: Sequence[int]) -> bool:
    """Whether all numbers fit 32 bits."""
    return all(abs(number) < WORD for number in numbers)


def finest(name: str, most: int, attempt: Callable[[int], T | None]) -> T:
    """Take the most fraction bits with which an attempt succeeds.

    Raises
    ------
    QuantizationError
        None does.
    """
    for bits in range(most, -1, -1):
        if (made := attempt(bits)) is not None:
            return made
    raise QuantizationError(
        name,
        "its numbers might not fit 32 bits, at any number of fraction bits",
        expected="weights, biases and thresholds of comparable size, a leak that leaks",
        remedy="shorter time constants, or fewer inputs a neuron",
    )
