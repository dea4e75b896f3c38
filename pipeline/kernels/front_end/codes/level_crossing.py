"""Level crossing in integers: compiled, and its reference in Python.

Levels lie at j·S for all integers j, S with q fraction bits. With the level j that was
crossed last::

    n  = min(⌊x·2^q / (S·s)⌋ − j, most)    if x·2^q ≥ (j + 1)·S·s
       = max(⌈x·2^q / (S·s)⌉ − j, −most)   if x·2^q ≤ (j − 1)·S·s,   else 0
    j += n,                                j[0] = the level nearest to x[0]

The compiled form keeps l = j·S, compares, and divides only at the first sample.
"""

from typing import Any, NamedTuple

from pipeline.kernels.front_end.events import implements, ratio
from pipeline.kernels.front_end.plain import fits
from pipeline.kernels.front_end.plain import ratio as plain_ratio

BEGUN, LEVEL = range(2)
"""Places of a channel's words."""

N_WORDS = 2


class LevelCrossing(NamedTuple):
    """The fraction bits q, `most` crossings a sample, and the spacing S."""

    bits: int
    most: int
    spacing: int


@implements(LevelCrossing)
def _advance(code: Any, level: Any, scale: Any, words: Any) -> Any:
    step, count = code.spacing * scale, 0
    if words[BEGUN] == 0:
        words[BEGUN] = 1
        words[LEVEL] = ratio(level, code.bits, step) * code.spacing
    error = (level << code.bits) - words[LEVEL] * scale
    while count < code.most and error >= step:
        error, count = error - step, count + 1
    while count > -code.most and error <= -step:
        error, count = error + step, count - 1
    words[LEVEL] += count * code.spacing
    return count


def plain(code: LevelCrossing, levels: list[int], scales: list[int]) -> list[int]:
    """Count the crossings of one channel sample by sample: the oracle."""
    counts: list[int] = []
    crossed: int | None = None
    for level, scale in zip(levels, scales, strict=True):
        sample, step = level * 2**code.bits, code.spacing * scale
        if crossed is None:
            crossed = plain_ratio(level, code.bits, step)
        below, above = sample // step, -(-sample // step)
        count = max(min(below - crossed, code.most), 0)
        count += min(max(above - crossed, -code.most), 0)
        crossed += count
        fits(crossed * code.spacing, 32)
        counts.append(count)
    return counts
