"""Poisson-Burst: the stronger a feature, the likelier a burst of random length."""

from typing import Annotated

import numpy as np
from jaxtyping import Float64, Int64
from pydantic import Field

from pipeline.encoders.parts.bursts import BurstTransform, Strengths
from pipeline.encoders.parts.frames import Patterns


class PoissonBurst(BurstTransform):
    """Random bursts, likelier the stronger a feature is.

    ::

        P(burst in a frame) = f(x) = x
        spikes of a burst   ~ Poisson(λ),   one a step from the first step of the frame

    The paper asks for any monotone f, and leaves open λ, the interval and where in it a
    burst begins. Our choices: f(x) = x; the interval is the frame; λ is `mean_spikes`;
    a burst begins with its frame, and ends with it if it is longer. A burst of no
    spikes, of probability exp(−λ), is none.

    References
    ----------
    Moshruba, Poursiami and Parsa (2025), Izhikevich-inspired temporal dynamics for
    enhancing privacy, efficiency, and transferability in spiking neural networks,
    arXiv 2505.04034.
    """

    mean_spikes: Annotated[
        float, Field(gt=0, le=1000, description="λ, the mean length of a burst.")
    ] = 3.0

    def patterns(
        self,
        counts: Int64[np.ndarray, "feature frame"],
        sfreq: float,
        rng: np.random.Generator,
    ) -> Patterns:
        """Draw two numbers of every feature and frame, in the order of time."""
        n_steps, x = self.n_steps(sfreq), counts / self.full_count(sfreq)
        occurs, length = rng.random((counts.shape[1], len(counts), 2)).T
        lengths = np.searchsorted(self._at_most(n_steps), length, side="right")
        lengths = np.where(occurs < x, lengths, 0).astype(np.int32)
        fires: Patterns = np.arange(n_steps, dtype=np.int32) < lengths[..., None]
        return fires

    def strengths(self, patterns: Patterns, sfreq: float) -> Strengths:
        """Take a burst for 1 / P(it has spikes): right on average."""
        visible = -np.expm1(-self.mean_spikes)
        x: Strengths = patterns.any(axis=-1) / visible
        return x

    def _at_most(self, n_steps: int) -> Float64[np.ndarray, " count"]:
        """Give P(a burst has at most 0, 1, … n_steps − 1 spikes)."""
        from scipy.special import pdtr

        return np.asarray(pdtr(np.arange(n_steps), self.mean_spikes))
