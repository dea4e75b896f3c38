"""Step-forward in integers: compiled, and its reference in Python.

With q fraction bits of the reference r::

    ON  = x·2^q > (r + T)·s,   OFF = x·2^q < (r − T)·s
    r  += T·(ON − OFF),        r[0] = x[0]·2^q / s[0]

which compares x / s with r ± T without a division.
"""

from typing import Any, NamedTuple

from pipeline.kernels.front_end.events import implements, ratio
from pipeline.kernels.front_end.plain import fits
from pipeline.kernels.front_end.plain import ratio as plain_ratio

BEGUN, REFERENCE = range(2)
"""Places of a channel's words."""

N_WORDS = 2


class StepForward(NamedTuple):
    """The fraction bits q, and the threshold T with them."""

    bits: int
    threshold: int


@implements(StepForward)
def _advance(code: Any, level: Any, scale: Any, words: Any) -> Any:
    if words[BEGUN] == 0:
        words[BEGUN], words[REFERENCE] = 1, ratio(level, code.bits, scale)
    error = (level << code.bits) - words[REFERENCE] * scale
    reach = code.threshold * scale
    count = 1 if error > reach else (-1 if error < -reach else 0)
    words[REFERENCE] += count * code.threshold
    return count


def plain(code: StepForward, levels: list[int], scales: list[int]) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts: list[int] = []
    reference: int | None = None
    for level, scale in zip(levels, scales, strict=True):
        if reference is None:
            reference = plain_ratio(level, code.bits, scale)
        count = int(level * 2**code.bits > (reference + code.threshold) * scale)
        count -= int(level * 2**code.bits < (reference - code.threshold) * scale)
        reference = fits(reference + count * code.threshold, 32)
        counts.append(count)
    return counts
