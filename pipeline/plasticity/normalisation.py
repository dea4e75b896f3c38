"""Homeostasis by normalisation: a target's weights keep their mean."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.plasticity.base import Rule
from pipeline.plasticity.parts.settings import Seconds, Weight

if TYPE_CHECKING:
    from pipeline.kernels.rules.homeostasis import Normalisation as Constants


class Normalisation(Rule):
    """Weight normalisation: now and then, every target's weights get the same mean.

        w_ij ← min(w_ij·n·W / Σ_i w_ij, w_max)      of n sources

    It visits every synapse, and only a target's own sum is shared among them. A target
    without any weight is left alone. What `w_max` cuts off is missing in the sum.

    References
    ----------
    .. [1] P. U. Diehl, M. Cook, "Unsupervised learning of digit recognition using
       spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9,
       2015.
    """

    mean: Annotated[float, Field(gt=0, le=1e6, description="W, of all sources")] = 0.1
    every_s: Seconds = 1.0
    w_max: Weight = 1.0

    def constants(self, n_pre: int, n_post: int, dt: float) -> "Constants":
        """Count the steps between normalisations."""
        import numpy as np

        from pipeline.kernels.rules.homeostasis import Normalisation as Constants

        period = max(1, round(self.every_s / dt))
        return Constants(np.float32(self.mean * n_pre), period, np.float32(self.w_max))
