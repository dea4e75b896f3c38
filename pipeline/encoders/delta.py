"""Step-forward: a spike whenever the signal has left its reference by a threshold."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders._signed import signed_features, signs
from pipeline.encoders.base import Encoder


class Delta(Encoder[np.ndarray]):
    """Step-forward code with reference tracking.

    ::

        ON[k]  = x[k] > r[k] + threshold
        OFF[k] = x[k] < r[k] - threshold
        r[k+1] = r[k] + threshold * (ON[k] - OFF[k]),   r[0] = x[0]

    A slow ramp fires as often as a fast one of equal height. (The difference of
    neighbours, which `snntorch.spikegen.delta` thresholds, would miss it.) The state is
    the reference r of each channel, NaN before the first sample.

    References
    ----------
    Petro, Kasabov and Kiss (2020), Selection and optimization of temporal spike
    encoding methods for spiking neural networks, IEEE TNNLS 31(2).
    """

    threshold: Annotated[
        float, Field(gt=0, le=10, description="Step, in units of the signal's RMS.")
    ] = 0.5

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name ON and OFF of each channel."""
        return signed_features(channels)

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Make references that will take the first sample's value."""
        return np.full(n_channels, np.nan)

    def encode(self, chunk: Samples, state: np.ndarray) -> tuple[SpikeBits, np.ndarray]:
        """Encode one chunk: at most one spike per channel and sample."""
        from pipeline.kernels.step_forward import step_forward

        return step_forward(chunk, state, self.threshold)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Follow the reference, x[k] − x[0] ≈ threshold · Σ (ON − OFF)."""
        steps = np.cumsum(signs(spikes), axis=1, dtype=np.int64)
        return (self.threshold * steps).astype(np.float32)

    def decode_bound(self) -> float:
        """Bound the error: one threshold, if no sample moves further than that."""
        return self.threshold

    def operations(self) -> dict[str, int]:
        """Two comparisons, and at a spike one step of the reference."""
        return {"addition": 3}
