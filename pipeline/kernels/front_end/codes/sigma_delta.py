"""Sigma-delta in integers: compiled, and its reference in Python.

With samples y of q fraction bits::

    y = min(max(x·2^q / s, −T), T)
    v = u + y,   s = 1 if v ≥ T,   −1 if v ≤ −T,   else 0
    u = v − T·s

The compiled form divides only where |x / s| < T.
"""

from typing import Any, NamedTuple

from pipeline.kernels.front_end.events import implements, ratio
from pipeline.kernels.front_end.plain import fits
from pipeline.kernels.front_end.plain import ratio as plain_ratio

N_WORDS = 1


class SigmaDelta(NamedTuple):
    """The fraction bits q, and the threshold T with them."""

    bits: int
    threshold: int


@implements(SigmaDelta)
def _advance(code: Any, level: Any, scale: Any, words: Any) -> Any:
    limit, total = code.threshold, words[0]
    if level << code.bits >= limit * scale:
        total += limit
    elif level << code.bits <= -limit * scale:
        total -= limit
    else:
        total += ratio(level, code.bits, scale)
    count = 1 if total >= limit else (-1 if total <= -limit else 0)
    words[0] = total - count * limit
    return count


def plain(code: SigmaDelta, levels: list[int], scales: list[int]) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts, total, limit = [], 0, code.threshold
    for level, scale in zip(levels, scales, strict=True):
        total += min(max(plain_ratio(level, code.bits, scale), -limit), limit)
        count = int(fits(total, 32) >= limit) - int(total <= -limit)
        total -= limit * count
        counts.append(count)
    return counts
