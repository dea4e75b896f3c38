"""Rate code: the larger the magnitude, the likelier a spike."""

from copy import deepcopy
from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders._signed import signed_features, signs
from pipeline.encoders.base import Encoder


class Rate(Encoder[np.random.Generator]):
    """Poisson code of the magnitude, drawn step by step.

    ::

        P(spike at k) = min(1, |x[k]| / full_scale)

    ON carries positive samples, OFF negative ones: a rate of sfreq · |x| / full_scale.
    The state is the random generator. One number per sample and channel is drawn, in
    the order of time, so that chunks change nothing.
    """

    full_scale: Annotated[
        float,
        Field(gt=0, description="Magnitude that fires at every step, in RMS units."),
    ] = 5.0

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name ON and OFF of each channel."""
        return signed_features(channels)

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> np.random.Generator:
        """Take the generator as it is."""
        return rng

    def encode(
        self, chunk: Samples, state: np.random.Generator
    ) -> tuple[SpikeBits, np.random.Generator]:
        """Encode one chunk."""
        rng = deepcopy(state)
        draws = rng.random(chunk.shape[::-1]).T
        spikes = np.empty((2 * chunk.shape[0], chunk.shape[1]), dtype=np.bool_)
        # draws · full_scale < x is P(spike) = x / full_scale, for positive x only.
        draws *= self.full_scale
        np.less(draws, chunk, out=spikes[0::2])
        np.less(draws, -chunk, out=spikes[1::2])
        return spikes, rng

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Estimate full_scale · (ON − OFF): noisy, but right on average."""
        return (self.full_scale * signs(spikes)).astype(np.float32)

    def operations(self) -> dict[str, int]:
        """One scaled draw, compared with the sample of either sign."""
        return {"random number": 1, "multiplication": 1, "addition": 2}
