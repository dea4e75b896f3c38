"""What transforms of another code's spikes into bursts share."""

from abc import abstractmethod
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from jaxtyping import Float64, Int64
from pydantic import Field, SkipValidation

from pipeline.axes import FrameMeans, Samples, SpikeBits
from pipeline.components import chosen
from pipeline.encoders.base import Beats, Encoder
from pipeline.encoders.delta import Delta
from pipeline.encoders.parts import frames as _frames
from pipeline.encoders.parts.frames import FrameState, Patterns

Strengths = Float64[np.ndarray, "feature frame"]
"""x of every feature and frame, 0 … 1."""


@dataclass(frozen=True)
class BurstState:
    """The state of the code below, and where the frames of its spikes are."""

    below: Any
    frames: FrameState

    @property
    def settings(self) -> object:
        """The encoder that made it."""
        return self.frames.settings

    @property
    def n_channels(self) -> int:
        """The channels that it knows."""
        return self.frames.n_channels


class BurstTransform(Encoder[BurstState]):
    """A transform of any code: at most one burst of a feature in a frame.

    ::

        x = min(1, spikes of the feature in the frame / (full_rate_hz · frame_s))

    A spike has no amplitude, so that the strength of a feature is how often the code
    `of` fires in a frame; the burst is sent in the next frame, of T steps. A feature
    that was silent stays silent. The transform keeps the features of the code: ON and
    OFF burst apart. It draws from the seed, also when a network is used: two seeds give
    two trains.

    `decode` estimates each frame's x by its burst, spreads as many spikes evenly over
    the frame and decodes them by `of`. It is noisy, and right on average, below full
    rate, where that decoder is linear.
    """

    # pydantic takes no Encoder[A] for an Encoder[Any]: `chosen` alone validates.
    of: Annotated[
        SkipValidation[Encoder[Any]],
        *chosen("encoders"),
        Field(description="The code below."),
    ] = Delta()
    frame_s: Annotated[
        float, Field(gt=0, le=60, description="A frame, seconds; at least 2 samples.")
    ] = 0.1
    full_rate_hz: Annotated[
        float, Field(gt=0, description="Spikes a second of a feature with x = 1.")
    ] = 50.0

    @abstractmethod
    def patterns(
        self,
        counts: Int64[np.ndarray, "feature frame"],
        sfreq: float,
        rng: np.random.Generator,
    ) -> Patterns:
        """Draw the bursts of frames in which the code below fired so often."""

    @abstractmethod
    def strengths(self, patterns: Patterns, sfreq: float) -> Strengths:
        """Estimate x of every frame by its burst; 0 of a silent one."""

    @property
    def is_oracle(self) -> bool:
        """Whether the code below is one."""
        return self.of.is_oracle

    def on(self, channels: tuple[str, ...], annotated: Beats | None = None) -> Self:
        """Fit the code below to a segment."""
        return self.model_copy(update={"of": self.of.on(channels, annotated)})

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name the features of the code below."""
        return self.of.features(channels)

    def feature_channels(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name the channels as the code below does."""
        return self.of.feature_channels(channels)

    def n_steps(self, sfreq: float) -> int:
        """Count the samples of a frame.

        Raises
        ------
        ConfigError
            Less than two, or too few for a burst.
        """
        return _frames.steps_of(self.frame_s, sfreq, self.own_name)

    def full_count(self, sfreq: float) -> float:
        """Give the spikes of a frame with x = 1."""
        return self.full_rate_hz * self.n_steps(sfreq) / sfreq

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> BurstState:
        """Make the state before the first frame.

        The transform and the code below draw from generators of their own.

        Raises
        ------
        ConfigError
            A frame has too few samples.
        """
        draws, own = deepcopy(rng).spawn(2)
        below = self.of.initial_state(n_channels, sfreq, draws)
        # By a chunk of nothing, for a code below may name channels, unknown here.
        nothing, _ = self.of.encode(np.empty((n_channels, 0), np.float32), below)
        n_features = len(nothing)
        frames = _frames.first_state(
            self,
            n_features,
            n_features,
            n_channels=n_channels,
            n_steps=self.n_steps(sfreq),
            sfreq=sfreq,
            rng=own,
        )
        return BurstState(below, frames)

    def encode(self, chunk: Samples, state: BurstState) -> tuple[SpikeBits, BurstState]:
        """Encode one chunk.

        Raises
        ------
        DataError
            The state is that of other settings, or of other channels.
        """
        self.refuse_foreign(state, len(chunk))
        frames = state.frames
        spikes, below = self.of.encode(chunk, state.below)

        def sender(means: FrameMeans, rng: np.random.Generator | None) -> Patterns:
            """Draw the pattern of each frame's count."""
            assert rng is not None
            counts = np.rint(means * frames.n_steps).astype(np.int64)
            return self.patterns(counts, frames.sfreq, rng)

        bursts, frames = _frames.send(spikes.astype(np.float32), frames, sender)
        return bursts, BurstState(below, frames)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Estimate the spikes of the code below, and decode those."""
        n_steps = self.n_steps(sfreq)
        x = self.strengths(_frames.as_frames(spikes, n_steps), sfreq)
        a_step = np.minimum(x * self.full_count(sfreq) / n_steps, 1)
        # A spike wherever the running number of spikes passes the next integer.
        running = np.floor(np.repeat(a_step, n_steps, axis=1).cumsum(axis=1))
        spread = np.diff(running, axis=1, prepend=0) > 0
        return self.of.decode(spread[:, : spikes.shape[1]], sfreq)

    def delay_s(self, sfreq: float) -> float:
        """One frame more than the code below."""
        return self.of.delay_s(sfreq) + self.n_steps(sfreq) / sfreq

    def decode_delays_s(self, n_channels: int, sfreq: float) -> tuple[float, ...]:
        """One frame more than the decoder of the code below."""
        frame_s = self.n_steps(sfreq) / sfreq
        below = self.of.decode_delays_s(n_channels, sfreq)
        return tuple(delay_s + frame_s for delay_s in below)

    def operations(self) -> dict[str, int] | None:
        """Add to those of the code below a counter, a draw and a comparison a step."""
        below = self.of.operations()
        if below is None:
            return None
        n = len(self.features(("channel",)))
        own = {"addition": 4 * n, "random number": n, "multiplication": n}
        return dict(Counter(below) + Counter(own))
