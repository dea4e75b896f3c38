"""Rate code: the larger the magnitude, the likelier, or the more often, a spike."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pipeline.axes import PackedBits, Samples, SpikeBits
from pipeline.encoders.parts.generators import copied
from pipeline.encoders.parts.signed import signs
from pipeline.encoders.parts.stepwise import Stepwise


class Rate(Stepwise):
    """Code of the magnitude, drawn step by step or regular.

    ::

        poisson: P(spike at k) = min(1, |x[k]| / full_scale)
        regular: u += min(1, |x[k]| / full_scale); a spike, and u −= 1, where u ≥ 1

    ON carries positive samples, OFF negative ones: a rate of sfreq · |x| / full_scale.
    Regular trains have a sum u for ON and one for OFF. The state of Poisson trains is
    the random generator: one number per sample and channel is drawn, in the order of
    time, so that chunks change nothing.
    """

    full_scale: Annotated[
        float,
        Field(gt=0, description="Magnitude that fires at every step, in RMS units."),
    ] = 5.0
    kind: Annotated[
        Literal["poisson", "regular"],
        Field(description="Spikes that are drawn, or evenly spaced ones."),
    ] = "poisson"

    def first_threshold(self) -> float:
        """Give the magnitude that fires at every step."""
        return self.full_scale

    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample."""
        from pipeline.kernels.encoders.regular_rate import RegularRate, first_values

        return RegularRate(), first_values(n_channels)

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> Any:
        """Take the generator as it is; or make two empty sums a channel."""
        if self.kind == "poisson":
            return rng
        return super().initial_state(n_channels, sfreq, rng)

    def encode_packed(self, chunk: Samples, state: Any) -> tuple[PackedBits, Any]:
        """Encode one chunk to packed bits."""
        from pipeline.kernels.encoders.poisson_rate import poisson_rate

        if self.kind == "regular":
            return super().encode_packed(chunk, state)
        rng = copied(state)
        return poisson_rate(chunk, self.full_scale, rng), rng

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Estimate full_scale · (ON − OFF): noisy, but right on average."""
        return (self.full_scale * signs(spikes)).astype(np.float32)

    def operations(self) -> dict[str, int]:
        """One draw, scaled and compared with either sign; or a sum of parts, reset."""
        if self.kind == "regular":
            return {"multiplication": 1, "addition": 4}
        return {"random number": 1, "multiplication": 1, "addition": 2}
