"""Fixed point: integers that represent numbers, and rounded products.

A number x with n fraction bits is the integer round(x·2ⁿ). All stored numbers of a
network fit 32 bits, by a bound that is computed when it is quantised and checked again
in every step; products of two such numbers take 64.
"""

from torch import Tensor

from pipeline.errors import PipelineError

LEAK_BITS = 15
"""Fraction bits of the factor by which a step multiplies a membrane or current."""

CURVE_BITS = 14
"""Fraction bits of a polynomial's second and third coefficient."""

WORD = 2**31
"""A 32-bit integer lies in −WORD … WORD − 1."""


class WordOverflowError(PipelineError):
    """A number that does not fit 32 bits."""


def rounded(product: Tensor, bits: int) -> Tensor:
    """Shift right, rounding to nearest and halves up: (x + 2^(bits − 1)) >> bits."""
    return (product + (1 << bits >> 1)) >> bits


def fitting(values: Tensor, where: str) -> Tensor:
    """Return the values if they fit 32 bits.

    Raises
    ------
    WordOverflowError
    """
    if values.numel() and not bool(((values >= -WORD) & (values < WORD)).all()):
        raise WordOverflowError(
            where,
            f"a value of {int(values.abs().max())}",
            expected=f"less than {WORD}: 32 bits",
            remedy="quantise with fewer fraction bits",
        )
    return values
