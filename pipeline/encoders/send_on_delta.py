"""Send-on-delta: as many spikes at once as the signal has moved thresholds."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.parts.steered import REACH, Steered

if TYPE_CHECKING:
    from pipeline.kernels.encoders.control import Control


class SendOnDelta(Steered):
    """Step-forward's relative that keeps up with steep slopes.

    ::

        n[k]   = ⌊|x[k] − b[k]| / threshold⌋, at most `most`
        b[k+1] = b[k] ± threshold · n[k],   b[0] = x[0]

    An event of the opposite sign to the last one needs threshold · (1 + hysteresis), so
    noise about a threshold does not fire back and forth. The n events of a sample fire
    the first n of `most` features of their sign (a thermometer).

    With `snr_db` the threshold follows the running power of what is decoded, so that
    the reconstruction has that SNR: within 1.5 dB from 15 dB on, where no sample moves
    further than `most` thresholds. As with `events_per_s`, events alone move it.

    References
    ----------
    Miskowicz (2006), Send-on-delta concept: an event-based data reporting strategy,
    Sensors 6(1). Steps, limit and hysteresis together are our choice.
    """

    most: Annotated[
        int, Field(ge=1, le=16, description="Events of one sign at a sample, at most.")
    ] = 4
    hysteresis: Annotated[
        float,
        Field(ge=0, le=10, description="What a change of sign needs more, thresholds."),
    ] = 0.0

    snr_db: Annotated[
        float | None,
        Field(
            ge=6,
            le=60,
            description="SNR of the reconstruction, dB, that each channel's threshold "
            "seeks; null: it does not.",
        ),
    ] = None

    @model_validator(mode="after")
    def _refuse_two_aims(self) -> Self:
        if self.snr_db is not None and self.events_per_s is not None:
            raise ValueError(
                "snr_db or events_per_s, not both: either one sets the threshold"
            )
        return self

    @property
    def moves(self) -> bool:
        """Whether the threshold sets itself."""
        return super().moves or self.snr_db is not None

    def control(self, sfreq: float) -> "Control":
        """Say how the thresholds move."""
        from pipeline.kernels.encoders.control import towards_snr

        if self.snr_db is None:
            return super().control(sfreq)
        return towards_snr(self.threshold, self.snr_db, self.adapt_s, sfreq, REACH)

    def most_events(self) -> int:
        """Give the events of one sign at a sample, at most."""
        return self.most

    def start(self, n_channels: int, sfreq: float) -> tuple[Any, np.ndarray]:
        """Give the kernel's constants and its values before the first sample."""
        from pipeline.kernels.encoders import send_on_delta as kernel

        code = kernel.SendOnDelta(float(self.most), self.hysteresis)
        return code, kernel.first_values(n_channels)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Follow the base, x[k] − x[0] ≈ threshold · Σ n."""
        return self.followed(spikes, sfreq)

    def decode_bound(self) -> float | None:
        """Bound the error: a threshold and the hysteresis.

        It holds where no sample moves further than most − 1 − hysteresis thresholds,
        or, with one event a sample and no hysteresis, than one.
        """
        return self.bound(1.0 + self.hysteresis)

    def operations(self) -> dict[str, int]:
        """Compare a difference, once more for each further event, and move the base."""
        operations = self.with_control({"addition": 2 + self.most})
        if self.snr_db is None:
            return operations
        tracking = {"addition": 8, "multiplication": 5, "square root": 1}
        return dict(Counter(operations) + Counter(tracking))
