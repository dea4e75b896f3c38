"""How codes that decide sample by sample are compiled: one loop serves every code.

A code's kernel brings a type of constants, a NamedTuple, and defines how one sample of
every channel becomes signed counts of events: it overloads `advance`. Time cannot be
vectorised, for each sample's reference depends on the one before; channels can. So
the loop turns a tile of the signal so that channels lie side by side, advances it step
by step, and packs the counts of 64 steps into words, all within the first cache.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64, Int8
from numba.extending import overload

from pipeline.axes import PackedBits, Samples
from pipeline.kernels.compiling import EXACT, compiled, inlined, kind_of
from pipeline.kernels.encoders.control import Control
from pipeline.kernels.encoders.packing import WORDS, pack
from pipeline.kernels.encoders.turning import foresee, rows_of, turn
from pipeline.kernels.encoders.vectors import BLOCK, STEPS

Values = Float64[np.ndarray, "variable channel"]
"""What a code remembers of each channel. Where the first variable is NaN, it becomes
the channel's first sample that is finite."""

Thresholds = Float64[np.ndarray, " channel"]

TRACKED = 3
"""Last variables of a code whose threshold seeks an SNR: what its decoder follows, the
running mean of that, and its running power."""


def advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    """Encode one sample of every channel; for compiled code only.

    Parameters
    ----------
    code : NamedTuple
        The constants; their type chooses the code.
    row : array, shape (channel,), float64
        The samples, NaN where one is missing; they become signed counts of events. 8
        divides the number of channels.
    values : array, shape (variable, channel), float64
        The state, which is moved on.
    thresholds : array, shape (channel,), float64
    """
    raise NotImplementedError


def implements(kind: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a formula the `advance` of codes with constants of a kind."""

    def register(formula: Callable[..., None]) -> Callable[..., None]:
        """Overload `advance` for constants of the kind."""

        @overload(advance, jit_options=EXACT)
        def choose(code: Any, row: Any, values: Any, thresholds: Any) -> Any:
            return formula if kind_of(code) is kind else None

        return formula

    return register


def with_tracked(values: Values, control: Control, threshold: float) -> Values:
    """Add what is tracked to a code's variables, as it is before the first sample."""
    if not control.gain:
        return values
    tracked = np.zeros((TRACKED, values.shape[1]))
    tracked[2] = (threshold / control.gain) ** 2
    return np.concatenate([values, tracked])


def run(
    code: Any,
    control: Control,
    most: int,
    signal: Samples,
    values: Values,
    thresholds: Thresholds,
) -> tuple[PackedBits, Values, Thresholds]:
    """Encode a chunk.

    Parameters
    ----------
    code : NamedTuple
    control : Control
    most : int
        Events of one sign at a sample, at most.
    signal : array, shape (channel, time), float32
        What is not finite counts as missing.
    values : array, shape (variable, channel), float64
    thresholds : array, shape (channel,), float64

    Returns
    -------
    packed : array, shape (2 * most * channel, ceil(time / 8)), uint8
        A channel's rows stand for at least 1, … `most` events of ON, then of OFF.
    values, thresholds : array
        After the last sample.
    """
    n_channels, n_steps = signal.shape
    packed = np.empty((n_channels, 2, most, -(-n_steps // 8)), dtype=np.uint8)
    values, thresholds = _in_blocks(values), _in_blocks(thresholds)
    _run(code, control, most, rows_of(signal), values, thresholds, packed)
    bits = packed.reshape(2 * most * n_channels, packed.shape[-1])
    return bits, values[:, :n_channels], thresholds[:n_channels]


def _in_blocks(values: Any) -> Any:
    """Copy what there is of each channel, (…, channel), to whole blocks of channels."""
    n_channels = values.shape[-1]
    if n_channels % BLOCK == 0:
        return values.copy()
    blocks = np.ones((*values.shape[:-1], n_channels + -n_channels % BLOCK))
    blocks[..., :n_channels] = values
    return blocks


def replay(
    counts: Int8[np.ndarray, "channel time"], control: Control, threshold: float
) -> Float64[np.ndarray, "channel time"]:
    """Repeat the thresholds that gave signed counts of events, bit for bit."""
    thresholds = np.empty(counts.shape, dtype=np.float64)
    _replay(counts, control, threshold, thresholds)
    return thresholds


class PlainThreshold:
    """One channel's threshold without compiled code: the oracle."""

    def __init__(self, value: float, control: Control) -> None:
        self.value = value
        self.control = control
        self.level = self.mean = 0.0
        self.power = (value / control.gain) ** 2 if control.gain else 0.0

    def note(self, count: int) -> None:
        """Move on after a sample with so many events, of either sign."""
        control = self.control
        if control.gain:
            self.level += self.value * count
            self.mean += control.weight * (self.level - self.mean)
            away = self.level - self.mean
            self.power += control.weight * (away * away - self.power)
            value = control.gain * math.sqrt(self.power)
        else:
            value = self.value * control.per_sample
            for _ in range(abs(count)):
                value *= control.per_event
        self.value = min(max(value, control.low), control.high)


@inlined
def _moved(control: Any, threshold: Any, count: Any, most: Any) -> Any:
    value = threshold * control.per_sample
    for event in range(most):
        value *= control.per_event if abs(count) > event else 1.0
    return min(max(value, control.low), control.high)


@inlined
def _track(control: Any, threshold: Any, count: Any, tracked: Any) -> Any:
    """Follow the reconstruction and its power; give the next threshold."""
    tracked[0] += threshold * count
    tracked[1] += control.weight * (tracked[0] - tracked[1])
    away = tracked[0] - tracked[1]
    tracked[2] += control.weight * (away * away - tracked[2])
    return min(max(control.gain * np.sqrt(tracked[2]), control.low), control.high)


@compiled
def _replay(counts: Any, control: Any, threshold: Any, thresholds: Any) -> None:
    tracked = np.zeros(TRACKED)
    for channel in range(counts.shape[0]):
        value = threshold
        tracked[:2] = 0.0
        if control.gain > 0:
            tracked[2] = (threshold / control.gain) ** 2
        for step in range(counts.shape[1]):
            thresholds[channel, step] = value
            count = abs(counts[channel, step])
            if control.gain > 0:
                value = _track(control, value, counts[channel, step], tracked)
            else:
                value = _moved(control, value, count, count)


@inlined
def begin(rows: Any, first: Any) -> None:
    """Put a channel's first finite sample where nothing is known of it yet."""
    for channel in range(first.shape[0]):
        if np.isnan(first[channel]):
            at = channel * rows.stride
            for value in rows.values[at : at + rows.n_steps]:
                if np.isfinite(value):
                    first[channel] = value
                    break


@compiled
def _run(
    code: Any,
    control: Any,
    most: Any,
    rows: Any,
    values: Any,
    thresholds: Any,
    packed: Any,
) -> None:
    n_channels, n_steps = packed.shape[0], rows.n_steps
    begin(rows, values[0, :n_channels])
    tile = np.zeros((min(STEPS, -(-n_steps // BLOCK) * BLOCK), values.shape[1]))
    words = np.empty((BLOCK, WORDS), np.uint64)
    for start in range(0, n_steps, STEPS):
        count = min(STEPS, n_steps - start)
        turn(rows, 0, n_channels, start, count, tile)
        for t in range(count):
            row = tile[t]
            if t % 8 == 0:
                foresee(rows, 0, n_channels, start, t // 8)
            advance(code, row, values, thresholds)
            if control.gain > 0:
                tracked = values[values.shape[0] - TRACKED :]
                for channel in range(n_channels):
                    thresholds[channel] = _track(
                        control, thresholds[channel], row[channel], tracked[:, channel]
                    )
            if control.per_event != 1:
                for channel in range(n_channels):
                    thresholds[channel] = _moved(
                        control, thresholds[channel], row[channel], most
                    )
        for event in range(most):
            pack(tile, start, count, event, words, packed)
