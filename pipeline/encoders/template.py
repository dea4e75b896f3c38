"""Template: what of an event differs from the person's usual one, by phase."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from jaxtyping import Int64
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.parts.beats import BeatCode, Clock, Finder
from pipeline.encoders.parts.octaves import MEAN_BITS, gain_shift
from pipeline.qrs import Detector

UNIT = 256
"""Integers to one of the signal's RMS."""

LIMIT = 1 << 16
"""Largest magnitude of a sample as an integer: 256 RMS."""

IntegerSamples = Int64[np.ndarray, "channel time"]
"""Samples as integers."""

Phases = Int64[np.ndarray, "channel phase"]
"""Sums of the samples in each phase of an event."""


@dataclass(frozen=True)
class Frame:
    """An event in samples.

    Parameters
    ----------
    before : int
        From its begin to the beat.
    width : int
        Of a phase.
    n_phases : int
    lag : int
        From the beat to when it is coded: the event is over, and the beat is certain.
    """

    before: int
    width: int
    n_phases: int
    lag: int


@dataclass(frozen=True)
class TemplateState:
    """What is remembered between two chunks.

    Parameters
    ----------
    settings : Template
        The encoder that made it.
    finder : Finder
    frame : Frame
    clock : Clock
        It gives the beats when their events are over.
    newest : array, shape (channel, time)
        As many samples as the oldest event may need.
    usual : array, shape (channel, phase)
        The usual event, with 8 more binary digits.
    n_events : int
        Events in it.
    """

    settings: object
    finder: Finder
    frame: Frame
    clock: Clock
    newest: IntegerSamples
    usual: Phases
    n_events: int = 0

    @property
    def n_channels(self) -> int:
        """The channels that it knows."""
        return len(self.usual)


class Template(BeatCode[TemplateState]):
    """Code of what differs from the usual event, phase by phase, in integers.

    ::

        x[k]   = round(256 · signal[k])
        s[n,p] = Σ x[k] over the samples k of phase p of event n
        d[n,p] = s[n,p] − T[n,p]
        ON[n,p]  = d > θ,   OFF[n,p] = d < −θ,   θ = threshold · 256 · samples a phase
        T[n+1] = T[n] + d / 2^shift

    An event is what all channels hold from `before_s` before a beat to `after_s` after
    it; beats are found in the first channel. Its spikes come together at a fixed time
    after the beat: when the event is over and the detector certain, whichever is later.
    A feature is a channel, a sign and a phase.

    While all is as usual there is silence. The first `warm_up` events are silent and
    make the template; its gain is larger at first: 1, 1/2, 1/2, 1/4. When the unusual
    is usual, it becomes the template: a new shape falls silent after about 2^shift of
    its events, and the old one would then fire. Of two shapes in turn, as in bigeminy,
    the template is the mean, and either fires by its distance from that. An event that
    begins before the recording is left out.

    References
    ----------
    Signal averaging by a beat's phase: Lander and Berbari (1997), Time-frequency plane
    Wiener filtering of the high-resolution ECG, IEEE Trans. Biomed. Eng. 44(4).
    """

    threshold: Annotated[
        float,
        Field(ge=1 / 64, le=64, description="θ: mean difference, in RMS units."),
    ] = 0.5
    before_s: Annotated[
        float, Field(ge=0, le=2, description="From an event's begin to its beat, s.")
    ] = 0.25
    after_s: Annotated[
        float, Field(gt=0, le=2, description="From a beat to its event's end, s.")
    ] = 0.45
    phase_s: Annotated[
        float, Field(ge=0.001, le=1, description="Length of a phase, seconds.")
    ] = 0.1
    shift: Annotated[
        int,
        Field(ge=0, le=16, description="The template is a mean over 2^shift events."),
    ] = 5
    warm_up: Annotated[
        int, Field(ge=1, le=1000, description="Events without a spike at first.")
    ] = 8

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name ON and OFF of each channel's phases, such as `MLII+3`."""
        phases = range(self._n_phases)
        return tuple(f"{name}{s}{p}" for name in channels for s in "+-" for p in phases)

    def begin(self, finder: Finder, n_channels: int) -> TemplateState:
        """Make a state without a template."""
        frame = self.frame(finder.sfreq)
        return TemplateState(
            self,
            finder,
            frame,
            Clock(finder.start(), (), -frame.lag),
            np.zeros((n_channels, frame.lag + frame.before), np.int64),
            np.zeros((n_channels, frame.n_phases), np.int64),
        )

    def encode(
        self, chunk: Samples, state: TemplateState
    ) -> tuple[SpikeBits, TemplateState]:
        """Encode one chunk.

        Raises
        ------
        DataError
            The state is that of other settings, or of other channels.
        """
        self.refuse_foreign(state, len(chunk))
        frame, n_samples = state.frame, chunk.shape[1]
        beats, clock = state.clock.advance(state.finder, chunk[0])
        codes = np.concatenate([state.newest, _integers(chunk)], axis=1)
        spikes = np.zeros((len(chunk), 2, frame.n_phases, n_samples), np.bool_)
        after = replace(state, clock=clock, newest=codes[:, n_samples:].copy())
        for beat in beats:
            step = beat - state.clock.time
            if beat >= frame.before:
                event = codes[:, step : step + frame.n_phases * frame.width]
                after = self._code(event, after, spikes[..., step])
        return spikes.reshape(len(chunk) * 2 * frame.n_phases, n_samples), after

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Give zeros: only differences from what is not stored are coded."""
        shape = len(spikes) // (2 * self._n_phases), spikes.shape[1]
        return np.zeros(shape, np.float32)

    def delay_s(self, sfreq: float) -> float:
        """Give how long after a beat its event is coded."""
        return self.frame(sfreq).lag / sfreq

    def operations(self) -> dict[str, int]:
        """Count the detector's, as if every channel had one, and the sums' own.

        A phase is compared and averaged once an event: of at least 4 samples, that is
        no more than an addition a sample, for there are at most 5 events a second.
        """
        return {"multiplication": 7, "addition": 13}

    @property
    def _n_phases(self) -> int:
        return max(1, round((self.before_s + self.after_s) / self.phase_s))

    def frame(self, sfreq: float) -> Frame:
        """Place an event's phases."""
        width, before = (
            max(1, round(self.phase_s * sfreq)),
            round(self.before_s * sfreq),
        )
        over = self._n_phases * width - before
        lag = max(Detector(sfreq).delay, over)
        return Frame(before, width, self._n_phases, lag)

    def _code(
        self, event: IntegerSamples, state: TemplateState, spikes: SpikeBits
    ) -> TemplateState:
        """Mark how an event differs from the template, and take it into that.

        Parameters
        ----------
        event : array, shape (channel, time)
        state : TemplateState
        spikes : array, shape (channel, sign, phase)
            Where they are marked.
        """
        width = state.frame.width
        sums = event.reshape(len(event), -1, width).sum(axis=2) << MEAN_BITS
        different = sums - state.usual
        if state.n_events >= self.warm_up:
            least = round(self.threshold * UNIT * width) << MEAN_BITS
            spikes[:, 0] = different > least
            spikes[:, 1] = different < -least
        usual = state.usual + (different >> gain_shift(state.n_events, self.shift))
        return replace(state, usual=usual, n_events=state.n_events + 1)


def _integers(chunk: Samples) -> IntegerSamples:
    """Round a signal; what is no number is 0, and what is too large is clipped."""
    scaled = np.rint(chunk.astype(np.float64) * UNIT)
    limited = np.nan_to_num(scaled, nan=0.0, posinf=LIMIT, neginf=-LIMIT)
    codes: IntegerSamples = np.clip(limited, -LIMIT, LIMIT).astype(np.int64)
    return codes
