"""Delayed-Burst: the stronger a feature, the earlier its burst."""

from functools import cache
from typing import Annotated

import numpy as np
from jaxtyping import Float64, Int64
from pydantic import Field

from pipeline.encoders.parts import frames as _frames
from pipeline.encoders.parts.bursts import BurstTransform, Strengths
from pipeline.encoders.parts.frames import Patterns
from pipeline.errors import ConfigError


class DelayedBurst(BurstTransform):
    """One burst of m spikes a frame, after a random delay that codes the strength x.

    ::

        P(d) ∝ q^d,   d = 0 … T − m,   with q so that E[d] = (1 − x) · (T − m)

    The burst fires at steps d … d + m − 1 of T. The paper draws d from a geometric law
    of that mean, which has no end; cut off at the frame's, its mean would be more than
    a third too short for weak features. Our choice: the geometric law on the steps
    there are that has this very mean (q exceeds 1 for weak features). Open in the paper
    too: the margin m, here the length of the burst, so that none is cut; and its
    length, there Poisson, here fixed, so that the delay alone is random.

    References
    ----------
    Moshruba, Poursiami and Parsa (2025), Izhikevich-inspired temporal dynamics for
    enhancing privacy, efficiency, and transferability in spiking neural networks,
    arXiv 2505.04034.
    """

    spikes: Annotated[
        int, Field(ge=1, le=1000, description="m, the spikes of a burst.")
    ] = 3

    def patterns(
        self,
        counts: Int64[np.ndarray, "feature frame"],
        sfreq: float,
        rng: np.random.Generator,
    ) -> Patterns:
        """Draw one number of every feature and frame, in the order of time."""
        n_steps, full = self.n_steps(sfreq), self.full_count(sfreq)
        draws = rng.random(counts.T.shape).T
        delays = np.full(counts.shape, n_steps)
        last = n_steps - self.spikes
        for count in np.unique(counts[counts > 0]).tolist():
            at_most = _delays_at_most((1 - min(1.0, count / full)) * last, last)
            there = counts == count
            delays[there] = np.searchsorted(at_most, draws[there], side="right")
        since = np.arange(n_steps, dtype=np.int32) - delays.astype(np.int32)[..., None]
        fires: Patterns = (since >= 0) & (since < self.spikes)
        return fires

    def strengths(self, patterns: Patterns, sfreq: float) -> Strengths:
        """Take the delay for its mean: right on average."""
        delays = _frames.first_steps(patterns)
        x = 1 - delays / (self.n_steps(sfreq) - self.spikes)
        return np.where(delays >= 0, np.maximum(x, 0), 0.0)

    def n_steps(self, sfreq: float) -> int:
        """Count the samples of a frame.

        Raises
        ------
        ConfigError
            Less than two, or no more than a burst.
        """
        n_steps = super().n_steps(sfreq)
        if n_steps <= self.spikes:
            raise ConfigError(
                "the encoder delayed_burst, spikes",
                f"{self.spikes} a burst, and a frame of {self.frame_s:g} s has "
                f"{n_steps} samples at {sfreq:g} Hz",
                expected="frames that are longer than bursts",
                remedy=f"set frame_s to {(self.spikes + 1) / sfreq:g} or more",
            )
        return n_steps


@cache
def _delays_at_most(mean: float, last: int) -> Float64[np.ndarray, " delay"]:
    """Give P(d ≤ 0), P(d ≤ 1), … of the geometric law on 0 … last with this mean."""
    from scipy.optimize import brentq

    delays = np.arange(last + 1)

    def law(log_q: float) -> Float64[np.ndarray, " delay"]:
        """Give the probabilities of the delays."""
        weights = np.exp(log_q * (delays - (last if log_q > 0 else 0)))
        return np.asarray(weights / weights.sum())

    def excess(log_q: float) -> float:
        """Give how far the mean delay is from the one asked for."""
        return float(law(log_q) @ delays) - mean

    if mean <= 0:
        return np.ones(last + 1)
    log_q = brentq(excess, -50, 50, xtol=1e-12)
    at_most = law(log_q).cumsum()
    at_most[-1] = 1  # rounding must not let a delay pass the last
    return at_most
