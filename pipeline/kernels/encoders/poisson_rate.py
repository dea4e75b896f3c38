"""The Poisson rate code: compiled, and its reference in Python.

::

    ON[k]  = p[k]·M < x[k],   OFF[k] = p[k]·M < −x[k],   p drawn from 0 … 1

One number is drawn for every channel of a sample, then for those of the next, also
where a sample is missing (not finite), which is silent.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.axes import PackedBits, Samples
from pipeline.kernels.compiling import compiled
from pipeline.kernels.encoders.packing import ABREAST, WORDS, note, turn_and_store
from pipeline.kernels.encoders.turning import foresee, rows_of, turn
from pipeline.kernels.encoders.vectors import (
    BLOCK,
    STEPS,
    elements,
    loaded,
    moved,
    spread,
)

DRAWN = 16 * STEPS
"""Steps whose numbers are drawn at once."""


def poisson_rate(
    signal: Samples, full_scale: float, rng: np.random.Generator
) -> PackedBits:
    """Draw the spikes of a chunk, and move the generator on.

    Parameters
    ----------
    signal : array, shape (channel, time), float32
    full_scale : float
        M, the magnitude that fires at every step.
    rng : Generator

    Returns
    -------
    packed : array, shape (2 * channel, ceil(time / 8)), uint8
        ON in even rows, OFF in odd rows.
    """
    n_channels, n_steps = signal.shape
    packed = np.empty((n_channels, 2, 1, -(-n_steps // 8)), dtype=np.uint8)
    rows, most = rows_of(signal), min(DRAWN, n_steps)
    # Behind the last number is a block that is compared where there is no sample.
    draws = np.zeros(most * n_channels + BLOCK * (n_channels + 1))
    for start in range(0, n_steps, DRAWN):
        count = min(DRAWN, n_steps - start)
        rng.random(out=draws[: count * n_channels])
        _fire(rows, start, count, draws, full_scale, packed)
    return packed.reshape(2 * n_channels, packed.shape[-1])


def plain_poisson_rate(
    signal: Samples, full_scale: float, rng: np.random.Generator
) -> PackedBits:
    """Do the same in numpy, all draws at once: the oracle."""
    draws = full_scale * rng.random(signal.shape[::-1]).T
    spikes = np.empty((2 * signal.shape[0], signal.shape[1]), dtype=np.bool_)
    spikes[0::2] = (draws < signal) & np.isfinite(signal)
    spikes[1::2] = (draws < -signal) & np.isfinite(signal)
    return np.packbits(spikes, axis=1)


def _fired(
    _: Any, tile: Any, at: Any, draws: Any, draw: Any, scale: Any, words: Any
) -> Any:
    """Hold eight steps of eight channels against what they must exceed to fire.

    `at` is (step, channel, 2·g) in a tile of 32 channels, `draw` is (place, stride).
    """
    tuple_: Any = types.UniTuple
    indices, pair = tuple_(types.intp, 3), tuple_(types.intp, 2)
    asked = types.void(tile, indices, draws, pair, types.float64, words)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Scale a number by M and by −M, and compare."""
        tile, at, draws, draw, scale, words = arguments
        samples = elements(context, builder, signature.args[0], tile)
        numbers = elements(context, builder, signature.args[2], draws)
        target = elements(context, builder, signature.args[5], words)
        step, channel, nth = (builder.extract_value(at, n) for n in range(3))
        place, stride = (builder.extract_value(draw, n) for n in range(2))
        width = ir.Constant(step.type, ABREAST)
        full = spread(builder, scale), spread(builder, builder.fneg(scale))
        for kth in range(BLOCK):
            row = builder.mul(moved(builder, step, kth), width)
            sample = loaded(builder, samples, builder.add(row, channel))
            number = loaded(builder, numbers, place)
            place = builder.add(place, stride)
            for sign, order in enumerate("<>"):
                limit = builder.fmul(number, full[sign])
                mask = builder.fcmp_ordered(order, limit, sample)
                note(builder, target, step, kth, moved(builder, nth, sign), mask)
        return context.get_dummy_value()

    return asked, generate


_fire_block: Any = intrinsic(_fired)


@compiled
def _fire(
    rows: Any, begun: Any, n_steps: Any, draws: Any, full_scale: Any, packed: Any
) -> None:
    """Decide steps from `begun` on, of all channels, 32 after the other."""
    n_channels, tile = packed.shape[0], np.empty((STEPS, ABREAST), np.float32)
    words = np.empty((BLOCK, WORDS), np.uint64)
    for first in range(0, n_channels, ABREAST):
        present = min(ABREAST, n_channels - first)
        tile[:] = np.nan  # where there is no channel, which is silent
        for start in range(0, n_steps, STEPS):
            count = min(STEPS, n_steps - start)
            tile[count:] = np.nan
            turn(rows, first, present, begun + start, count, tile)
            for step in range(0, count, BLOCK):
                foresee(rows, first, present, begun + start, step // BLOCK)
                for channel in range(0, present, BLOCK):
                    at = step, channel, 2 * (channel // BLOCK)
                    place = (start + step) * n_channels + first + channel
                    draw = place, n_channels
                    _fire_block(tile, at, draws, draw, full_scale, words)
            turn_and_store(words, first, present, begun + start, count, 0, packed)
