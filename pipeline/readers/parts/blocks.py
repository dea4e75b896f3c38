"""Values that stand beside the samples: their texts, and the runs of equal ones."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from pipeline.readers.base import Marks

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
LONGEST = 18
"""Digits of an integer that is written in full."""


def canonical(text: str, decimal: str = ".") -> str:
    """Write an integer one way: 1, 1.0 and 1.000e+00 are all '1'.

    Anything else stays as it is written: nothing is rounded, so 1.9999999 is not 2,
    and neither are digits with leading zeros, which are names.
    """
    text = text.strip()
    plain = text.replace(decimal, ".")
    if text.isdigit() or not NUMBER.fullmatch(plain):
        return text
    number = Decimal(plain)
    if number.adjusted() > LONGEST or number != number.to_integral_value():
        return text
    return str(int(number))


def written(value: Any) -> str:
    """Write a value that a file holds as a number or text; "" for NaN."""
    if isinstance(value, bool | np.bool):
        value = int(value)
    if isinstance(value, np.floating):
        # The shortest digits that give the value again in its own precision.
        value = np.format_float_positional(value)
    text = canonical(str(value))
    return "" if text == "nan" else text


def blocks(
    codes: np.ndarray,
    texts: Sequence[str],
    time_of: Callable[[np.ndarray], np.ndarray],
    end_s: float,
) -> Marks:
    """Make a block of each run of rows with one text.

    Parameters
    ----------
    codes : array of int, shape (row,)
        Place of each row's text among the texts.
    texts : sequence of str
        Equal ones are one text.
    time_of : callable
        Gives the times of rows, seconds since the first sample.
    end_s : float
        Where the last block ends; each other lasts until the next.
    """
    different, same = np.unique(np.asarray(texts, dtype=object), return_inverse=True)
    codes = same[codes]
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    onset_s = np.maximum(time_of(first), 0.0)
    duration_s = np.diff(onset_s, append=end_s)
    return Marks(onset_s, duration_s, tuple(different[codes[first]]))
