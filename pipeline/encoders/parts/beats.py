"""Beats for codes that follow them: found in the signal, reported after a fixed time.

A detector is certain of a beat sooner or later, at most `delay` samples after it. These
codes work by a clock that lags by at least as much: every beat then comes equally late,
and up to the clock's time all beats are known.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, Self

import numpy as np
from jaxtyping import Float
from pydantic import Field, PrivateAttr

from pipeline.encoders.base import Beats, Encoder, State
from pipeline.errors import ConfigError
from pipeline.qrs import Detector


class Finder(Protocol):
    """What finds the beats of one channel, as `pipeline.qrs.Detector` does."""

    @property
    def sfreq(self) -> float:
        """Samples per second."""

    @property
    def delay(self) -> int:
        """Samples after a beat at which it is known at the latest."""

    def start(self) -> Any:
        """Make the state before the first sample."""

    def detect(
        self, chunk: Float[np.ndarray, " time"], state: Any
    ) -> tuple[np.ndarray, Any]:
        """Find the beats that are certain at the end of a chunk."""


@dataclass(frozen=True)
class Given:
    """Reports annotated beats with a detector's delay: an oracle.

    Parameters
    ----------
    sfreq : float
        Samples per second.
    beats : tuple of int
        Samples since the start, rising.
    """

    sfreq: float
    beats: tuple[int, ...]

    @property
    def delay(self) -> int:
        """That of the detector it stands for, samples."""
        return Detector(self.sfreq).delay

    def start(self) -> int:
        """Count the samples so far."""
        return 0

    def detect(
        self, chunk: Float[np.ndarray, " time"], state: int
    ) -> tuple[np.ndarray, int]:
        """Report the beats in a chunk, whatever its samples are."""
        after = state + len(chunk)
        beats = np.asarray(self.beats, np.int64)
        return beats[(beats >= state) & (beats < after)], after


@dataclass(frozen=True)
class Clock:
    """A lagging clock between two chunks.

    Parameters
    ----------
    found : DetectorState or int
        State of what finds beats.
    waiting : tuple of int
        Beats that are certain, at or after the clock's time.
    time : int
        The next sample of the clock; negative before the recording's first.
    """

    found: Any
    waiting: tuple[int, ...]
    time: int

    def advance(
        self, finder: Finder, samples: Float[np.ndarray, " time"]
    ) -> "tuple[list[int], Clock]":
        """Give the beats that the clock passes while a chunk of samples comes in."""
        found, state = finder.detect(samples, self.found)
        beats, time = [*self.waiting, *found.tolist()], self.time + len(samples)
        waiting = tuple(beat for beat in beats if beat >= time)
        return [beat for beat in beats if beat < time], Clock(state, waiting, time)


class BeatCode(Encoder[State]):
    """A code of beats: the detector's, or for comparison the annotated ones."""

    beats: Annotated[
        Literal["detected", "annotated"],
        Field(
            description="Whose beats. `annotated` is an oracle, for comparison alone: "
            "no device has annotations."
        ),
    ] = "detected"

    _annotated: Beats | None = PrivateAttr(default=None)

    @property
    def is_oracle(self) -> bool:
        """Whether it needs annotations to encode."""
        return self.beats == "annotated"

    def on(self, channels: tuple[str, ...], annotated: Beats | None = None) -> Self:
        """Take the annotated beats of a segment, if it needs them."""
        own = self.model_copy()
        own._annotated = annotated
        return own

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> State:
        """Make a state in which no beat is known; nothing is drawn."""
        return self.begin(self.finder(sfreq), n_channels)

    @abstractmethod
    def begin(self, finder: Finder, n_channels: int) -> State:
        """Make a state in which no beat is known, with what will find them."""

    def finder(self, sfreq: float) -> Finder:
        """Make what finds beats.

        Raises
        ------
        ConfigError
            There are no annotated beats.
        DataError
            The sampling rate is too low to detect beats.
        """
        if not self.is_oracle:
            return Detector(sfreq)
        if self._annotated is None:
            raise ConfigError(
                "params.yaml: encoders.*.beats",
                "annotated, and there are no annotated beats here",
                expected="a data set with windows.kind: beats and windows.beats: "
                "annotated",
                remedy="set `beats: detected`",
            )
        return Given(sfreq, self._annotated)
