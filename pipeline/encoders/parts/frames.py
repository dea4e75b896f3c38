"""Frames of a stream: what one frame was is sent by the spikes of the next."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, Int64

from pipeline.axes import FrameMeans, SpikeBits
from pipeline.errors import ConfigError

Rows = Float32[np.ndarray, "row time"]
"""What is averaged: one row for every amplitude of a frame."""

Patterns = Bool[np.ndarray, "feature frame step"]
"""The spikes that send each frame."""

Levels = Int[np.ndarray, "row frame"]
"""A number of each frame, such as the step of its spike."""

Sender = Callable[[FrameMeans, np.random.Generator | None], Patterns]
"""Makes the spikes that send frames out of their means."""


@dataclass(frozen=True)
class FrameState:
    """Where a stream is.

    Parameters
    ----------
    settings : Encoder
        The encoder that made it.
    sfreq : float
        Samples per second.
    n_channels : int
        Of the signal.
    n_steps : int
        Samples a frame.
    place : int
        Samples that the current frame has so far.
    sums, counts : array, shape (row,)
        Of its samples that are not NaN.
    sending : array, shape (feature, step), bool
        The spikes that send the frame before.
    rng : Generator or None
        What a stochastic code draws from.
    """

    settings: object
    sfreq: float
    n_channels: int
    n_steps: int
    place: int
    sums: Float64[np.ndarray, " row"]
    counts: Int64[np.ndarray, " row"]
    sending: SpikeBits
    rng: np.random.Generator | None


def first_state(
    settings: object,
    n_rows: int,
    n_features: int,
    *,
    n_channels: int,
    n_steps: int,
    sfreq: float,
    rng: np.random.Generator | None,
) -> FrameState:
    """Make the state before the first sample: there is nothing to send."""
    sums, counts = np.zeros(n_rows), np.zeros(n_rows, np.int64)
    silence = np.zeros((n_features, n_steps), np.bool_)
    return FrameState(
        settings, sfreq, n_channels, n_steps, 0, sums, counts, silence, rng
    )


def steps_of(frame_s: float, sfreq: float, encoder: str) -> int:
    """Count the samples of a frame.

    Raises
    ------
    ConfigError
        Less than two.
    """
    n_steps = round(frame_s * sfreq)
    if n_steps < 2:
        raise ConfigError(
            f"the encoder {encoder}, frame_s",
            f"a frame of {frame_s:g} s has {n_steps} samples at {sfreq:g} Hz",
            expected="at least 2 samples a frame",
            remedy=f"set frame_s to {2 / sfreq:g} or more, or a higher signal.sfreq",
        )
    return n_steps


def send(rows: Rows, state: FrameState, sender: Sender) -> tuple[SpikeBits, FrameState]:
    """Send the frames before, and take in a chunk of rows to send later.

    Parameters
    ----------
    rows : array, shape (row, time), float32
    state : FrameState
    sender : callable
        It draws from the generator in the order of frames.

    Returns
    -------
    spikes : array, shape (feature, time), bool
    state : FrameState
    """
    from pipeline.kernels.encoders.frames import frame_means

    n_steps, stop = state.n_steps, state.place + rows.shape[1]
    means, sums, counts = frame_means(
        rows, state.sums, state.counts, state.place, n_steps
    )
    moved = replace(state, place=stop % n_steps, sums=sums, counts=counts)
    if not means.shape[1]:
        return state.sending[:, state.place : stop].copy(), moved
    rng = deepcopy(state.rng)
    frames = np.concatenate([state.sending[:, None], sender(means, rng)], axis=1)
    moved = replace(moved, sending=frames[:, -1].copy(), rng=rng)
    return frames.reshape(len(frames), -1)[:, state.place : stop], moved


def spikes_at(
    steps: FrameMeans, fires: Bool[np.ndarray, "row frame"], n: int
) -> Patterns:
    """Fire once a frame, at a step of its own, where `fires`."""
    places = np.where(fires, steps, -1).astype(np.int32)
    at_step: Patterns = places[..., None] == np.arange(n, dtype=np.int32)
    return at_step


def first_steps(patterns: Patterns) -> Levels:
    """Find the step of the first spike of every frame; −1 in a silent one."""
    steps: Levels = np.where(patterns.any(axis=-1), patterns.argmax(axis=-1), -1)
    return steps


def as_frames(spikes: SpikeBits, n_steps: int) -> Patterns:
    """Cut spikes into frames; the last one is filled up with silence."""
    n_features, n_samples = spikes.shape
    missing = -n_samples % n_steps
    return np.pad(spikes, ((0, 0), (0, missing))).reshape(n_features, -1, n_steps)
