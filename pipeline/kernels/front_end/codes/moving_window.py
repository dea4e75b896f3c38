"""Moving window in integers: compiled, and its reference in Python.

With samples y of q fraction bits, and the sum Y of those of the last w samples, c of
them::

    y = x·2^q / s
    s = ±1 where c·y − Y leaves ±c·T

which compares y with the mean Y / c without dividing by c.
"""

from typing import Any, NamedTuple

from pipeline.kernels.front_end.events import implements, ratio
from pipeline.kernels.front_end.plain import fits
from pipeline.kernels.front_end.plain import ratio as plain_ratio

SUM, COUNT, PLACE, WINDOW = range(4)
"""Places of a channel's words; the window is the rest."""


class MovingWindow(NamedTuple):
    """The fraction bits q, the samples of the window, w, and the threshold T."""

    bits: int
    length: int
    threshold: int


@implements(MovingWindow)
def _advance(code: Any, level: Any, scale: Any, words: Any) -> Any:
    units, place = ratio(level, code.bits, scale), WINDOW + words[PLACE]
    distance = words[COUNT] * units - words[SUM]
    reach = words[COUNT] * code.threshold
    if words[COUNT] < code.length:
        words[COUNT] += 1
    words[SUM] += units - words[place]
    words[place] = units
    words[PLACE] = (words[PLACE] + 1) % code.length
    return 1 if distance > reach else (-1 if distance < -reach else 0)


def plain(code: MovingWindow, levels: list[int], scales: list[int]) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts: list[int] = []
    seen: list[int] = []
    for level, scale in zip(levels, scales, strict=True):
        units, window = plain_ratio(level, code.bits, scale), seen[-code.length :]
        base, width = sum(window), len(window)
        count = int(fits(width * units, 32) > base + width * code.threshold)
        count -= int(width * units < base - width * code.threshold)
        fits(base + width * code.threshold, 32)
        fits(width * units - base, 32)
        seen.append(units)
        counts.append(count)
    return counts
