"""Delays of a stream: each feature at several moments of the past, side by side."""

from dataclasses import dataclass

import numpy as np

from pipeline.axes import SpikeBits


@dataclass(frozen=True)
class DelayLine:
    """Copies of spike trains, each later than the one before.

    Copy f·count + k of a step is feature f, k·every steps ago. The state is the last
    (count − 1)·every steps: on a device, a ring of bits.

    Parameters
    ----------
    count : int
        Copies of each feature; the first is not late.
    every : int
        Steps between one copy and the next.
    """

    count: int
    every: int

    def start(self, n_features: int) -> SpikeBits:
        """Make the state before the first step: silence."""
        return np.zeros(((self.count - 1) * self.every, n_features), np.bool_)

    def run(self, spikes: SpikeBits, state: SpikeBits) -> tuple[SpikeBits, SpikeBits]:
        """Delay one chunk.

        Parameters
        ----------
        spikes : array, shape (time, feature), bool
        state : array, shape (past, feature), bool
            What the chunk before returned. It is not changed.

        Returns
        -------
        copies : array, shape (time, feature·count), bool
        state : array, shape (past, feature), bool
        """
        past = np.concatenate([state, spikes])
        newest = len(past) - len(spikes)
        shifts = range(newest, newest - self.count * self.every, -self.every)
        copies = [past[first : first + len(spikes)] for first in shifts]
        width = spikes.shape[1] * self.count
        joined = np.stack(copies, axis=-1).reshape(len(spikes), width)
        return joined, past[len(past) - len(state) :]
