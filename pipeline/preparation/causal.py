"""The running steps of preparing a signal: filter, resample, scale.

Each maps a chunk and the state left by the chunk before to the chunk's output and the
next state; before its first sample a recording is taken to have been constant. So any
division into chunks gives the same bits, nothing after time t changes anything before
t, and a live stream is prepared like a file.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal as sp

from pipeline.axes import Precise, Samples

HALF_LENGTH = 10
"""Half the anti-alias filter in samples of the slower rate, as in `resample_poly`."""


@dataclass(frozen=True)
class Design:
    """The settings as coefficients for one sampling rate.

    Parameters
    ----------
    sections : array, shape (section, 6)
        Second-order sections; none if nothing is filtered.
    taps : array, shape (tap,)
        Anti-alias filter at `up` times the recorded rate; gain `up`.
    up, down : int
        Resampling ratio in lowest terms.
    scaled : bool
        Whether the signal is divided by its running scale.
    decay : float
        Weight of the past in the running mean of squares, per prepared sample.
    floor : float
        Smallest scale.
    shared : bool
        One scale for all channels.
    profile : float
        Weight of the past in the channels' shares of that scale; 0: no shares.
    sfreq : float
        Prepared samples per second.
    delay_s : float
        Delay of the anti-alias filter, the same at all frequencies. The band-pass
        delays each frequency differently and is not counted.
    """

    sections: np.ndarray
    taps: np.ndarray
    up: int
    down: int
    scaled: bool
    decay: float
    floor: float
    shared: bool
    profile: float
    sfreq: float
    delay_s: float


@dataclass(frozen=True)
class FilterState:
    """The memory that one chunk leaves for the next.

    Parameters
    ----------
    sections : array, shape (section, channel, 2)
        Memory of the second-order sections.
    tail : array, shape (channel, time)
        Filtered samples that later outputs still need.
    power : array, shape (channel + 1, 1) or (2·(channel + 1), 1)
        Memory of the running mean of squares; the last row is that of its weight. With
        shares, below it the same of theirs.
    """

    sections: np.ndarray
    tail: np.ndarray
    power: np.ndarray


def process(
    chunk: Precise, state: FilterState | None, design: Design
) -> tuple[Samples, FilterState | None]:
    """Prepare one chunk: filter, resample, scale.

    Parameters
    ----------
    chunk : array, shape (channel, time)
        Samples at the recorded rate, SI units.
    state : FilterState or None
        What the chunk before returned; None before the first sample.
    design : Design

    Returns
    -------
    samples : array, shape (channel, time), float32
        At `design.sfreq`, dimensionless.
    state : FilterState or None
    """
    if chunk.shape[1] == 0:
        return np.empty((len(chunk), 0), np.float32), state
    chunk = np.asarray(chunk, np.float64)
    state = state or _before(chunk[:, :1], design)
    filtered, sections = filter_chunk(chunk, state.sections, design)
    resampled, tail = resample_chunk(filtered, state.tail, design)
    scaled, power = scale_chunk(resampled, state.power, design)
    return scaled.astype(np.float32), FilterState(sections, tail, power)


def filter_chunk(
    chunk: Precise, sections: np.ndarray, design: Design
) -> tuple[Precise, np.ndarray]:
    """Run the band-pass and notch: direct form II transposed, sample by sample."""
    if not len(design.sections):
        return chunk, sections
    filtered, sections = sp.sosfilt(design.sections, chunk, axis=1, zi=sections)
    return filtered, sections


def resample_chunk(
    chunk: Precise, tail: Precise, design: Design
) -> tuple[Precise, Precise]:
    """Resample with a causal polyphase filter.

    y[m] = Σ_k h[m·down − k·up] x[k]. The tail begins at a multiple of `down`, where
    both rates have a sample, so its length gives the number of outputs already given.
    """
    joined = np.concatenate([tail, chunk], axis=1)
    given, due = (outputs(a.shape[1], design) for a in (tail, joined))
    resampled = sp.upfirdn(design.taps, joined, design.up, design.down, axis=1)
    settled = joined.shape[1] - _memory(design)
    kept = joined[:, settled - settled % design.down :]
    return resampled[:, given:due], kept.copy()


def scale_chunk(
    chunk: Precise, power: np.ndarray, design: Design
) -> tuple[Precise, np.ndarray]:
    """Divide by the running root mean square of the past and present.

    p[n] = a·p[n−1] + (1 − a)·x[n]², w the same of ones, a = exp(−1 / (tau·sfreq));
    y = x / max(√(p / w), floor). Dividing by w takes out the bias of the beginning.
    One scale for all channels follows the mean of their squares. With shares,

    y[c] = x[c] / max(√(p / w)·√(q[c] / mean q), floor)

    q the slow mean of each channel's own squares: what lasts of the proportions between
    channels is divided out, as a tight electrode's strength, and what changes is kept.
    """
    if not design.scaled or chunk.shape[1] == 0:
        # Of nothing, lfilter leaves a memory that was never written.
        return chunk, power
    squares, n_memories = np.square(chunk), len(chunk) + 1
    mean, fast = _running_mean(
        _over_channels(squares) if design.shared else squares,
        power[:n_memories],
        design.decay,
    )
    slow = power[n_memories:]
    if design.profile:
        own, slow = _running_mean(squares, slow, design.profile)
        every = _over_channels(own)
        mean *= np.divide(own, every, out=np.ones_like(own), where=every > 0)
    scale = np.maximum(np.sqrt(mean), design.floor)
    return chunk / scale, np.concatenate([fast, slow])


def _over_channels(values: Precise) -> Precise:
    """Average over the channels, for each of them."""
    # Python's sum adds row by row; numpy's order depends on the chunk's length.
    return np.broadcast_to(sum(values) / len(values), values.shape)


def _running_mean(
    values: Precise, memory: np.ndarray, decay: float
) -> tuple[Precise, np.ndarray]:
    """Follow the mean of each row, without the bias of the beginning."""
    with_weight = np.concatenate([values, np.ones((1, values.shape[1]))])
    mean, memory = sp.lfilter([1 - decay], [1, -decay], with_weight, axis=1, zi=memory)
    return mean[:-1] / mean[-1], memory


def outputs(n_samples: int, design: Design) -> int:
    """Count the outputs due after so many samples: those at or before the last."""
    return -(-n_samples * design.up // design.down)


def anti_alias(up: int, down: int) -> np.ndarray:
    """Design the low-pass at half the slower rate: Kaiser window, beta 5, gain `up`."""
    slower = max(up, down)
    if slower == 1:
        return np.ones(1)
    length = 2 * HALF_LENGTH * slower + 1
    return up * sp.firwin(length, 1 / slower, window=("kaiser", 5.0))


def _before(first: Precise, design: Design) -> FilterState:
    """Make the state that the first sample, held since for ever, would have left."""
    memory = _memory(design)
    rest = np.zeros((0, len(first), 2))
    if len(design.sections):
        rest = sp.sosfilt_zi(design.sections)[:, None] * first
    level, _ = filter_chunk(first, rest, design)
    tail = np.repeat(level, memory + -memory % design.down, axis=1)
    n_means = 2 if design.profile else 1
    return FilterState(rest, tail, np.zeros((n_means * (len(first) + 1), 1)))


def _memory(design: Design) -> int:
    """Count the recorded samples before the present that an output can need."""
    return (len(design.taps) - 1) // design.up
