"""Leaks of few digits, against all forms that numbers have."""

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quantization.bounds import ONE
from pipeline.quantization.signed_digits import MOST_DIGITS, digits, nearest, numbers


def sums(most: int, top: int = 16) -> set[int]:
    """Add up to so many powers of two below 2^top, of either sign, in every way."""
    return {
        sum(sign << place for sign, place in zip(signs, places, strict=True))
        for n in range(most + 1)
        for places in combinations(range(top), n)
        for signs in product((-1, 1), repeat=n)
    }


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_all_numbers_that_so_many_powers_of_two_give_and_no_other(most: int) -> None:
    assert set(numbers(most)) == {n for n in sums(most) if abs(n) < ONE}
    assert list(numbers(most)) == sorted(numbers(most))


def test_no_form_of_a_number_has_fewer_digits() -> None:
    fewest: dict[int, int] = {}
    for most in range(7):
        for number in sums(most, 9):
            fewest.setdefault(number, most)
    assert all(digits(number) == fewest[number] for number in range(-255, 256))


@given(st.floats(-1.2, 1.2), st.integers(1, 4))
def test_none_is_nearer(value: float, most: int) -> None:
    found = nearest(value, most)
    assert digits(found) <= most
    assert abs(found) < ONE
    off = abs(found - value * ONE)
    assert off == min(abs(n - value * ONE) for n in numbers(most))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0.0, 0),
        (1 - 2**-3 + 2**-7, ONE - 2**12 + 2**8),
        (-0.5, -ONE // 2),
        (0.999999, ONE - 1),
        (1.0, ONE - 1),
        # Halfway between 2^14 + 2^11 + 2^9 and 2^14 + 2^11 + 2^10: both have three.
        (19200 / ONE, 18944),
        # Halfway between 0 and 1: none is fewer than one.
        (0.5 / ONE, 0),
    ],
)
def test_by_hand(value: float, found: int) -> None:
    assert nearest(value, 3) == found


@given(st.floats(2**-8, 1 - 2**-8))
def test_how_far_a_leak_is_off(value: float) -> None:
    """Widest are the gaps from 21 to 22, whose middle is 43 halves, and from 5 to 6.

    The leaked part, 1 − β, has one digit less, and these are its gaps.
    """
    found = nearest(value, MOST_DIGITS) / ONE
    assert abs(found - value) <= value / 43 + 2**-16
    taken = 1 - value
    assert abs(found - value) <= taken / 11 + 2**-16
