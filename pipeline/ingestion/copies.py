"""Recordings that hold the same signal, whatever the names and formats of their files.

Copies may have another name, header, gain, unit or format, and so other bytes. So that
long recordings need not be kept, their sketches are compared: short vectors that are
proportional, but for rounding, if the signals are, and else are not.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.axes import Precise

SIZE, MOST_CHANNELS = 256, 64
"""Numbers in a sketch, and channels that share them."""
BLOCK = 64
"""Samples at most that make a number."""
DEVIATIONS = 8.0
"""By how much equal signs outnumber others in copies, in standard deviations of what
chance makes."""
ROUNDING = 0.05
"""The largest median difference of a copy, as a share of the median number."""
LEAST_CHANGES = 32
"""Samples that differ from those before them, of which chance repeats no sequence."""
TOGETHER = 512
"""Sketches that are compared with all others at once."""


@dataclass(frozen=True)
class Sketch:
    """The parts of a recording that are compared.

    Parameters
    ----------
    layout : tuple of int
        Number of channels, and samples from block to block: sketches of different
        layouts are not of the same signal.
    values : tuple of float
        A number for each channel and block.
    digest : str
        SHA-256 of the samples that were taken, as float32: it shows copies of the same
        numbers where few blocks change. "" if hardly any sample differs from the next.
    samples : str
        SHA-256 of all samples, as float32, one moment after the other.
    """

    layout: tuple[int, int]
    values: tuple[float, ...]
    digest: str = ""
    samples: str = ""


class Sketcher:
    """Take samples from a recording while its pieces pass, and sketch it then.

    The blocks begin with the recording and lie apart by a power of two, so that the
    sketch hangs neither on how the samples are divided nor on a few more at the end.

    Parameters
    ----------
    n_channels, n_samples : int
        Of the recording.
    """

    def __init__(self, n_channels: int, n_samples: int) -> None:
        n_used = min(n_channels, MOST_CHANNELS)
        n_blocks = SIZE // n_used
        apart = 1 << max(1, int(n_samples // n_blocks).bit_length() - 1)
        self._layout = n_channels, apart
        starts = apart * np.arange(min(n_blocks, n_samples // apart))
        self._places = (starts[:, None] + np.arange(min(apart, BLOCK))).ravel()
        self._samples = np.zeros((n_used, len(self._places)))
        self._all = hashlib.sha256()

    def passing(self, pieces: Iterable[Precise]) -> Iterator[Precise]:
        """Give all pieces, in order, after a look at each."""
        n_seen = 0
        for piece in pieces:
            until = n_seen + piece.shape[1]
            first, last = np.searchsorted(self._places, [n_seen, until])
            own = piece[: len(self._samples), self._places[first:last] - n_seen]
            self._samples[:, first:last] = own
            n_seen = until
            with np.errstate(over="ignore", invalid="ignore"):
                self._all.update(piece.T.astype(np.float32).tobytes())
            yield piece

    def sketch(self) -> Sketch:
        """Weigh the samples of each block with random numbers, always the same.

        The weights of a block add up to 0, so a block of one value gives 0.
        """
        length = min(self._layout[1], BLOCK)
        blocks = self._samples.reshape(len(self._samples), -1, length)
        blocks = blocks - blocks[:, :, :1]
        weights = np.random.default_rng(0).standard_normal(blocks.shape[1:])
        weights -= weights.mean(axis=1, keepdims=True)
        values = (blocks * weights).sum(axis=2)
        numbers = tuple(values.ravel().tolist())
        return Sketch(self._layout, numbers, self._digest(), self._all.hexdigest())

    def _digest(self) -> str:
        taken = self._samples.astype(np.float32)
        if (np.diff(taken, axis=1) != 0).sum() < LEAST_CHANGES:
            return ""
        return hashlib.sha256(taken.tobytes()).hexdigest()


def pairs(sketches: Sequence[Sketch | None]) -> list[tuple[int, int]]:
    """Find the pairs of recordings with the same signal, whatever its gain.

    Parameters
    ----------
    sketches : sequence of Sketch or None
        None is like no other.

    Returns
    -------
    pairs : list of tuple of int
        The places of two recordings, the lower first.
    """
    by_layout: dict[tuple[int, int, int], list[int]] = {}
    for place, sketch in enumerate(sketches):
        if sketch is not None:
            key = *sketch.layout, len(sketch.values)
            by_layout.setdefault(key, []).append(place)
    found = []
    for places in by_layout.values():
        rows = [row for place in places if (row := sketches[place]) is not None]
        values = np.array([row.values for row in rows])
        alike = {
            both
            for both in _candidates(np.sign(values).astype(np.float32))
            if _proportional(*values[list(both)])
        }
        alike.update(_same([row.digest for row in rows]))
        found += [(places[first], places[second]) for first, second in alike]
    return sorted(found)


def _same(digests: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pair each digest with the first that equals it."""
    first: dict[str, int] = {}
    for place, digest in enumerate(digests):
        if digest and first.setdefault(digest, place) != place:
            yield first[digest], place


def _candidates(signs: np.ndarray) -> Iterator[tuple[int, int]]:
    """Find the pairs of rows whose signs agree, or are opposite, beyond chance."""
    known = np.abs(signs)
    for begin in range(0, len(signs), TOGETHER):
        rows = slice(begin, begin + TOGETHER)
        agree = np.abs(signs[rows] @ signs.T)
        both = known[rows] @ known.T
        alike = agree >= DEVIATIONS * np.sqrt(both)
        for first, second in np.argwhere(alike & (both > 0)).tolist():
            if begin + first < second:
                yield begin + first, second


def _proportional(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two vectors are proportional but for rounding, where both are not 0."""
    known = (first != 0) & (second != 0)
    gain = np.median(first[known] / second[known])
    differs = np.abs(first - gain * second)[known]
    return bool(np.median(differs) <= ROUNDING * np.median(np.abs(first[known])))
