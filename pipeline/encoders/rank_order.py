"""Rank order: the strongest amplitude of a frame fires first in the next."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.encoders.parts import frames as _frames
from pipeline.encoders.parts.framed import Amplitudes, FramedEncoder
from pipeline.encoders.parts.frames import Patterns


class RankOrder(FramedEncoder):
    """Order of the amplitudes of all channels, each spike a step after the last.

    ::

        the k-th strongest x > 0 fires at step k = 0, 1, …,   decoded as m^k

    ON and OFF are sorted together; of equal amplitudes the earlier channel fires first,
    ON before OFF. Those that come after the last step of the frame do not fire. What is
    kept is the order: amplitudes are those that a receiver with shunting inhibition m
    would take them for, and have no bound.

    References
    ----------
    Thorpe and Gautrais (1998), Rank order coding, Computational Neuroscience: Trends in
    Research.
    """

    m: Annotated[
        float, Field(gt=0, lt=1, description="What a rank is worth of the one before.")
    ] = 0.9

    def patterns(
        self, x: Amplitudes, sfreq: float, rng: np.random.Generator | None
    ) -> Patterns:
        """Fire in the order of amplitudes."""
        n_steps = self.n_steps(sfreq)
        order = np.argsort(-x, axis=0, kind="stable")
        ranks = np.empty(x.shape)
        np.put_along_axis(ranks, order, np.arange(len(x), dtype=float)[:, None], axis=0)
        return _frames.spikes_at(ranks, x > 0, n_steps)

    def amplitudes(self, patterns: Patterns, sfreq: float) -> Amplitudes:
        """Weigh a spike by its rank, m^k."""
        steps = _frames.first_steps(patterns)
        return np.where(steps >= 0, self.m ** np.maximum(steps, 0.0), 0.0)

    def amplitude_bound(self, sfreq: float) -> None:
        """There is none: the order is kept, not the amplitude."""
