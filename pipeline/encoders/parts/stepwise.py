"""What codes share that decide sample by sample, in one compiled loop."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from pipeline.axes import PackedBits, Samples, SpikeBits
from pipeline.encoders.base import Encoder
from pipeline.encoders.parts.signed import counted_features, signed_features, signs

if TYPE_CHECKING:
    from pipeline.kernels.encoders.control import Control


@dataclass(frozen=True)
class StepState:
    """What a code remembers, and whose memory it is.

    Parameters
    ----------
    settings : Encoder
        The encoder that made it.
    code : NamedTuple
        The constants of its kernel, which know the sampling rate.
    control : Control
        How its thresholds move.
    values : array, shape (variable, channel), float64
    thresholds : array, shape (channel,), float64
    """

    settings: Encoder["StepState"]
    code: Any
    control: "Control"
    values: Float64[np.ndarray, "variable channel"]
    thresholds: Float64[np.ndarray, " channel"]

    @property
    def n_channels(self) -> int:
        """The channels that it knows."""
        return len(self.thresholds)


class Stepwise(Encoder[StepState]):
    """A code of signed events, at most so many a sample, that a kernel computes.

    What is not finite, NaN or infinite, counts as a missing sample: it is silent and
    forgotten.
    """

    @abstractmethod
    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample."""

    @abstractmethod
    def first_threshold(self) -> float:
        """Give the threshold before the first sample, in the signal's unit."""

    def most_events(self) -> int:
        """Give the events of one sign at a sample, at most."""
        return 1

    def control(self, sfreq: float) -> "Control":
        """Say how the thresholds move: not at all."""
        from pipeline.kernels.encoders.control import fixed

        return fixed()

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name ON and OFF of each channel, numbered if there may be several."""
        if self.most_events() == 1:
            return signed_features(channels)
        return counted_features(channels, self.most_events())

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> StepState:
        """Make the state before the first sample; nothing is drawn."""
        from pipeline.kernels.encoders.stepwise import with_tracked

        code, values = self.start(n_channels, sfreq)
        control, threshold = self.control(sfreq), self.first_threshold()
        thresholds = np.full(n_channels, threshold, dtype=np.float64)
        values = with_tracked(values, control, threshold)
        return StepState(self, code, control, values, thresholds)

    def encode(self, chunk: Samples, state: StepState) -> tuple[SpikeBits, StepState]:
        """Encode one chunk."""
        packed, state = self.encode_packed(chunk, state)
        bits = np.unpackbits(packed, axis=1, count=chunk.shape[1])
        return bits.view(np.bool_), state

    def encode_packed(
        self, chunk: Samples, state: StepState
    ) -> tuple[PackedBits, StepState]:
        """Encode one chunk to packed bits, without booleans in between.

        Raises
        ------
        DataError
            The state is that of other settings, or of other channels.
        """
        self.refuse_foreign(state, chunk.shape[0])
        return self.advance(chunk, state)

    def advance(self, chunk: Samples, state: StepState) -> tuple[PackedBits, StepState]:
        """Encode one chunk from a state of this encoder, by the loop of all codes."""
        from pipeline.kernels.encoders.stepwise import run

        packed, values, thresholds = run(
            state.code,
            state.control,
            self.most_events(),
            chunk,
            state.values,
            state.thresholds,
        )
        return packed, replace(state, values=values, thresholds=thresholds)

    def counts(self, spikes: SpikeBits) -> np.ndarray:
        """Give the signed number of events at each sample, (channel, time), int8."""
        return signs(spikes, self.most_events())
