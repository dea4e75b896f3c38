"""A ternary code: which side of a band the signal is on, sample by sample."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.base import Encoder


class Ternary(Encoder[None]):
    """Spikes while the signal is outside of a band, without any state.

    ::

        ON[k]  = x[k] > threshold
        OFF[k] = x[k] < −threshold
    """

    threshold: Annotated[
        float, Field(gt=0, le=100, description="Half the band, running RMS.")
    ] = 1.0

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name ON and OFF of each channel."""
        return tuple(f"{channel}{sign}" for channel in channels for sign in "+-")

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> None:
        """Start without a state."""

    def encode(self, chunk: Samples, state: None) -> tuple[SpikeBits, None]:
        """Compare each sample with both edges of the band."""
        both = np.stack([chunk > self.threshold, chunk < -self.threshold], axis=1)
        return both.reshape(2 * len(chunk), chunk.shape[1]), None

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Take the nearer edge of the band, or its middle."""
        on, off = spikes[::2].astype(np.float32), spikes[1::2].astype(np.float32)
        decoded: Samples = self.threshold * (on - off)
        return decoded
