"""What codes share whose thresholds may set themselves."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from pipeline.axes import SpikeBits
from pipeline.encoders.parts.stepwise import Stepwise

if TYPE_CHECKING:
    from pipeline.kernels.encoders.control import Control

REACH = 100.0
"""How far a threshold may move from where it starts, either way: 40 dB."""


class Steered(Stepwise):
    """A code with one threshold a channel, which may follow a rate of events.

    ::

        T[k+1] = T[k] · exp(|n[k]| / (adapt_s · events_per_s) − 1 / (adapt_s · sfreq))

    between T[0] / 100 and 100 · T[0], with the events n[k] of the sample. It depends on
    events alone, so that `decode` repeats it from them, bit for bit. A channel that
    carries nothing drives its threshold to the lower end.
    """

    threshold: Annotated[
        float, Field(gt=0, le=10, description="In units of the signal's RMS.")
    ] = 0.5
    events_per_s: Annotated[
        float | None,
        Field(
            gt=0,
            description="Events a second that each channel's threshold seeks; null: it "
            "stays.",
        ),
    ] = None
    adapt_s: Annotated[
        float, Field(gt=0, description="Time constant of that search, in seconds.")
    ] = 10.0

    @property
    def moves(self) -> bool:
        """Whether the threshold sets itself."""
        return self.events_per_s is not None

    def first_threshold(self) -> float:
        """Give the threshold before the first sample."""
        return self.threshold

    def control(self, sfreq: float) -> "Control":
        """Say how the thresholds move."""
        from pipeline.kernels.encoders.control import controlled

        if self.events_per_s is None:
            return super().control(sfreq)
        return controlled(self.threshold, self.events_per_s, self.adapt_s, sfreq, REACH)

    def thresholds(
        self, spikes: SpikeBits, sfreq: float
    ) -> float | Float64[np.ndarray, "channel time"]:
        """Give the threshold that each sample met: one number, unless it moved."""
        from pipeline.kernels.encoders.stepwise import replay

        if not self.moves:
            return self.threshold
        return replay(self.counts(spikes), self.control(sfreq), self.threshold)

    def followed(self, spikes: SpikeBits, sfreq: float) -> np.ndarray:
        """Add up the thresholds of all events, x[k] − x[0] ≈ Σ T · n."""
        if not self.moves:
            steps = np.cumsum(self.counts(spikes), axis=1, dtype=np.int64)
            return (self.threshold * steps).astype(np.float32)
        moves = self.thresholds(spikes, sfreq) * self.counts(spikes)
        return np.cumsum(moves, axis=1).astype(np.float32)

    def bound(self, in_thresholds: float) -> float | None:
        """Give so many thresholds, if they stay."""
        return in_thresholds * self.threshold if not self.moves else None

    def with_control(self, operations: dict[str, int]) -> dict[str, int]:
        """Add what moving the threshold takes: two factors, two limits."""
        if self.events_per_s is None:
            return operations
        moving = {"addition": 2, "multiplication": 1 + self.most_events()}
        return dict(Counter(operations) + Counter(moving))
