"""What codes with an ON and an OFF feature per channel share."""

import numpy as np
from jaxtyping import Int8

from pipeline.axes import SpikeBits

Signs = Int8[np.ndarray, "channel time"]
"""+1 where ON fired, −1 where OFF fired, else 0."""


def signed_features(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Name two features a channel: `MLII+` for ON in even rows, `MLII-` for OFF."""
    return tuple(channel + sign for channel in channels for sign in "+-")


def signs(spikes: SpikeBits) -> Signs:
    """Join the ON and OFF rows of each channel."""
    return spikes[0::2].astype(np.int8) - spikes[1::2].astype(np.int8)
