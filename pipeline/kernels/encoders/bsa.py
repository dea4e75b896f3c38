"""Ben's Spiker Algorithm: compiled, and its reference in Python.

For ON of x, and for OFF of −x, with a filter h of F taps, at each sample k in turn:

::

    s[k] = Σⱼ |x[k+j] − h[j]| ≤ Σⱼ |x[k+j]| − T,   j = 0 … F−1
    x[k+j] ← x[k+j] − h[j]   where s[k]

It looks F − 1 samples ahead, so s[k] is sent at k + F − 1. Both sums are taken as one,
of their terms' differences. Where h ≥ 0, ON and OFF cannot fire at once; where they
could, ON does. A missing sample is 0.

The windows of F samples move on at every step, and each sum has its order: in vectors
of eight channels, which the compiler does not find, a sum stays in a register.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pipeline.kernels.encoders.stepwise import Values, implements
from pipeline.kernels.encoders.vectors import (
    BLOCK,
    DOUBLES,
    elements,
    loaded,
    magnitude,
    repeated,
    spread,
    vector,
)

LOOPS: Any = cgutils  # numba states no types of it


class Bsa(NamedTuple):
    """The filter h."""

    taps: Float64[np.ndarray, " tap"]


def first_values(n_channels: int, n_taps: int) -> Values:
    """Make gains, and windows without samples: of x, then of −x, with a slot behind."""
    values = np.full((4 + 2 * n_taps, n_channels), np.nan)
    values[:2] = 0
    return values


def _gained(
    _: Any, taps: Any, values: Any, first: Any, channel: Any, gains: Any
) -> Any:
    """Move a window of eight channels on, and sum up what a spike would gain."""
    asked = types.void(taps, values, types.intp, types.intp, gains)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Go through the taps in their order."""
        taps, values, first, channel, gains = arguments
        array = context.make_array(signature.args[0])(context, builder, taps)
        window = context.make_array(signature.args[1])(context, builder, values)
        target = elements(context, builder, signature.args[4], gains)
        width = builder.extract_value(window.shape, 1)
        total = LOOPS.alloca_once_value(builder, ir.Constant(DOUBLES, [0.0] * BLOCK))
        n_taps = builder.extract_value(array.shape, 0)
        with LOOPS.for_range(builder, n_taps) as loop:
            height = repeated(builder, array.data, loop.index)
            row = builder.add(first, loop.index)
            place = builder.add(builder.mul(row, width), channel)
            rest = loaded(builder, window.data, builder.add(place, width))
            builder.store(rest, vector(builder, window.data, place), align=8)
            left = magnitude(builder, builder.fsub(rest, height))
            gain = builder.fsub(magnitude(builder, rest), left)
            builder.store(builder.fadd(builder.load(total), gain), total)
        builder.store(builder.load(total), vector(builder, target, channel), align=8)
        return context.get_dummy_value()

    return asked, generate


_gain_block: Any = intrinsic(_gained)


def _subtracted(
    _: Any, taps: Any, values: Any, first: Any, channel: Any, row: Any, sign: Any
) -> Any:
    """Subtract the filter from a window where its spike is sent, of eight channels."""
    index = types.intp
    asked = types.void(taps, values, index, index, row, types.float64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Go through the taps if any of the channels fires."""
        taps, values, first, channel, row, sign = arguments
        array = context.make_array(signature.args[0])(context, builder, taps)
        window = context.make_array(signature.args[1])(context, builder, values)
        sent = elements(context, builder, signature.args[4], row)
        width = builder.extract_value(window.shape, 1)
        counts = loaded(builder, sent, channel)
        fires = builder.fcmp_ordered("==", counts, spread(builder, sign))
        byte = ir.IntType(BLOCK)
        some = builder.icmp_unsigned("!=", builder.bitcast(fires, byte), byte(0))
        n_taps = builder.extract_value(array.shape, 0)
        with builder.if_then(some), LOOPS.for_range(builder, n_taps) as loop:
            height = repeated(builder, array.data, loop.index)
            place = builder.add(first, loop.index)
            place = builder.add(builder.mul(place, width), channel)
            rest = loaded(builder, window.data, place)
            left = builder.select(fires, builder.fsub(rest, height), rest)
            builder.store(left, vector(builder, window.data, place), align=8)
        return context.get_dummy_value()

    return asked, generate


_subtract_block: Any = intrinsic(_subtracted)


@implements(Bsa)
def _advance(code: Any, row: Any, values: Any, thresholds: Any) -> None:
    n_taps, n_channels = code.taps.shape[0], row.shape[0]
    windows = 2, 3 + n_taps
    for channel in range(n_channels):
        sample = row[channel] if row[channel] == row[channel] else 0.0
        # Slots behind the windows: they move in.
        values[windows[0] + n_taps, channel] = sample
        values[windows[1] + n_taps, channel] = -sample
    for half in range(2):
        for channel in range(0, n_channels, BLOCK):
            _gain_block(code.taps, values, windows[half], channel, values[half])
    for channel in range(n_channels):
        on = values[0, channel] >= thresholds[channel]
        off = values[1, channel] >= thresholds[channel]
        row[channel] = 1.0 if on else (-1.0 if off else 0.0)
    for half in range(2):
        for channel in range(0, n_channels, BLOCK):
            sign = 1.0 - 2.0 * half
            _subtract_block(code.taps, values, windows[half], channel, row, sign)


def plain_bsa(
    samples: Sequence[float], taps: Sequence[float], threshold: float
) -> list[int]:
    """Count the events of one channel, each at the sample it is sent: the oracle."""
    kept = [sample if np.isfinite(sample) else 0.0 for sample in samples]
    rests = {1: kept, -1: [-sample for sample in kept]}
    counts, ahead = [0] * len(kept), len(taps) - 1
    for k in range(len(kept) - ahead):
        for sign, rest in rests.items():
            gain = 0.0
            for j, height in enumerate(taps):
                gain += abs(rest[k + j]) - abs(rest[k + j] - height)
            if gain >= threshold and counts[k + ahead] == 0:
                counts[k + ahead] = sign
                for j, height in enumerate(taps):
                    rest[k + j] -= height
    return counts
