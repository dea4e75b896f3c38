"""Burst: the stronger a frame, the more spikes in the next, and the closer."""

import math
from typing import Annotated

import numpy as np
from pydantic import Field, PositiveFloat, model_validator

from pipeline.encoders.parts import frames as _frames
from pipeline.encoders.parts.framed import Amplitudes, FramedEncoder
from pipeline.encoders.parts.frames import Patterns
from pipeline.errors import ConfigError


class Burst(FramedEncoder):
    """One burst a frame, whose length and intervals depend on the amplitude x.

    ::

        N_s = ceil(N_max · x)
        ISI = ceil(Δmax − (Δmax − Δmin) · x),   Δmax if N_s = 1
        spikes at steps 0, ISI, 2 ISI, … (N_s − 1) ISI

    Δmin and Δmax are `shortest_s` and `longest_s` in samples, at least one. A burst has
    to end within its frame.

    References
    ----------
    Guo, Fouda, Eltawil and Salama (2021), Neural coding in spiking neural networks: a
    comparative study for robust neuromorphic systems, Front. Neurosci. 15.
    """

    spikes: Annotated[
        int, Field(ge=1, le=1000, description="N_max, the spikes of x = 1.")
    ] = 5
    shortest_s: Annotated[
        PositiveFloat, Field(description="Δmin, the interval of x = 1, seconds.")
    ] = 0.004
    longest_s: Annotated[
        PositiveFloat, Field(description="Δmax, the interval of x near 0, seconds.")
    ] = 0.03

    @model_validator(mode="after")
    def _check_intervals(self) -> "Burst":
        if self.shortest_s > self.longest_s:
            raise ValueError("shortest_s above longest_s: the smaller one first")
        return self

    def patterns(
        self, x: Amplitudes, sfreq: float, rng: np.random.Generator | None
    ) -> Patterns:
        """Fire N_s spikes, ISI apart."""
        shortest, longest = self._intervals(sfreq)
        x = np.nan_to_num(x)
        counts = np.ceil(self.spikes * x).astype(np.int32)[..., None]
        apart = np.ceil(longest - (longest - shortest) * x).astype(np.int32)[..., None]
        steps = np.arange(self.n_steps(sfreq), dtype=np.int32)
        fires: Patterns = (steps % apart == 0) & (steps < counts * apart)
        return fires

    def amplitudes(self, patterns: Patterns, sfreq: float) -> Amplitudes:
        """Take the middle of those x that have this count and this interval."""
        shortest, longest = self._intervals(sfreq)
        counts = patterns.sum(axis=-1)
        low, high = (counts - 1) / self.spikes, counts / self.spikes
        later = patterns & (patterns.cumsum(axis=-1) == 2)
        apart = _frames.first_steps(later)
        if span := longest - shortest:
            knows = counts > 1
            low = np.where(knows, np.maximum(low, (longest - apart) / span), low)
            high = np.where(knows, np.minimum(high, (longest - apart + 1) / span), high)
        return np.where(counts > 0, (low + high) / 2, 0.0)

    def amplitude_bound(self, sfreq: float) -> float:
        """Bound it: half of what one spike more stands for."""
        return self.decode_bound() / 2

    def decode_bound(self) -> float:
        """Bound the error of ON and of OFF together."""
        return self.full_scale / self.spikes

    def n_steps(self, sfreq: float) -> int:
        """Count the samples of a frame.

        Raises
        ------
        ConfigError
            Less than two, or less than the longest burst.
        """
        n_steps = super().n_steps(sfreq)
        if (needed := self._longest_burst(sfreq)) > n_steps:
            raise ConfigError(
                "the encoder burst, frame_s",
                f"a burst lasts {needed} samples, and a frame of {self.frame_s:g} s "
                f"has {n_steps} at {sfreq:g} Hz",
                expected="frames as long as the longest burst",
                remedy=f"set frame_s to {needed / sfreq:g} or more, or fewer spikes",
            )
        return n_steps

    def operations(self) -> dict[str, int]:
        """Sum, clip, count down; of a frame, of two samples at least, x, N_s, ISI."""
        return {"addition": 9, "multiplication": 3}

    def _intervals(self, sfreq: float) -> tuple[int, int]:
        """Give Δmin and Δmax, samples."""
        both = (self.shortest_s, self.longest_s)
        shortest, longest = (max(1, round(each * sfreq)) for each in both)
        return shortest, longest

    def _longest_burst(self, sfreq: float) -> int:
        """Count the samples from the first spike to the last, of the worst x."""
        shortest, longest = self._intervals(sfreq)
        lasts = [
            n * math.ceil(longest - (longest - shortest) * n / self.spikes)
            for n in range(self.spikes)
        ]
        return 1 + max(lasts)
