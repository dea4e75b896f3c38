"""Moving window: a spike where the signal is far from its recent mean."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.parts.steered import Steered
from pipeline.errors import ConfigError


class MovingWindow(Steered):
    """Threshold of the distance to the mean of the last samples.

    ::

        s[k] = ±1 where x[k] leaves mean(x[k−w … k−1]) ± threshold

    The mean is not moved by spikes, so a wandering baseline passes and a wave fires as
    long as it lasts. Until w samples are known the mean is that of those there are.
    Samples count in units of 2^−16 RMS and saturate at 65 536 RMS, which makes the
    running sum exact.

    References
    ----------
    Petro, Kasabov and Kiss (2020), Selection and optimization of temporal spike
    encoding methods for spiking neural networks, IEEE TNNLS 31(2).
    """

    window_s: Annotated[
        float, Field(gt=0, le=60, description="Length of the mean, in seconds.")
    ] = 0.25

    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample.

        Raises
        ------
        ConfigError
            The window has more samples than can be added exactly.
        """
        from pipeline.kernels.encoders import moving_window as kernel

        return kernel.MovingWindow(), kernel.first_values(
            n_channels, self.length(sfreq)
        )

    def length(self, sfreq: float) -> int:
        """Count the samples of the window.

        Raises
        ------
        ConfigError
            There are more than can be added exactly.
        """
        from pipeline.kernels.encoders.moving_window import LONGEST

        length = max(1, round(self.window_s * sfreq))
        if length > LONGEST:
            raise ConfigError(
                "the encoder moving_window: window_s",
                f"{self.window_s:g} s, {length} samples at {sfreq:g} Hz",
                expected=f"{LONGEST} samples at most",
                remedy="choose a shorter window, or resample the signal",
            )
        return length

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Estimate the distance to the mean as T · s: the mean itself is not sent."""
        distance = self.thresholds(spikes, sfreq) * self.counts(spikes)
        return distance.astype(np.float32)

    def operations(self) -> dict[str, int]:
        """Move the sum by two samples, divide by a constant, set up and compare."""
        return self.with_control({"addition": 6, "multiplication": 1})
