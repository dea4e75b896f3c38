"""What the spike codes are timed against.

Stand-ins after the published equations, in numpy, all channels at once: Petro, Kasabov
and Kiss publish loops over the samples of one channel in Python, which take longer.
Every one packs its spikes and gives the bits that ours gives, which `check` looks at.

Of the libraries, pyspikes gives our bits of `delta`, and of `bsa` if its loop is given
our filter, x and −x: by itself it scales the signal to 0 … 1, so it has no OFF. The
others give other bits, or more of them: `spikegen.delta` compares with ≥ and has a
sample of 0 before the first, `spikegen.rate` draws other numbers and has no OFF,
spike-encoding follows in single precision, pyspikes takes the threshold of TBR from the
signal.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
import torch
from snntorch import spikegen

from pipeline.kernels.encoders.poisson_rate import plain_poisson_rate

Work = Callable[[np.ndarray], object]

LIBRARIES: Final = ("snnTorch", "pyspikes", "spike-encoding", "Tonic")

COMPUTE: Final[dict[str, tuple[str, ...]]] = {
    "delta": ("pyspikes", "spike-encoding"),
    "temporal_contrast": ("snnTorch", "pyspikes", "spike-encoding"),
    "bsa": ("pyspikes", "spike-encoding"),
    "rate": ("snnTorch", "spike-encoding"),
}
"""The libraries that compute a code, or its like. Not timed are the rate and the BSA of
spike-encoding, which are loops in Python, and its copy of snnTorch's differences."""


@dataclass(frozen=True)
class Peer:
    """Another program for a code.

    Parameters
    ----------
    name : str
    work : callable
        Encodes and packs a signal, (channel, time).
    n_steps : int or None
        It is slow: it gets so many samples a channel, and the time is scaled.
    same : bool
        It gives our bits.
    """

    name: str
    work: Work
    n_steps: int | None = None
    same: bool = True


def stepped(
    step: Callable[[Any, np.ndarray], tuple[np.ndarray, Any]], start: Any
) -> Work:
    """Loop over time in numpy: signed counts of a sample and a state follow a state."""

    def work(signal: np.ndarray, most: int = 1) -> np.ndarray:
        counts = np.empty(signal.shape, np.int8)
        state = start(signal[:, 0].astype(np.float64))
        for t, sample in enumerate(signal.T.astype(np.float64)):
            counts[:, t], state = step(state, sample)
        return packed(counts, most)

    return work


def packed(counts: np.ndarray, most: int = 1) -> np.ndarray:
    """Pack signed counts of events as a thermometer of rows."""
    rows = [
        sign * counts >= number for sign in (1, -1) for number in range(1, most + 1)
    ]
    bits = np.stack(rows, axis=1).reshape(-1, counts.shape[1])
    return np.packbits(bits, axis=1)


def several(most: int, work: Any) -> Work:
    """Give a code of several events a sample."""
    return lambda signal: work(signal, most)


def step_forward(threshold: float) -> Work:
    """Follow the signal by one threshold a sample."""

    def step(base: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts = (x > base + threshold) * 1 - (x < base - threshold)
        return counts, base + threshold * counts

    return stepped(step, lambda first: first)


def scalar_step_forward(threshold: float) -> Work:
    """Do it one channel after the other in numba, straight into booleans."""
    loop: Any = numba.njit(_scalar_loop)

    def work(signal: np.ndarray) -> np.ndarray:
        bits = np.zeros((len(signal), 2, signal.shape[1]), np.bool_)
        loop(np.ascontiguousarray(signal), threshold, bits)
        return np.packbits(bits.reshape(-1, signal.shape[1]), axis=1)

    return work


def _scalar_loop(signal: Any, threshold: Any, bits: Any) -> None:
    for channel in range(signal.shape[0]):
        base = np.float64(signal[channel, 0])
        for t in range(signal.shape[1]):
            if signal[channel, t] > base + threshold:
                bits[channel, 0, t] = True
                base += threshold
            elif signal[channel, t] < base - threshold:
                bits[channel, 1, t] = True
                base -= threshold


def send_on_delta(threshold: float, most: int) -> Work:
    """Follow the signal by as many thresholds as it moved."""

    def step(base: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = x - base
        counts = np.sign(moved) * np.minimum(np.abs(moved) // threshold, most)
        return counts, base + threshold * counts

    return several(most, stepped(step, lambda first: first))


def level_crossing(spacing: float, most: int) -> Work:
    """Count the levels of a grid between the last one and the signal."""

    def step(level: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        up = np.clip(np.floor(x / spacing) - level, 0, most)
        down = np.clip(np.ceil(x / spacing) - level, -most, 0)
        return up + down, level + up + down

    return several(most, stepped(step, lambda first: np.rint(first / spacing)))


def sigma_delta(threshold: float) -> Work:
    """Integrate, compare and feed back."""

    def step(total: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total = total + np.clip(x, -threshold, threshold)
        counts = (total >= threshold) * 1 - (total <= -threshold)
        return counts, total - threshold * counts

    return stepped(step, lambda first: 0 * first)


def regular_rate(full_scale: float) -> Work:
    """Integrate both signs and fire at each full unit."""

    def step(sums: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scaled = x / full_scale
        sums = sums + np.clip([scaled, -scaled], 0, 1)
        fires = sums >= 1
        return fires[0] * 1 - fires[1], sums - fires

    return stepped(step, lambda first: np.zeros((2, len(first))))


def moving_window(threshold: float, length: int) -> Work:
    """Compare with the mean of the last samples."""

    def work(signal: np.ndarray) -> np.ndarray:
        exact = np.rint(signal.astype(np.float64) * 65536)
        sums = np.cumsum(np.pad(exact, ((0, 0), (1, 0))), axis=1)[:, :-1]
        numbers = np.minimum(np.arange(signal.shape[1]), length)
        before = np.pad(sums, ((0, 0), (length, 0)))[:, : signal.shape[1]]
        base = (sums - before) / np.maximum(numbers, 1)
        limit = threshold * 65536
        counts = (exact > base + limit) * 1 - (exact < base - limit)
        counts[:, 0] = 0
        return packed(counts)

    return work


def temporal_contrast(threshold: float) -> Work:
    """Compare the difference of neighbours."""

    def work(signal: np.ndarray) -> np.ndarray:
        change = np.diff(signal.astype(np.float64), axis=1, prepend=signal[:, :1])
        bits = np.stack([change > threshold, change < -threshold], axis=1)
        return np.packbits(bits.reshape(-1, signal.shape[1]), axis=1)

    return work


def bsa(taps: np.ndarray, threshold: float) -> Work:
    """Subtract the filter where that brings the rest nearer to zero."""
    ahead = len(taps) - 1

    def work(signal: np.ndarray) -> np.ndarray:
        bits = np.zeros((len(signal), 2, signal.shape[1]), np.bool_)
        for row, sign in enumerate((1, -1)):
            rest = sign * signal.astype(np.float64)
            for k in range(signal.shape[1] - ahead):
                window = rest[:, k : k + ahead + 1]
                gains = np.abs(window) - np.abs(window - taps)
                fires = gains.cumsum(axis=1)[:, -1] >= threshold
                window[fires] -= taps
                bits[:, row, k + ahead] = fires
        return np.packbits(bits.reshape(-1, signal.shape[1]), axis=1)

    return work


def snntorch_delta(threshold: float) -> Work:
    """Let snnTorch threshold differences."""

    def work(signal: np.ndarray) -> np.ndarray:
        steps = torch.from_numpy(signal.T)
        spikes = spikegen.delta(steps, threshold, padding=True, off_spike=True)
        return packed(spikes.numpy().T)

    return work


def snntorch_rate(full_scale: float) -> Work:
    """Let snnTorch draw spikes of the magnitude."""

    def work(signal: np.ndarray) -> np.ndarray:
        unit = torch.from_numpy(signal.T).abs().div(full_scale).clamp(max=1)
        spikes = spikegen.rate(unit, time_var_input=True)
        return np.packbits(spikes.numpy().T.astype(np.bool_), axis=1)

    return work


def numpy_rate(full_scale: float) -> Work:
    """Draw all numbers at once."""
    return lambda signal: plain_poisson_rate(
        signal, full_scale, np.random.default_rng(1)
    )


def pyspikes(name: str, **settings: float) -> Work:
    """Let pyspikes encode (sample, time, feature), each channel as a sample."""
    coder = getattr(importlib.import_module("spikes.encoder"), name)

    def work(signal: np.ndarray) -> np.ndarray:
        return packed(coder(signal[:, :, None], **settings).get_spikes()[:, :, 0])

    return work


def pyspikes_bsa(taps: np.ndarray, threshold: float) -> Work:
    """Let the loop of pyspikes encode x, then −x; it sends a spike F − 1 earlier."""
    loop = importlib.import_module("spikes.encoder.bsa").bsa
    ahead = len(taps) - 1

    def work(signal: np.ndarray) -> np.ndarray:
        bits = np.zeros((len(signal), 2, signal.shape[1]), np.bool_)
        for row, sign in enumerate((1, -1)):
            rest = sign * signal[:, :, None].astype(np.float64)
            found = loop(rest, taps, np.array([threshold]))[:, :, 0]
            bits[:, row, ahead:] = found[:, :-ahead]
        return np.packbits(bits.reshape(-1, signal.shape[1]), axis=1)

    return work


def spike_encoding_step_forward(threshold: float) -> Work:
    """Let spike-encoding follow the signal."""
    module = importlib.import_module("spike_encoding.step_forward_converter")

    def work(signal: np.ndarray) -> np.ndarray:
        limits = torch.full((len(signal),), threshold)
        spikes = module.StepForwardConverter(limits).encode(torch.from_numpy(signal))
        return np.packbits(np.asarray(spikes) != 0, axis=-1)

    return work
