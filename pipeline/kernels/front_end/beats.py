"""The beats of an ECG in integers: compiled, and its reference in Python.

What `pipeline.qrs` does, on samples y of 32 bits, u = y − y[0], with w samples of the
moving integral and a reach of R::

    f[k] = (e + b₀·(u[k] − u[k−2]) + c₁·f[k−1] + c₂·f[k−2]) ≫ 30
    h[k] = ⌊√Σ (f[i] − f[i−1])²⌋,   i = k − w + 1 … k
    c is a peak if 0 < h[c] = max h[c − R … c + R], and the last such lies far enough

e is what the shift lost a sample ago. A peak of height h is a beat if ::

    h > N + ((B − N)·(0.3·z) ≫ 16),   z = 2^−max(0, (c − last) / interval − 1.5)

with the running levels of beats B and of noise N; z and 0.3 have 16 fraction bits, the
interval has 8. 2^−p is 1 − p·(0.67 − 0.17·p) for p below 1, to 0.3 %. Levels move by
(h − level) / min(8, peaks), towards 0, or for a beat after the threshold sank, by
(h − B)·(1 − z) if that is more; the interval by an eighth. The beat lies where |f| is
highest in c − w … c.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64

from pipeline.kernels.compiling import compiled, inlined
from pipeline.kernels.front_end.plain import fits
from pipeline.kernels.front_end.state import COEFFICIENT_BITS

SHARE = 19661
"""0.3 with 16 fraction bits."""

SLOPE, BEND = 43909, 11141
"""0.67 and 0.17 with 16 fraction bits; their difference is half."""

OVERDUE = 384
"""1.5 intervals with 8 fraction bits."""

FASTEST = 8
"""A level moves by this part at least."""

FARTHEST = 1 << 15
"""A longer time without a beat counts as this, samples."""

(
    TIME, FIRST, INPUT, EARLIER_INPUT, RESIDUE, SUM, SETTLED, BEAT, NOISE, LAST,
    INTERVAL, PEAKS, RINGS,
) = range(13)  # fmt: skip
"""Places of the words; the rings of f and h are the rest."""

Words = Int64[np.ndarray, " word"]


class BeatFinder(NamedTuple):
    """The constants.

    Parameters
    ----------
    width, reach : int
        w and R, samples.
    second, longest : int
        The first interval, with 8 fraction bits; the longest that counts, samples.
    b0, c1, c2 : int
        The band-pass, with 30 fraction bits.
    """

    width: int
    reach: int
    second: int
    longest: int
    b0: int
    c1: int
    c2: int


def n_words(code: BeatFinder) -> int:
    """Count the words of the memory."""
    return RINGS + code.width + code.reach + 1 + 2 * code.reach + 1


def find_beats(
    code: BeatFinder, samples: Int64[np.ndarray, " time"], words: Words
) -> tuple[Int64[np.ndarray, " beat"], Words]:
    """Find the beats that are certain at the end of a chunk.

    Parameters
    ----------
    code : BeatFinder
    samples : array, shape (time,), int64
    words : array, shape (word,), int64
        The memory after the chunk before, 0 at first. It is not changed.

    Returns
    -------
    beats : array, shape (beat,), int64
        Samples since the start.
    words : array, shape (word,), int64
    """
    found, words = np.full(len(samples), -1, np.int64), words.copy()
    _find_each(code, samples, words, found)
    return found[found >= 0], words


@inlined
def root(number: Any) -> Any:
    """Give ⌊√number⌋ of a number below 2^62, digit by digit."""
    found, bit = 0, 1 << 60
    while bit > number:
        bit >>= 2
    while bit:
        if number >= found + bit:
            number -= found + bit
            found = (found >> 1) + bit
        else:
            found >>= 1
        bit >>= 2
    return found


@inlined
def _towards_zero(number: Any, divisor: Any) -> Any:
    return number // divisor if number >= 0 else -(-number // divisor)


@inlined
def _height(code: Any, sample: Any, words: Any, filtered: Any) -> Any:
    """Filter a sample, and give the integral's root."""
    time, n = words[TIME], len(filtered)
    last, before = filtered[(time - 1) % n], filtered[(time - 2) % n]
    shifted = sample - words[FIRST]
    total = words[RESIDUE] + code.b0 * (shifted - words[EARLIER_INPUT])
    total += code.c1 * last + code.c2 * before
    words[EARLIER_INPUT], words[INPUT] = words[INPUT], shifted
    words[RESIDUE] = total & ((1 << COEFFICIENT_BITS) - 1)
    level = total >> COEFFICIENT_BITS
    leaves = filtered[(time - code.width) % n] - filtered[(time - code.width - 1) % n]
    words[SUM] += (level - last) ** 2 - leaves**2
    filtered[time % n] = level
    return root(words[SUM])


@inlined
def _sunk(words: Any, elapsed: Any) -> Any:
    """Give z, with 16 fraction bits."""
    late = (min(elapsed, FARTHEST) << 16) // words[INTERVAL] - OVERDUE
    if late <= 0:
        return 1 << 16
    part = late & 255
    return ((1 << 16) - (part * (SLOPE - (BEND * part >> 8)) >> 8)) >> min(
        late >> 8, 17
    )


@inlined
def _judge(code: Any, height: Any, centre: Any, words: Any) -> Any:
    """Decide whether a peak is a beat, and move the levels on."""
    beat, noise, elapsed = words[BEAT], words[NOISE], centre - words[LAST]
    sunk = _sunk(words, elapsed)
    words[PEAKS] = min(words[PEAKS] + 1, FASTEST)
    if height <= noise + ((beat - noise) * (SHARE * sunk >> 16) >> 16):
        words[NOISE] += _towards_zero(height - noise, words[PEAKS])
        return False
    fresh = (1 << 16) - sunk
    if fresh * words[PEAKS] > 1 << 16:
        words[BEAT] += (height - beat) * fresh >> 16
    else:
        words[BEAT] += _towards_zero(height - beat, words[PEAKS])
    newest = min(elapsed, code.longest)
    words[INTERVAL] += ((newest << 8) - words[INTERVAL]) >> 3
    words[LAST] = centre
    return True


@inlined
def _steepest(code: Any, centre: Any, filtered: Any) -> Any:
    """Find where |f| is highest in c − w … c; of equals the first counts."""
    n, place = len(filtered), centre - code.width
    for time in range(centre - code.width + 1, centre + 1):
        if abs(filtered[time % n]) > abs(filtered[place % n]):
            place = time
    return place


@inlined
def _find(code: Any, sample: Any, words: Any) -> Any:
    """Take in a sample; give the beat that is now certain, or −1."""
    time, n = words[TIME], code.width + code.reach + 1
    filtered, heights = words[RINGS : RINGS + n], words[RINGS + n :]
    if time == 0:
        words[FIRST], words[INTERVAL] = sample, code.second
        words[SETTLED] = -code.reach - 1
    heights[time % len(heights)] = _height(code, sample, words, filtered)
    words[TIME] += 1
    centre = time - code.reach
    height = heights[centre % len(heights)]
    if height == 0 or height != heights.max():
        return -1
    apart = centre - words[SETTLED] > code.reach
    words[SETTLED] = centre
    if apart and _judge(code, height, centre, words):
        return _steepest(code, centre, filtered)
    return -1


@compiled
def _find_each(code: Any, samples: Any, words: Any, found: Any) -> None:
    """Fill `found` and move `words` on, in place."""
    for step in range(len(samples)):
        found[step] = _find(code, samples[step], words)


def plain_beats(code: BeatFinder, samples: list[int]) -> list[int]:
    """Find the beats of a complete recording: the oracle."""
    filtered = list(_plain_filtered(code, samples))
    squares = [
        (now - before) ** 2
        for before, now in zip([0, *filtered], filtered, strict=False)
    ]
    heights = [
        fits(math.isqrt(sum(squares[max(0, k - code.width + 1) : k + 1])), 32)
        for k in range(len(squares))
    ]
    beats, settled, levels = [], -code.reach - 1, _PlainLevels(code)
    for centre, height in enumerate(heights[: len(heights) - code.reach]):
        around = heights[max(0, centre - code.reach) : centre + code.reach + 1]
        if 0 < height == max(around):
            if centre - settled > code.reach and levels.judge(height, centre):
                places = range(max(0, centre - code.width), centre + 1)
                beats.append(max(places, key=lambda k: abs(filtered[k])))
            settled = centre
    return beats


def _plain_filtered(code: BeatFinder, samples: list[int]) -> Iterator[int]:
    residue, past = 0, (0, 0)
    shifted = [sample - samples[0] for sample in samples]
    for earlier, now in zip([0, 0, *shifted], shifted, strict=False):
        total = residue + code.b0 * (now - earlier)
        total += code.c1 * past[0] + code.c2 * past[1]
        level, residue = divmod(total, 2**COEFFICIENT_BITS)
        past = fits(level, 30), past[0]
        yield level


class _PlainLevels:
    """The running levels, from their equations."""

    def __init__(self, code: BeatFinder) -> None:
        self.code, self.interval = code, code.second
        self.beat = self.noise = self.last = self.peaks = 0

    def judge(self, height: int, centre: int) -> bool:
        """Decide whether a peak is a beat."""
        elapsed = centre - self.last
        late = max(0, min(elapsed, FARTHEST) * 2**16 // self.interval - OVERDUE)
        octaves, part = divmod(late, 256)
        sunk = (2**16 - part * (SLOPE - BEND * part // 256) // 256) // 2**octaves
        least = self.noise + (self.beat - self.noise) * (SHARE * sunk // 2**16) // 2**16
        self.peaks = min(self.peaks + 1, FASTEST)
        if height <= least:
            self.noise += int((height - self.noise) / self.peaks)
            return False
        new = 2**16 - sunk
        if new * self.peaks > 2**16:
            self.beat += (height - self.beat) * new // 2**16
        else:
            self.beat += int((height - self.beat) / self.peaks)
        self.interval += (min(elapsed, self.code.longest) * 256 - self.interval) // 8
        self.last = centre
        return True
