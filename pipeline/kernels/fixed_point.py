"""Unsigned 32-bit arithmetic that compiled loops share; the words stand in int64."""

from typing import Any

import numpy as np

from pipeline.kernels.compiling import inlined

GUESS = 24576
"""Offset of the line that a root is begun with, 0.75·2^15; exact at the upper end."""


@inlined
def leading_zeros(word: Any) -> Any:
    """Count the leading zeros of a 32-bit word, rounded down to an even count."""
    count = 0
    while count < 30 and word >> (30 - count) == 0:
        count += 2
    return count


@inlined
def root(word: Any) -> Any:
    """Give 2·√word, below 2^17, of a word in 2^30 … 2^32 − 1.

    A line, then Heron's step twice: the error is below 2.
    """
    guess = (word >> 17) + (word >> 19) + GUESS
    guess = (guess + word // guess) >> 1
    return guess + word // guess


@inlined
def times(word: Any, fraction: Any) -> Any:
    """Multiply two words and keep the upper half of the product."""
    return np.int64((np.uint64(word) * np.uint64(fraction)) >> np.uint64(32))


@inlined
def follow(power: Any, square: Any, decay: Any) -> Any:
    """Leave `decay`, with 32 fraction bits, of the power, and add a square."""
    low = power & ((1 << 32) - 1)
    return (power >> 32) * decay + times(low, decay) + square
