"""Running means of the intervals between beats, in integers."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from pipeline.encoders.parts.octaves import MEAN_BITS, OCTAVE, gain_shift, octaves

USUAL_SHIFT = 4
"""What the spread is measured from, and what is expected: means over 16 intervals."""

SPREAD_SHIFT = 3
"""The spread is a mean over 8 intervals."""


class Deviation(NamedTuple):
    """What an interval is against those before.

    Parameters
    ----------
    ratios : tuple of int
        log2 of its ratio to each reference, 1/256 octave.
    spread : int
        log2 of the mean distance of intervals from their mean, octaves; 1/256 octave.
    """

    ratios: tuple[int, ...]
    spread: int


@dataclass(frozen=True)
class Intervals:
    """A channel's running means; all have 8 more binary digits than their unit.

    ::

        m[n+1] = m[n] + ⌊(2^8 · x[n] − m[n]) / 2^shift⌋

    Parameters
    ----------
    references : tuple of int
        Means of log2 of the intervals, 1/256 octave, a shift each.
    usual : int
        Another, over 16 intervals.
    spread : int
        Mean distance from `usual`, 1/256 octave.
    expected : int
        Mean interval, samples.
    last : int or None
        The newest beat, samples since the start.
    n : int
        Intervals so far.
    """

    references: tuple[int, ...]
    usual: int = 0
    spread: int = 0
    expected: int = 0
    last: int | None = None
    n: int = 0

    def beat(
        self, time: int, *, longest: int, shifts: tuple[int, ...]
    ) -> "tuple[Deviation | None, Intervals]":
        """Judge the interval that a beat ends by the means, then move them.

        Parameters
        ----------
        time : int
            Samples since the start.
        longest : int
            A longer interval is a pause, which only marks where the next one begins.
        shifts : tuple of int
            Of the references.

        Returns
        -------
        deviation : Deviation or None
            None of a pause, and of the first interval.
        intervals : Intervals
        """
        interval = longest + 1 if self.last is None else time - self.last
        if not 0 < interval <= longest:
            return None, replace(self, last=time)
        level, usual = octaves(interval), gain_shift(self.n, USUAL_SHIFT)
        each = zip(self.references, shifts, strict=True)
        after = Intervals(
            tuple(_moved(m, level, gain_shift(self.n, shift)) for m, shift in each),
            usual=_moved(self.usual, level, usual),
            spread=self._spread_after(abs(level - _rounded(self.usual))),
            expected=_moved(self.expected, interval, usual),
            last=time,
            n=self.n + 1,
        )
        if not self.n:
            return None, after
        ratios = tuple(level - _rounded(mean) for mean in self.references)
        return Deviation(ratios, self._log_spread()), after

    def _spread_after(self, distance: int) -> int:
        """Move the spread; the first interval has no mean to be away from."""
        if not self.n:
            return 0
        return _moved(self.spread, distance, gain_shift(self.n - 1, SPREAD_SHIFT))

    def _log_spread(self) -> int:
        return octaves(self.spread + 1) - octaves(OCTAVE << MEAN_BITS)


def _moved(mean: int, value: int, shift: int) -> int:
    """Move a running mean towards a value."""
    return mean + (((value << MEAN_BITS) - mean) >> shift)


def _rounded(mean: int) -> int:
    """Give a running mean in the unit of what it averages."""
    return (mean + (1 << (MEAN_BITS - 1))) >> MEAN_BITS
