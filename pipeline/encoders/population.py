"""Population: neurons with overlapping receptive fields share a frame's mean."""

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from pipeline.axes import Samples
from pipeline.encoders.parts import frames as _frames
from pipeline.encoders.parts.framed import Amplitudes, FramedEncoder
from pipeline.encoders.parts.frames import Patterns, Rows

SILENT_BELOW = 0.1
"""Activations that do not fire as latencies: too late to count."""

DRAWS = 1 << 20
"""Random numbers that are held at once."""


class Population(FramedEncoder):
    """M Gaussian receptive fields of the signed mean x of a frame, T steps long.

    ::

        x = mean of the frame / full_scale, within −1 … 1
        a_i = exp(−(x − c_i)² / (2σ²)),   c = M centres from −1 to 1,
                                          σ = width · (distance of two centres)

        latency:  neuron i fires at step (T − 1) · (1 − a_i) / 0.9; not if a_i < 0.1
        rate:     neuron i fires at every step with the probability a_i
        decoded:  x = Σ a_i · c_i / Σ a_i

    The mean keeps its sign, without ON and OFF: of a signal that oscillates faster than
    frames it is near 0. The centroid is drawn inwards at either end of the scale.

    References
    ----------
    Bohte, La Poutré and Kok (2002), Unsupervised clustering with spiking neurons by
    sparse temporal coding and multilayer RBF networks, IEEE TNN 13(2).
    """

    neurons: Annotated[
        int, Field(ge=3, le=64, description="M, the neurons of a channel.")
    ] = 8
    width: Annotated[
        float, Field(ge=0.4, le=1, description="σ, in distances of two centres.")
    ] = 0.6
    code: Annotated[
        Literal["latency", "rate"], Field(description="What an activation becomes.")
    ] = "latency"

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name the neurons of each channel, from the lowest centre: `MLII:1`."""
        numbers = range(1, self.neurons + 1)
        return tuple(f"{channel}:{i}" for channel in channels for i in numbers)

    def rows(self, chunk: Samples) -> Rows:
        """Average the signal as it is."""
        return chunk

    def joined(self, x: Amplitudes) -> Float64[np.ndarray, "channel frame"]:
        """Take the one value of a channel as it is."""
        return x

    def source(self, rng: np.random.Generator) -> np.random.Generator | None:
        """Draw if activations become rates."""
        return rng if self.code == "rate" else None

    def patterns(
        self, x: Amplitudes, sfreq: float, rng: np.random.Generator | None
    ) -> Patterns:
        """Fire as early, or as often, as a neuron is active."""
        n_steps, activations = self.n_steps(sfreq), self.activations(x)
        if rng is not None:
            return _drawn(activations, n_steps, rng)
        steps = np.rint((n_steps - 1) / (1 - SILENT_BELOW) * (1 - activations))
        return _frames.spikes_at(steps, activations >= SILENT_BELOW, n_steps)

    def activations(self, x: Amplitudes) -> Float64[np.ndarray, "feature frame"]:
        """Give what each receptive field makes of x."""
        sigma = self.width * self._distance
        away = x[:, None] - self._centres[:, None]
        active: Amplitudes = np.exp(-(away**2) / (2 * sigma**2))
        return active.reshape(len(x) * self.neurons, x.shape[1])

    def amplitudes(self, patterns: Patterns, sfreq: float) -> Amplitudes:
        """Take the centroid of the centres by their activations; 0 without spikes."""
        active = self._decoded(patterns, self.n_steps(sfreq))
        n_channels, n_frames = len(active) // self.neurons, active.shape[1]
        active = active.reshape(n_channels, self.neurons, n_frames)
        moments = np.einsum("cif,i->cf", active, self._centres)
        total = active.sum(axis=1)
        silent = np.zeros_like(total)
        return np.asarray(np.divide(moments, total, out=silent, where=total > 0))

    def amplitude_bound(self, sfreq: float) -> float | None:
        """Bound it for latencies: 0.6 of the distance of two centres; rates have none.

        That is the worst of all widths and frames, at either end of the scale.
        """
        return (
            0.6 * self.full_scale * self._distance if self.code == "latency" else None
        )

    def operations(self) -> dict[str, int]:
        """Sum and clip; every neuron's activation, and its step or its draw."""
        n = self.neurons
        each = {"exponential": n, "multiplication": 3 * n + 1, "addition": 4 * n + 2}
        return each | ({"random number": n} if self.code == "rate" else {})

    @property
    def _distance(self) -> float:
        """Give the distance of two centres."""
        return 2 / (self.neurons - 1)

    @property
    def _centres(self) -> Float64[np.ndarray, " neuron"]:
        return np.linspace(-1, 1, self.neurons)

    def _decoded(
        self, patterns: Patterns, n_steps: int
    ) -> Float64[np.ndarray, "feature frame"]:
        """Estimate activations by their spikes."""
        if self.code == "rate":
            return np.asarray(patterns.mean(axis=-1))
        steps = _frames.first_steps(patterns)
        active = 1 - (1 - SILENT_BELOW) / (n_steps - 1) * steps
        return np.where(steps >= 0, active, 0.0)


def _drawn(
    likely: Float64[np.ndarray, "feature frame"],
    n_steps: int,
    rng: np.random.Generator,
) -> Patterns:
    """Fire at every step with the probability of the frame, drawn in time order."""
    n_features, n_frames = likely.shape
    fires = np.empty((n_features, n_frames, n_steps), np.bool_)
    block = max(1, DRAWS // (n_features * n_steps))
    for first in range(0, n_frames, block):
        part = likely[:, first : first + block, None]
        draws = rng.random((part.shape[1], n_steps, n_features))
        fires[:, first : first + block] = draws.transpose(2, 0, 1) < part
    return fires
