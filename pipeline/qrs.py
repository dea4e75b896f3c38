"""A causal QRS detector that takes an ECG in chunks.

After Pan & Tompkins (IEEE Trans. Biomed. Eng. 32, 1985): band-pass, slope, square,
moving integral, running levels of beats and noise. Theirs searches back when a beat is
overdue; here the threshold sinks instead, so that no beat is reported late.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float64, Int64

from pipeline.errors import DataError

Trace = Float64[np.ndarray, " time"]
Steps = Int64[np.ndarray, " beat"]
"""Samples since the start, rising."""

BAND = (5.0, 15.0)
"""Where a QRS complex has its energy, Hz."""

INTEGRAL_S = 0.15
"""Length of the moving integral: that of the widest QRS complex."""

REFRACTORY_S = 0.2
"""No heart beats twice within this time: the highest peak in it is the beat."""

DELAY_S = INTEGRAL_S + REFRACTORY_S
"""A beat is reported at most this long after it."""

THRESHOLD = 0.3
"""How far above the noise, as a share of the way to the beats, a peak must be."""

OVERDUE = 1.5
"""After so many mean intervals without a beat the threshold sinks."""

LONGEST_S = 1.5
"""A longer interval, as of a pause or a lost beat, counts as this long in the mean."""

GAIN = 1 / 8
"""Weight of the newest beat, noise peak or interval in its running mean."""


@dataclass(frozen=True)
class Levels:
    """Running levels, which decide what peak is a beat.

    ::

        threshold = noise + 0.3 · (beat − noise) · sunk
        sunk      = 2^−max(0, (t − last) / interval − 1.5)

    A beat found after the threshold sank corrects the level by as much, so that an
    artefact is soon forgotten.

    Parameters
    ----------
    beat, noise : float
        Mean heights of the peaks that were beats, and of the others.
    last : float
        When the last beat was, seconds.
    interval : float
        Mean interval between beats, seconds.
    n_peaks : int
        Peaks so far.
    """

    beat: float = 0.0
    noise: float = 0.0
    last: float = 0.0
    interval: float = 1.0
    n_peaks: int = 0

    def judge(self, height: float, time: float) -> tuple[bool, "Levels"]:
        """Say whether a peak is a beat, and move the levels on."""
        sunk = 2.0 ** -max(0.0, (time - self.last) / self.interval - OVERDUE)
        gain = max(GAIN, 1 / (self.n_peaks + 1))
        n_peaks = self.n_peaks + 1
        if height <= self.noise + THRESHOLD * (self.beat - self.noise) * sunk:
            noise = self.noise + gain * (height - self.noise)
            return False, Levels(self.beat, noise, self.last, self.interval, n_peaks)
        beat = self.beat + max(gain, 1 - sunk) * (height - self.beat)
        newest = min(time - self.last, LONGEST_S)
        interval = self.interval + GAIN * (newest - self.interval)
        return True, Levels(beat, self.noise, time, interval, n_peaks)


@dataclass(frozen=True)
class DetectorState:
    """What a detector remembers between two chunks; its arrays are never changed.

    Parameters
    ----------
    n_samples : int
        Samples so far.
    first, held : float
        The first and the last sample that are numbers, NaN before there is one.
    rest : array, shape (section, 2)
        State of the band-pass.
    filtered, squares, heights : array
        Newest filtered samples, squared slopes and integrals.
    settled : int
        The newest sample that was the highest within its reach.
    levels : Levels
    """

    n_samples: int
    first: float
    held: float
    rest: Float64[np.ndarray, "section 2"]
    filtered: Trace
    squares: Trace
    heights: Trace
    settled: int
    levels: Levels = field(default_factory=Levels)


@dataclass(frozen=True)
class Detector:
    """Finds the beats of one ECG channel; any chunks give the same beats.

    A sample that is not finite repeats the one before; before the first finite sample
    there is silence.

    Parameters
    ----------
    sfreq : float
        Samples per second.

    Raises
    ------
    DataError
        The sampling rate is too low for the band.
    """

    sfreq: float

    def __post_init__(self) -> None:
        if self.sfreq <= 2 * BAND[1]:
            raise DataError(
                "beat detection",
                f"an ECG of {self.sfreq:g} samples per second",
                expected=f"more than {2 * BAND[1]:g}",
                remedy="set windows.beats to annotated, and a higher signal.sfreq for "
                "an encoder that detects beats",
            )

    @property
    def width(self) -> int:
        """Samples of the moving integral."""
        return round(INTEGRAL_S * self.sfreq)

    @property
    def reach(self) -> int:
        """Samples on either side that a beat exceeds."""
        return round(REFRACTORY_S * self.sfreq)

    @property
    def delay(self) -> int:
        """Samples after a beat at which it is known at the latest."""
        return self.width + self.reach

    @cached_property
    def _sections(self) -> Float64[np.ndarray, "section 6"]:
        from scipy import signal as sp

        sections: np.ndarray = sp.butter(
            1, BAND, "bandpass", fs=self.sfreq, output="sos"
        )
        return sections

    def start(self) -> DetectorState:
        """Make the state before the first sample."""
        return DetectorState(
            n_samples=0,
            first=np.nan,
            held=np.nan,
            rest=np.zeros((len(self._sections), 2)),
            filtered=np.zeros(self.delay),
            squares=np.zeros(self.width - 1),
            heights=np.zeros(2 * self.reach),
            settled=-self.reach - 1,
        )

    def detect(
        self, chunk: Float[np.ndarray, " time"], state: DetectorState
    ) -> tuple[Steps, DetectorState]:
        """Find the beats that are certain at the end of a chunk.

        Parameters
        ----------
        chunk : array, shape (time,)
            In any unit.
        state : DetectorState
            What the chunk before left.

        Returns
        -------
        beats : array, shape (beat,)
            Steepest filtered deflection of each QRS complex, samples since the start;
            each lies no more than `delay` samples before the chunk's last sample.
        state : DetectorState
        """
        if not len(chunk):
            return np.empty(0, np.int64), state
        samples = _hold(chunk, state.held)
        first = _first(samples, state.first)
        filtered, rest = self._band_pass(samples - first, state)
        slopes = np.diff(filtered, prepend=state.filtered[-1])
        squares = np.concatenate([state.squares, np.square(slopes)])
        heights = np.concatenate([state.heights, self._integral(squares)])
        peaks, settled = self._peaks(heights, state)
        filtered = np.concatenate([state.filtered, filtered])
        beats, levels = self._accepted(peaks, heights, filtered, state)
        after = DetectorState(
            state.n_samples + len(samples),
            first,
            float(samples[-1]),
            rest,
            filtered[len(samples) :].copy(),
            squares[len(samples) :].copy(),
            heights[len(samples) :].copy(),
            settled,
            levels,
        )
        return beats, after

    def _band_pass(
        self, samples: Trace, state: DetectorState
    ) -> tuple[Trace, Float64[np.ndarray, "section 2"]]:
        """Filter what is different from the first number; before it there is 0."""
        from scipy import signal as sp

        known = np.where(np.isnan(samples), 0.0, samples)
        filtered, rest = sp.sosfilt(self._sections, known, zi=state.rest)
        return filtered, rest

    def _integral(self, squares: Trace) -> Trace:
        """Sum each sample's square and those before it, always in the same order."""
        n_samples = len(squares) - self.width + 1
        total = np.zeros(n_samples)
        for first in range(self.width):
            total += squares[first : first + n_samples]
        return total

    def _peaks(self, heights: Trace, state: DetectorState) -> tuple[Steps, int]:
        """Find samples that nothing within reach exceeds; of equals the first counts.

        Returns
        -------
        peaks : array, shape (peak,)
            Samples since the start.
        settled : int
        """
        from scipy.ndimage import maximum_filter1d

        reach = self.reach
        highest = maximum_filter1d(heights, 2 * reach + 1)
        within = slice(reach, len(heights) - reach)
        high = (heights[within] == highest[within]) & (heights[within] > 0)
        found = np.flatnonzero(high) + state.n_samples - reach
        apart = np.diff(found, prepend=state.settled) > reach
        return found[apart], int(found[-1]) if len(found) else state.settled

    def _accepted(
        self, peaks: Steps, heights: Trace, filtered: Trace, state: DetectorState
    ) -> tuple[Steps, Levels]:
        """Choose the peaks that are beats, and place each at its steepest deflection.

        The integrals' root is as linear as a voltage.
        """
        beats, levels = [], state.levels
        for peak in peaks.tolist():
            place = peak - state.n_samples + 2 * self.reach
            height = float(np.sqrt(heights[place] / self.width))
            is_beat, levels = levels.judge(height, peak / self.sfreq)
            if is_beat:
                end = peak - state.n_samples + self.delay
                complex_ = np.abs(filtered[end - self.width : end + 1])
                beats.append(peak - self.width + int(complex_.argmax()))
        return np.asarray(beats, np.int64), levels


def _hold(chunk: Float[np.ndarray, " time"], held: float) -> Trace:
    """Repeat the last number where a sample is none; NaN where there was none yet."""
    samples = chunk.astype(np.float64)
    finite = np.isfinite(samples)
    if finite.all():
        return samples
    newest = np.maximum.accumulate(np.where(finite, np.arange(len(samples)), -1))
    return np.where(newest >= 0, samples[newest], held)


def _first(samples: Trace, first: float) -> float:
    """Give the first number, if there was none before; NaN while there is none."""
    known = samples[~np.isnan(samples)]
    return float(known[0]) if np.isnan(first) and len(known) else first
