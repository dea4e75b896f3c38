"""What codes with an ON and an OFF feature per channel share."""

import numpy as np
from jaxtyping import Int8

from pipeline.axes import SpikeBits

Signs = Int8[np.ndarray, "channel time"]
"""+1 where ON fired, −1 where OFF fired, else 0; with several rows a sign, counts."""


def signed_features(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Name two features a channel: `MLII+` for ON in even rows, `MLII-` for OFF."""
    return tuple(channel + sign for channel in channels for sign in "+-")


def counted_features(channels: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Name `most` features a sign: `MLII+2` fires with the second event of a sample."""
    return tuple(
        f"{channel}{sign}{number}"
        for channel in channels
        for sign in "+-"
        for number in range(1, most + 1)
    )


def signs(spikes: SpikeBits, most: int = 1) -> Signs:
    """Join the ON and OFF rows of each channel, `most` of each."""
    if most == 1:
        return spikes[0::2].astype(np.int8) - spikes[1::2].astype(np.int8)
    shape = len(spikes) // (2 * most), 2, most, spikes.shape[1]
    rows = spikes.reshape(shape).sum(axis=2, dtype=np.int8)
    joined: Signs = rows[:, 0] - rows[:, 1]
    return joined
