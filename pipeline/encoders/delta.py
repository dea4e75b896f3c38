"""Step-forward: a spike whenever the signal has left its reference by a threshold."""

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.axes import PackedBits, Samples, SpikeBits
from pipeline.encoders.parts.steered import Steered
from pipeline.encoders.parts.stepwise import StepState


class Delta(Steered):
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

    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample."""
        from pipeline.kernels.encoders.step_forward import StepForward, first_values

        return StepForward(), first_values(n_channels)

    def advance(self, chunk: Samples, state: StepState) -> tuple[PackedBits, StepState]:
        """Encode one chunk, by a faster loop if the threshold stays."""
        from pipeline.kernels.encoders.step_forward import run

        if self.moves:
            return super().advance(chunk, state)
        packed, values = run(chunk, state.values, self.threshold)
        return packed, replace(state, values=values)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Follow the reference, x[k] − x[0] ≈ threshold · Σ (ON − OFF)."""
        return self.followed(spikes, sfreq)

    def decode_bound(self) -> float | None:
        """Bound the error: one threshold, if no sample moves further than that."""
        return self.bound(1.0)

    def operations(self) -> dict[str, int]:
        """Two comparisons, and at a spike one step of the reference."""
        return self.with_control({"addition": 3})
