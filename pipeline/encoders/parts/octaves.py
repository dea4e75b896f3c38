"""Logarithms and running means in integers, as a small device computes them."""

import math

OCTAVE = 256
"""Units an octave."""

MEAN_BITS = 8
"""Binary digits that a running mean has more than what it averages."""

TABLE = tuple(round(math.log2(1 + n / 256) * OCTAVE) for n in range(256))
"""log2 of the mantissa 1 + n / 256, in units; each entry fits a byte."""


def octaves(number: int) -> int:
    """Give log2 of a positive integer in 1/256 octave, from a table of 256 bytes.

    ::

        log2(2^e · (1 + f)) = e + log2(1 + f),   f cut to 8 binary digits

    It errs by less than 1/128 octave.
    """
    exponent = number.bit_length() - 1
    return exponent * OCTAVE + TABLE[(number << 8 >> exponent) & 255]


def gain_shift(n_before: int, shift: int) -> int:
    """Give the shift of a running mean that has taken so many values before.

    The gain 2^−shift is larger at first: 1, 1/2, 1/2, 1/4, …, the smallest power of two
    that is at least 1 / n for the n-th value.
    """
    return min(shift, (n_before + 1).bit_length() - 1)
