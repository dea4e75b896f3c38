"""Leaks that hardware computes by shifts and additions: few signed binary digits.

::

    β = ±2^−a ± 2^−b ± 2^−c   ⟹   β·u = ±2^−a·u ± 2^−b·u ± 2^−c·u

A multiplier of 32 bits costs more than all the rest of a leaky neuron's update. No
nonzero digit has a nonzero neighbour in the canonical form of a number, and no other
form of it has fewer [1]_. A microcontroller that multiplies in one cycle gains nothing:
there the leak stays a product. Both give the same integers if the sum is rounded once.

References
----------
.. [1] H. Prodinger, "On binary representations of integers with digits −1, 0, 1",
   Integers 0, 2000, A08 (the form and its digits; `tests` try that none has fewer).
"""

from bisect import bisect
from functools import cache

from pipeline.quantization.bounds import ONE

MOST_DIGITS = 3
"""Nonzero digits of a leak: with three, 1 − β still has two."""


def digits(number: int) -> int:
    """Count the nonzero digits of an integer's canonical form.

    ::

        3·n − n = 2·n, digit by digit: one is nonzero where bits of 3·n and n differ
    """
    size = abs(number)
    return (3 * size ^ size).bit_count()


@cache
def numbers(most: int) -> tuple[int, ...]:
    """List the integers of at most so many digits between −2¹⁵ and 2¹⁵, in order."""
    return tuple(n for n in range(1 - ONE, ONE) if digits(n) <= most)


def nearest(value: float, most: int) -> int:
    """Choose the leak of at most so many digits that is nearest, 15 fraction bits.

    Of two that are equally near it takes that of fewer digits, then the one that leaks
    more. The leak is always below 1, or a state would never decay.
    """
    known, exact = numbers(most), value * ONE
    place = bisect(known, exact)
    return min(
        known[max(place - 1, 0) : place + 1],
        key=lambda n: (abs(n - exact), digits(n), abs(n)),
    )
