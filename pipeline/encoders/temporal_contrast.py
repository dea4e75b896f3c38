"""Temporal contrast: a spike where neighbours differ by more than a threshold."""

from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.parts.steered import Steered


class TemporalContrast(Steered):
    """Threshold of the difference of neighbours (threshold-based representation).

    ::

        s[k] = ±1 where x[k] − x[k−1] leaves ±T

    The published T is mean(d) + factor · std(d) of all differences d of a recording,
    which a causal code does not know yet. Ours is `threshold`; or, with `factor`, that
    of exponential means of the differences so far: every one counts alike until tau_s
    has passed, and the first one does not fire.

    References
    ----------
    Petro, Kasabov and Kiss (2020), Selection and optimization of temporal spike
    encoding methods for spiking neural networks, IEEE TNNLS 31(2).
    """

    factor: Annotated[
        float | None,
        Field(
            ge=0,
            le=20,
            description="Deviations of the differences that the threshold is; null: "
            "`threshold` counts.",
        ),
    ] = None
    tau_s: Annotated[
        float, Field(gt=0, description="Time constant of the means, in seconds.")
    ] = 10.0

    @model_validator(mode="after")
    def _refuse_two_thresholds(self) -> Self:
        if self.factor is not None and self.events_per_s is not None:
            raise ValueError(
                "factor or events_per_s, not both: either one sets the threshold"
            )
        return self

    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample."""
        from pipeline.kernels.encoders import temporal_contrast as kernel

        if self.factor is None:
            return kernel.Contrast(), kernel.first_values(n_channels)
        alpha = float(-np.expm1(-1 / (self.tau_s * sfreq)))
        code = kernel.RunningContrast(self.factor, alpha)
        return code, kernel.first_running_values(n_channels)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Add up T · s: it drifts, for every difference counts as one threshold.

        With `factor` the spikes do not carry T, and `threshold` stands for it.
        """
        return self.followed(spikes, sfreq)

    def operations(self) -> dict[str, int]:
        """Compare a difference twice; with `factor`, move two means, compare squares.

        A root is not needed: |d| > m + f·√V where |d| > m and (|d| − m)² > f²·V.
        """
        if self.factor is None:
            return self.with_control({"addition": 3})
        return {"addition": 10, "multiplication": 6}
