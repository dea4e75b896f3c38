"""The step-forward code: compiled, and its reference in Python.

::

    ON[k]  = x[k] > r[k] + T
    OFF[k] = x[k] < r[k] − T
    r[k+1] = r[k] + T·(ON[k] − OFF[k]),   r[0] = x[0]

Thresholds that move use the loop of all codes. The code with one that stays is the
default and has a loop of its own: each step needs the one before, and takes ten cycles,
in which the processor can decide about 32 channels. Their references stay in registers
for eight steps.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.axes import PackedBits, Samples
from pipeline.kernels.compiling import compiled
from pipeline.kernels.encoders.packing import ABREAST, WORDS, note, turn_and_store
from pipeline.kernels.encoders.stepwise import (
    PlainThreshold,
    Values,
    begin,
    implements,
)
from pipeline.kernels.encoders.turning import foresee, rows_of, turn
from pipeline.kernels.encoders.vectors import (
    BLOCK,
    STEPS,
    elements,
    loaded,
    moved,
    spread,
    vector,
)


class StepForward(NamedTuple):
    """No constants but the threshold T, which every code has."""


def first_values(n_channels: int) -> Values:
    """Make references r that will take the first sample's value."""
    return np.full((1, n_channels), np.nan)


@implements(StepForward)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    references = values[0]
    for channel in range(row.shape[0]):
        sample, reference = row[channel], references[channel]
        up, down = reference + thresholds[channel], reference - thresholds[channel]
        rises, falls = sample > up, sample < down
        references[channel] = up if rises else (down if falls else reference)
        row[channel] = 1.0 if rises else (-1.0 if falls else 0.0)


def run(signal: Samples, values: Values, threshold: float) -> tuple[PackedBits, Values]:
    """Encode a chunk with a threshold that stays.

    Parameters
    ----------
    signal : array, shape (channel, time), float32
    values : array, shape (1, channel), float64
        The references.
    threshold : float

    Returns
    -------
    packed : array, shape (2 * channel, ceil(time / 8)), uint8
        A channel's rows are ON, then OFF.
    values : array
        After the last sample.
    """
    n_channels, n_steps = signal.shape
    packed = np.empty((n_channels, 2, 1, -(-n_steps // 8)), dtype=np.uint8)
    values = values.copy()
    _run(rows_of(signal), values[0], threshold, packed)
    return packed.reshape(2 * n_channels, packed.shape[-1]), values


def _followed(
    _: Any, tile: Any, step: Any, references: Any, threshold: Any, words: Any
) -> Any:
    """Decide eight steps of all channels of a tile, and note their spikes."""
    asked = types.void(tile, types.intp, references, types.float64, words)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Go through the steps, eight channels after the other."""
        tile, step, references, threshold, words = arguments
        samples = elements(context, builder, signature.args[0], tile)
        levels = elements(context, builder, signature.args[2], references)
        target = elements(context, builder, signature.args[4], words)
        groups = [ir.Constant(step.type, first) for first in range(0, ABREAST, BLOCK)]
        width, height = ir.Constant(step.type, ABREAST), spread(builder, threshold)
        at = [loaded(builder, levels, first) for first in groups]
        for kth in range(BLOCK):
            row = builder.mul(moved(builder, step, kth), width)
            for g, first in enumerate(groups):
                sample = loaded(builder, samples, builder.add(row, first))
                up, down = builder.fadd(at[g], height), builder.fsub(at[g], height)
                rises = builder.fcmp_ordered(">", sample, up)
                falls = builder.fcmp_ordered("<", sample, down)
                at[g] = builder.select(falls, down, at[g])
                at[g] = builder.select(rises, up, at[g])
                for sign, mask in enumerate((rises, falls)):
                    nth = ir.Constant(step.type, 2 * g + sign)
                    note(builder, target, step, kth, nth, mask)
        for first, level in zip(groups, at, strict=True):
            builder.store(level, vector(builder, levels, first), align=8)
        return context.get_dummy_value()

    return asked, generate


_follow: Any = intrinsic(_followed)


@compiled
def _run(rows: Any, references: Any, threshold: Any, packed: Any) -> None:
    n_channels, n_steps = references.shape[0], rows.n_steps
    begin(rows, references)
    tile, abreast = np.empty((STEPS, ABREAST), np.float32), np.empty(ABREAST)
    words = np.empty((BLOCK, WORDS), np.uint64)
    for first in range(0, n_channels, ABREAST):
        present = min(ABREAST, n_channels - first)
        abreast[:present] = references[first : first + present]
        tile[:] = np.nan  # where there is no channel, which compares false
        for start in range(0, n_steps, STEPS):
            count = min(STEPS, n_steps - start)
            full = -(-count // BLOCK) * BLOCK
            tile[count:full] = np.nan
            turn(rows, first, present, start, count, tile)
            for step in range(0, full, BLOCK):
                foresee(rows, first, present, start, step // BLOCK)
                _follow(tile, step, abreast, threshold, words)
            turn_and_store(words, first, present, start, count, 0, packed)
        references[first : first + present] = abreast[:present]


def plain_step_forward(
    samples: Iterable[float], threshold: PlainThreshold
) -> list[int]:
    """Count the events of one channel sample by sample: the oracle."""
    counts, reference = [], np.nan
    for sample in samples:
        count = 0
        if np.isfinite(sample):
            if np.isnan(reference):
                reference = sample
            count = int(sample > reference + threshold.value)
            count -= int(sample < reference - threshold.value)
            reference += threshold.value * count
        threshold.note(count)
        counts.append(count)
    return counts
