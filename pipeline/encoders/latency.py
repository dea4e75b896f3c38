"""Latency: the stronger a frame, the earlier its one spike in the next."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from pipeline.encoders.parts.framed import Amplitudes, FramedEncoder
from pipeline.encoders.parts.frames import Patterns, first_steps, spikes_at


class Latency(FramedEncoder):
    """Time to first spike of a frame's amplitude x, of T steps a frame.

    ::

        linear:       t = (T − 1) · (1 − x)
        logarithmic:  t = τ · (L(x) − L(1)),   L(x) = ln(x / (x − θ)),  θ = threshold/2
                      τ = (T − 1) / (L(threshold) − L(1))

    rounded to the nearest step; silent if x < threshold. The logarithm is the time that
    a capacitor charged by x takes to reach θ. Our choice is to scale it to the frame,
    from step 0 for x = 1 to the last step for x = threshold, twice θ: the current that
    only just reaches θ takes for ever. It is fine where x is small, and coarse where it
    is large.

    References
    ----------
    Thorpe, Delorme and Van Rullen (2001), Spike-based strategies for rapid processing,
    Neural Networks 14. The logarithm: Eshraghian et al. (2023), Training spiking neural
    networks using lessons from deep learning, Proc. IEEE 111(9).
    """

    kind: Annotated[
        Literal["linear", "logarithmic"], Field(description="How x becomes a time.")
    ] = "linear"
    threshold: Annotated[
        float, Field(gt=0, lt=1, description="Smallest x that fires.")
    ] = 0.05

    def patterns(
        self, x: Amplitudes, sfreq: float, rng: np.random.Generator | None
    ) -> Patterns:
        """Fire once a frame."""
        n_steps = self.n_steps(sfreq)
        share = 1 - x if self.kind == "linear" else self._delays(x)
        return spikes_at(np.rint((n_steps - 1) * share), x >= self.threshold, n_steps)

    def amplitudes(self, patterns: Patterns, sfreq: float) -> Amplitudes:
        """Take the x that would fire at that very step."""
        steps = first_steps(patterns)
        return np.where(steps >= 0, self._inverse(steps, self.n_steps(sfreq)), 0.0)

    def amplitude_bound(self, sfreq: float) -> float:
        """Bound it: `threshold`, or half a step where steps are coarsest."""
        half_a_step_late = float(self._inverse(np.array(0.5), self.n_steps(sfreq)))
        return self.full_scale * max(self.threshold, 1 - half_a_step_late)

    def operations(self) -> dict[str, int]:
        """Sum, clip and compare; of a frame, of two samples at least, x and t."""
        if self.kind == "linear":
            return {"addition": 7, "multiplication": 2}
        return {"addition": 8, "multiplication": 2, "division": 1, "logarithm": 1}

    @property
    def _ends(self) -> tuple[float, float]:
        """L of the strongest and of the weakest x that fire."""
        return -math.log(1 - self.threshold / 2), math.log(2)

    def _delays(self, x: Amplitudes) -> Amplitudes:
        """Give logarithmic delays, as shares of the last step."""
        first, last = self._ends
        x = np.maximum(x, self.threshold)
        return (np.log(x / (x - self.threshold / 2)) - first) / (last - first)

    def _inverse(self, steps: np.ndarray, n_steps: int) -> np.ndarray:
        """Give the x of a delay."""
        share = steps / (n_steps - 1)
        if self.kind == "linear":
            return np.asarray(1 - share)
        first, last = self._ends
        return self.threshold / 2 / -np.expm1(-(first + share * (last - first)))
