"""Temporal contrast in integers: compiled, and its reference in Python.

With samples y of q fraction bits and differences d[k] = y[k] − y[k−1]::

    y = x·2^q / s
    s = ±1 where d leaves ±T

T is given, or a running one, m + f·√(v − m²), of the mean m and mean square v of the
differences so far. With their sums M and V over the last c differences, c at most N::

    m = M / c,   v = V / c,   both towards 0
    M += d − (m if c = N else 0),   V += d² − (v if c = N else 0)
    s = sign(d) where |d| > m and (|d| − m)²·2^F > f²·(v − m²)

with F fraction bits of f²: there is no root.
"""

from itertools import pairwise
from typing import Any, NamedTuple

from pipeline.kernels.front_end.events import implements, ratio
from pipeline.kernels.front_end.plain import fits
from pipeline.kernels.front_end.plain import ratio as plain_ratio

BEGUN, LAST, COUNT, SUM, SQUARES, SQUARES_HIGH = range(6)
"""Places of a channel's words. V takes two: its low and its high 32 bits."""

N_WORDS = 6


class TemporalContrast(NamedTuple):
    """The fraction bits q, and T, or if that is 0, N, F and f²·2^F of a running one."""

    bits: int
    threshold: int
    longest: int
    factor_bits: int
    factor: int


@implements(TemporalContrast)
def _advance(code: Any, level: Any, scale: Any, words: Any) -> Any:
    units = ratio(level, code.bits, scale)
    change = units - words[LAST] if words[BEGUN] else 0
    began, words[LAST], words[BEGUN] = words[BEGUN], units, 1
    if code.threshold > 0:
        limit = code.threshold
        return 1 if change > limit else (-1 if change < -limit else 0)
    if not began:
        return 0
    squares = (words[SQUARES_HIGH] << 32) | words[SQUARES]
    mean = square = count = 0
    if words[COUNT] > 0:
        mean = abs(words[SUM]) // words[COUNT]
        mean = mean if words[SUM] >= 0 else -mean
        square = squares // words[COUNT]
        spread = max(square - mean * mean, 0) * code.factor
        beyond = abs(change) - mean
        if beyond > 0 and (beyond * beyond) << code.factor_bits > spread:
            count = 1 if change > 0 else (-1 if change < 0 else 0)
    if words[COUNT] < code.longest:
        words[COUNT] += 1
        mean = square = 0
    words[SUM] += change - mean
    squares += change * change - square
    words[SQUARES], words[SQUARES_HIGH] = squares & ((1 << 32) - 1), squares >> 32
    return count


def plain(code: TemporalContrast, levels: list[int], scales: list[int]) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    samples = [
        plain_ratio(level, code.bits, scale)
        for level, scale in zip(levels, scales, strict=True)
    ]
    changes = [now - before for before, now in pairwise(samples)]
    if code.threshold:
        limit = code.threshold
        fired = [int(d > limit) - int(d < -limit) for d in changes]
    else:
        fired = _plain_running(code, changes)
    return ([0] if samples else []) + fired


def _plain_running(code: TemporalContrast, changes: list[int]) -> list[int]:
    """Compare differences with a running threshold."""
    counts: list[int] = []
    total = squares = 0
    for number, change in enumerate(changes):
        known = min(number, code.longest)
        mean = square = 0
        if known:
            mean = abs(total) // known * (1 if total >= 0 else -1)
            square = squares // known
        spread = fits(max(square - mean**2, 0) * code.factor, 64)
        sign = (change > 0) - (change < 0)
        beyond = sign * change - mean
        exceeds = fits(beyond**2 << code.factor_bits, 64) > spread
        counts.append(sign if known and beyond > 0 and exceeds else 0)
        full = known == code.longest
        total = fits(total + change - (mean if full else 0), 32)
        squares = fits(squares + change**2 - (square if full else 0), 64)
    return counts
