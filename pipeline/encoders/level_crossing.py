"""Level crossing: a spike for each level of a fixed grid that the signal crosses."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.parts.stepwise import Stepwise


class LevelCrossing(Stepwise):
    """What a level-crossing converter sends.

    Levels lie at i · spacing. With the level j that was crossed last,

    ::

        ON fires for each level from j + 1 up to x[k],   OFF from j − 1 down to x[k]

    so the level just crossed does not fire again before a neighbour has: a hysteresis
    of one level. Several crossings of a sample fire several features of their sign (a
    thermometer), at most `most`; what is beyond follows at the next sample. j begins as
    the level nearest to the first sample. Unlike send-on-delta the grid does not depend
    on where a recording begins.

    References
    ----------
    Sayiner, Sorensen and Viswanathan (1996), A level-crossing sampling scheme for A/D
    conversion, IEEE Trans. Circuits and Systems II 43(4).
    """

    spacing: Annotated[
        float,
        Field(gt=0, le=10, description="Between levels, in units of the signal's RMS."),
    ] = 0.5
    most: Annotated[
        int, Field(ge=1, le=16, description="Events of one sign at a sample, at most.")
    ] = 4

    def first_threshold(self) -> float:
        """Give the spacing."""
        return self.spacing

    def most_events(self) -> int:
        """Give the events of one sign at a sample, at most."""
        return self.most

    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample."""
        from pipeline.kernels.encoders import level_crossing as kernel

        return kernel.LevelCrossing(float(self.most)), kernel.first_values(n_channels)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Follow the levels from 0: x[k] ≈ spacing · Σ (ON − OFF)."""
        levels = np.cumsum(self.counts(spikes), axis=1, dtype=np.int64)
        return (self.spacing * levels).astype(np.float32)

    def decode_bound(self) -> float:
        """Bound the error: one spacing, while no sample moves further than `most`."""
        return self.spacing

    def operations(self) -> dict[str, int]:
        """Compare with both neighbours, and with one more at each crossing."""
        return {"addition": 2 + 2 * self.most}
