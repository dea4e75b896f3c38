"""Send-on-delta in integers: compiled, and its reference in Python.

With q fraction bits of the base b, the threshold T and N = T·(1 + h), which a turn
needs, and the sign g of the last event::

    d  = x·2^q − b·s
    n  = min(⌊|d| / (T·s)⌋, most) · sign(d)   if |d| ≥ (N if sign(d) = −g else T)·s
    b += T·n,                                 b[0] = x[0]·2^q / s[0]

The compiled form compares and does not divide.
"""

from typing import Any, NamedTuple

from pipeline.kernels.front_end.events import implements, ratio
from pipeline.kernels.front_end.plain import fits
from pipeline.kernels.front_end.plain import ratio as plain_ratio

BEGUN, BASE, LAST = range(3)
"""Places of a channel's words."""

N_WORDS = 3


class SendOnDelta(NamedTuple):
    """The fraction bits q, `most` events a sample, T, and N of a turn."""

    bits: int
    most: int
    threshold: int
    turn: int


@implements(SendOnDelta)
def _advance(code: Any, level: Any, scale: Any, words: Any) -> Any:
    if words[BEGUN] == 0:
        words[BEGUN], words[BASE] = 1, ratio(level, code.bits, scale)
    distance = (level << code.bits) - words[BASE] * scale
    size, sign = abs(distance), 1 if distance > 0 else -1
    if size < (code.turn if sign == -words[LAST] else code.threshold) * scale:
        return 0
    number, step = 1, code.threshold * scale
    while number < code.most and size >= (number + 1) * step:
        number += 1
    words[LAST] = sign
    words[BASE] += sign * number * code.threshold
    return sign * number


def plain(code: SendOnDelta, levels: list[int], scales: list[int]) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts: list[int] = []
    base, last = None, 0
    for level, scale in zip(levels, scales, strict=True):
        if base is None:
            base = plain_ratio(level, code.bits, scale)
        distance = level * 2**code.bits - base * scale
        sign = 1 if distance > 0 else -1
        need = code.turn if sign == -last else code.threshold
        count = 0
        if abs(distance) >= need * scale:
            number = abs(distance) // (code.threshold * scale)
            count = sign * min(number, code.most)
            base, last = fits(base + code.threshold * count, 32), sign
        counts.append(count)
    return counts
