"""What the codes of a frame's amplitude share."""

from abc import abstractmethod
from typing import Annotated

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.base import Encoder
from pipeline.encoders.parts import frames as _frames
from pipeline.encoders.parts.frames import FrameState, Patterns, Rows
from pipeline.encoders.parts.signed import signed_features

Amplitudes = Float64[np.ndarray, "row frame"]
"""x of each frame, in units of full scale; NaN where a frame has no numbers."""


class FramedEncoder(Encoder[FrameState]):
    """A code of the amplitude of frames, each sent by the spikes of the next.

    ::

        x = min(1, mean of max(±signal, 0) over the frame / full_scale)

    ON (+) and OFF (−) are two amplitudes, rectified before the mean: their difference
    is the mean of the frame, their sum its mean magnitude. Samples that are NaN do not
    count; a frame of NaN alone is silent, and so is the first one.

    `decode` gives the mean of a frame at every step that sends it, one frame late.
    """

    frame_s: Annotated[
        float, Field(gt=0, le=60, description="A frame, seconds; at least 2 samples.")
    ] = 0.1
    full_scale: Annotated[
        float, Field(gt=0, description="Mean of a frame with x = 1, in RMS units.")
    ] = 4.0

    @abstractmethod
    def patterns(
        self, x: Amplitudes, sfreq: float, rng: np.random.Generator | None
    ) -> Patterns:
        """Make the spikes that send frames, (feature, frame, step)."""

    @abstractmethod
    def amplitudes(self, patterns: Patterns, sfreq: float) -> Amplitudes:
        """Estimate x of every frame by its spikes; 0 of a silent one."""

    @abstractmethod
    def amplitude_bound(self, sfreq: float) -> float | None:
        """Bound the error of an amplitude below full scale; None: no bound.

        It is in the signal's unit. The error of `decode` against the mean of a frame is
        at most twice as large, where both ON and OFF fire.
        """

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name ON and OFF of each channel."""
        return signed_features(channels)

    def rows(self, chunk: Samples) -> Rows:
        """Give what is averaged for each amplitude: the signal, rectified by sign."""
        rectified = np.empty((2 * chunk.shape[0], chunk.shape[1]), np.float32)
        np.maximum(chunk, 0, out=rectified[0::2])
        np.maximum(-chunk, 0, out=rectified[1::2])
        return rectified

    def joined(self, x: Amplitudes) -> Float64[np.ndarray, "channel frame"]:
        """Join the amplitudes of a channel: ON − OFF."""
        signed: Amplitudes = x[0::2] - x[1::2]
        return signed

    def n_steps(self, sfreq: float) -> int:
        """Count the samples of a frame.

        Raises
        ------
        ConfigError
            Less than two, or too few for the code.
        """
        return _frames.steps_of(self.frame_s, sfreq, self.own_name)

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> FrameState:
        """Make the state before the first frame, which sends nothing.

        Raises
        ------
        ConfigError
            A frame has too few samples.
        """
        names = tuple(map(str, range(n_channels)))
        return _frames.first_state(
            self,
            len(self.rows(np.empty((n_channels, 0), np.float32))),
            len(self.features(names)),
            n_channels=n_channels,
            n_steps=self.n_steps(sfreq),
            sfreq=sfreq,
            rng=self.source(rng),
        )

    def source(self, rng: np.random.Generator) -> np.random.Generator | None:
        """Give what the code draws from: nothing, unless it is stochastic."""
        return None

    def encode(self, chunk: Samples, state: FrameState) -> tuple[SpikeBits, FrameState]:
        """Encode one chunk.

        Raises
        ------
        DataError
            The state is that of other settings, or of other channels.
        """
        self.refuse_foreign(state, len(chunk))

        def sender(means: Amplitudes, rng: np.random.Generator | None) -> Patterns:
            """Give the pattern of each frame's share of the largest amplitude."""
            x = np.clip(means / self.full_scale, -1, 1)
            return self.patterns(x, state.sfreq, rng)

        return _frames.send(self.rows(chunk), state, sender)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Estimate the mean of every frame; of the last by the spikes so far."""
        n_steps = self.n_steps(sfreq)
        x = self.amplitudes(_frames.as_frames(spikes, n_steps), sfreq)
        means = (self.full_scale * self.joined(x)).astype(np.float32)
        return np.repeat(means, n_steps, axis=1)[:, : spikes.shape[1]]

    def delay_s(self, sfreq: float) -> float:
        """One frame."""
        return self.n_steps(sfreq) / sfreq
