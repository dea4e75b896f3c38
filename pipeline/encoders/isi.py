"""Inter-spike intervals: the stronger a frame, the closer its spikes in the next."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.encoders.parts import frames as _frames
from pipeline.encoders.parts.framed import Amplitudes, FramedEncoder
from pipeline.encoders.parts.frames import Patterns
from pipeline.errors import ConfigError


class Isi(FramedEncoder):
    """Equal intervals that depend on a frame's amplitude x, of T steps a frame.

    ::

        Δ(x) = Δmax − (Δmax − Δmin) · x,   rounded;   spikes at steps Δ − 1, 2Δ − 1, …

    Δmax is the frame, T, and Δmin is `shortest_s`, at least one sample. The first
    interval counts from the start of the frame, so that one spike gives Δ. A frame with
    x = 0 is silent.

    References
    ----------
    Guo et al. (2021), Neural coding in spiking neural networks, Front. Neurosci. 15.
    """

    shortest_s: Annotated[
        float, Field(gt=0, description="Interval of x = 1, seconds; below frame_s.")
    ] = 0.004

    def patterns(
        self, x: Amplitudes, sfreq: float, rng: np.random.Generator | None
    ) -> Patterns:
        """Fire after every interval."""
        n_steps, span = self.n_steps(sfreq), self._span(sfreq)
        never = n_steps + 1
        steps = np.where(x > 0, np.rint(n_steps - span * x), never).astype(np.int32)
        fires: Patterns = np.arange(1, never, dtype=np.int32) % steps[..., None] == 0
        return fires

    def amplitudes(self, patterns: Patterns, sfreq: float) -> Amplitudes:
        """Take the x of the first interval."""
        steps = _frames.first_steps(patterns)
        x = (self.n_steps(sfreq) - (steps + 1)) / self._span(sfreq)
        return np.where(steps >= 0, x, 0.0)

    def amplitude_bound(self, sfreq: float) -> float:
        """Bound it: what changes the interval by half a sample."""
        return self.full_scale / (2 * self._span(sfreq))

    def n_steps(self, sfreq: float) -> int:
        """Count the samples of a frame.

        Raises
        ------
        ConfigError
            Less than two, or no more than the shortest interval.
        """
        n_steps = super().n_steps(sfreq)
        if (shortest := self._shortest(sfreq)) >= n_steps:
            raise ConfigError(
                "the encoder isi, shortest_s",
                f"{shortest} samples, and a frame has {n_steps} at {sfreq:g} Hz",
                expected="fewer samples than a frame",
                remedy="set a smaller shortest_s or a larger frame_s",
            )
        return n_steps

    def operations(self) -> dict[str, int]:
        """Sum, clip, count down; of a frame, of two samples at least, x and Δ."""
        return {"addition": 9, "multiplication": 2}

    def _shortest(self, sfreq: float) -> int:
        return max(1, round(self.shortest_s * sfreq))

    def _span(self, sfreq: float) -> int:
        """Give Δmax − Δmin, samples."""
        return self.n_steps(sfreq) - self._shortest(sfreq)
