"""Sigma-delta: a spike whenever the signal's sum has grown by a threshold."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.parts.steered import Steered


class SigmaDelta(Steered):
    """Integrate and compare, with feedback of the spikes; bipolar.

    ::

        v[k] = u[k] + x[k], where |x| counts up to threshold
        s[k] = ±1 where |v[k]| ≥ threshold
        u[k+1] = v[k] − threshold · s[k],   u[0] = 0

    So the sum of threshold · s never is a threshold away from the sum of x, and the
    density of spikes is x / threshold: the threshold is the largest signal, and the
    error lies at high frequencies.

    References
    ----------
    Inose, Yasuda and Murakami (1962), A telemetering system by code modulation:
    Δ−Σ modulation, IRE Trans. Space Electronics and Telemetry 8(3). A comparator of
    three values is our choice: silence is no event.
    """

    threshold: Annotated[
        float,
        Field(gt=0, le=100, description="The largest signal, in units of its RMS."),
    ] = 4.0
    average: Annotated[
        int, Field(ge=1, description="Samples that `decode` takes the mean of.")
    ] = 32

    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample."""
        from pipeline.kernels.encoders import sigma_delta_code as kernel

        return kernel.SigmaDeltaCode(), kernel.first_values(n_channels)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Take the mean of threshold · s over the last samples, a causal low-pass.

        It is late by half of them, (average − 1) / 2 samples.
        """
        total = np.cumsum(
            self.thresholds(spikes, sfreq) * self.counts(spikes), axis=1, dtype=float
        )
        total[:, self.average :] -= total[:, : -self.average].copy()
        return (total / self.average).astype(np.float32)

    def decode_delays_s(self, n_channels: int, sfreq: float) -> tuple[float, ...]:
        """Half of the samples of the mean."""
        return ((self.average - 1) / 2 / sfreq,) * n_channels

    def decode_bound(self) -> float | None:
        """Bound the error: two thresholds, spread over the samples of the mean.

        It holds against the same mean of the signal, while that stays within the
        threshold.
        """
        return self.bound(2.0 / self.average)

    def operations(self) -> dict[str, int]:
        """Two limits, the sum, two comparisons and the feedback."""
        return self.with_control({"addition": 6})
