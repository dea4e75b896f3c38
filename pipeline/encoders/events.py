"""Events: what is a spike already stays one."""

from typing import ClassVar

import numpy as np

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.base import Encoder
from pipeline.encoders.parts.signed import signed_features, signs
from pipeline.errors import DataError


class Events(Encoder[None]):
    """Passes on events of either sign, such as those of a level-crossing converter.

    ::

        ON[k] = x[k] = 1,   OFF[k] = x[k] = −1

    The signal is one of events: it must not be filtered, resampled or scaled. There is
    no state.
    """

    values: ClassVar[tuple[float, ...] | None] = (-1.0, 0.0, 1.0)

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name ON and OFF of each channel."""
        return signed_features(channels)

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> None:
        """Make no state."""

    def encode(self, chunk: Samples, state: None) -> tuple[SpikeBits, None]:
        """Encode one chunk.

        Raises
        ------
        DataError
            A value is none of −1, 0 and 1.
        """
        spikes = np.empty((2 * chunk.shape[0], chunk.shape[1]), dtype=np.bool_)
        np.equal(chunk, 1, out=spikes[0::2])
        np.equal(chunk, -1, out=spikes[1::2])
        strange = ~(spikes[0::2] | spikes[1::2] | (chunk == 0))
        if strange.any():
            channel, step = np.argwhere(strange)[0].tolist()
            raise DataError(
                f"the encoder events, channel {channel} of the signal",
                f"the value {chunk[channel, step]:g}",
                expected="-1, 0 or 1 at every sample: what is no event is silence",
                remedy="use the encoder delta for voltages; for events set the data "
                "set's signal.scale to null, without l_freq, h_freq, notch and sfreq",
            )
        return spikes, None

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Give the events back, ON − OFF."""
        return signs(spikes).astype(np.float32)

    def decode_bound(self) -> float:
        """Nothing is lost."""
        return 0.0

    def operations(self) -> dict[str, int]:
        """Two comparisons."""
        return {"addition": 2}
