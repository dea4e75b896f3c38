"""Homeostasis by thresholds: who fires much becomes harder to excite."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.plasticity.base import Rule
from pipeline.plasticity.parts.settings import Seconds, check_tau

if TYPE_CHECKING:
    from pipeline.kernels.rules.homeostasis import Threshold as Constants


class AdaptiveThreshold(Rule):
    """Adaptive thresholds, one more variable a neuron.

        ϑ ← ϑ₀ + (ϑ − ϑ₀)·exp(−dt/τ) + δ·s

    A neuron that fires at rate r ends near ϑ₀ + δ·τ·r.

    References
    ----------
    .. [1] P. U. Diehl, M. Cook, "Unsupervised learning of digit recognition using
       spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9,
       2015.
    """

    rest: Annotated[float, Field(gt=0, le=1e6, description="ϑ₀")] = 1.0
    increment: Annotated[float, Field(ge=0, le=1e6, description="δ, of a spike")] = 0.05
    tau_s: Seconds = 100.0

    @property
    def resting(self) -> float:
        """ϑ₀."""
        return self.rest

    def constants(self, n_pre: int, n_post: int, dt: float) -> "Constants":
        """Compute what a step leaves of ϑ − ϑ₀."""
        import numpy as np

        from pipeline.kernels.rules.homeostasis import Threshold as Constants
        from pipeline.kernels.rules.learning import decays

        check_tau("tau_s", self.tau_s, n_post, dt)
        decay = decays(self.tau_s, 1, dt)[0]
        return Constants(np.float32(self.rest), decay, np.float32(self.increment))
