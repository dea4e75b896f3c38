"""What a stream is to the pipeline, and a recording replayed as one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.axes import Precise

PIECE_S = 0.01
"""Of a recording that is replayed, seconds at a time."""


class GoneError(Exception):
    """The stream has ended, or its sender has vanished."""


@dataclass(frozen=True)
class About:
    """What a stream states about itself.

    Parameters
    ----------
    name : str
    channels : tuple of str
        Empty if it names none.
    n_channels : int
    sfreq : float
        Samples per second.
    """

    name: str
    channels: tuple[str, ...]
    n_channels: int
    sfreq: float


@dataclass(frozen=True)
class Chunk:
    """Samples that have come.

    Parameters
    ----------
    samples : array, shape (channel, time)
        Volts; may be empty, and hold what is no number.
    stamps : array, shape (time,), or None
        When each was taken, seconds on the sender's clock; None: not known.
    follows : bool
        False: a pause before them is known, however short.
    """

    samples: Precise
    stamps: np.ndarray | None = None
    follows: bool = True


class Inlet(Protocol):
    """An open stream."""

    @property
    def about(self) -> About:
        """What it states about itself."""

    def pull(self) -> Chunk | None:
        """Wait a moment for samples; None: it is over.

        Raises
        ------
        GoneError
            Its sender has vanished.
        """


class Source(Protocol):
    """Where streams come from."""

    def open(self) -> Inlet:
        """Find the stream and open it.

        Raises
        ------
        DataError
            There is none.
        """


class Replay:
    """A recording as a stream, as fast as asked.

    Parameters
    ----------
    about : About
    segments : sequence of array, shape (channel, time)
        Volts, between pauses.
    onsets_s : sequence of float
        When each began, seconds.
    speed : float
        Seconds of signal a second; infinite: without waiting.
    """

    def __init__(
        self,
        about: About,
        segments: list[Precise],
        onsets_s: list[float],
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.about, self.segments, self.onsets_s = about, segments, onsets_s
        self.speed, self.clock, self.sleep = speed, clock, sleep
        self._segment = self._sample = 0
        self._begun: float | None = None

    def open(self) -> "Replay":
        """Begin."""
        return self

    def pull(self) -> Chunk | None:
        """Give the next piece when its last sample is due."""
        if self._segment == len(self.segments):
            return None
        samples, onset_s = self.segments[self._segment], self.onsets_s[self._segment]
        first = self._sample
        follows = first > 0 or self._segment == 0
        stop = first + max(1, round(PIECE_S * self.about.sfreq))
        piece = samples[:, first:stop]
        stamps = onset_s + (first + np.arange(piece.shape[1])) / self.about.sfreq
        self._sample = stop
        if stop >= samples.shape[1]:
            self._segment, self._sample = self._segment + 1, 0
        if piece.shape[1]:
            self._wait(stamps[-1])
        return Chunk(piece, stamps, follows)

    def _wait(self, stamp: float) -> None:
        """Wait until a sample is due."""
        if self._begun is None:
            self._begun = self.clock() - self.onsets_s[0] / self.speed
        due = self._begun + stamp / self.speed
        if (left := due - self.clock()) > 0:
            self.sleep(left)
