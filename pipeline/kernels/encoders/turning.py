"""Between a signal, whose channels lie apart, and channels that lie side by side.

Time cannot be vectorised, for what a code does with a sample depends on the samples
before; channels can, once their samples lie side by side. Turning them takes as long as
encoding them does, one sample after the other; so blocks of 8 × 8 are turned in
registers. Compilers do not find this by themselves: it is stated in LLVM's own terms,
and works on every processor, with its vectors or without.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.axes import Samples
from pipeline.kernels.compiling import inlined
from pipeline.kernels.encoders.vectors import (
    BLOCK,
    DOUBLES,
    STEPS,
    elements,
    exchanged,
    places,
    vector,
)

SMALL = 4096
"""Values of a chunk that are copied sooner than their place is found."""


LINE = 16
"""Samples that the memory gives at once."""


class Rows(NamedTuple):
    """The samples of a chunk in one row.

    Parameters
    ----------
    values : array, shape (value,), float32
        Those of a channel follow each other.
    stride : int
        Values from a channel to the next.
    n_steps : int
    """

    values: Float32[np.ndarray, " value"]
    stride: int
    n_steps: int


def rows_of(signal: Samples) -> Rows:
    """Lay the samples of a chunk, (channel, time), in one row.

    A piece of a longer signal is not copied: its row has what lies between, too.
    """
    n_channels, n_steps = signal.shape
    apart, beside = signal.strides
    itemsize = signal.itemsize
    beside_each_other = signal.dtype == np.float32 and beside == itemsize <= apart
    if signal.size <= SMALL or not beside_each_other or apart % itemsize:
        values = np.ascontiguousarray(signal, np.float32).reshape(-1)
        return Rows(values, n_steps, n_steps)
    stride = apart // itemsize
    length = (n_channels - 1) * stride + n_steps
    values = np.lib.stride_tricks.as_strided(signal, (length,), (itemsize,))
    return Rows(values, stride, n_steps)


def _turned_block(
    _: Any, flat: Any, at: Any, stride: Any, tile: Any, step: Any, channel: Any
) -> Any:
    """Turn a block; what is not finite becomes NaN."""
    asked = types.void(flat, types.intp, types.intp, tile, types.intp, types.intp)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Load eight rows, exchange halves thrice, store eight columns."""
        flat, at, stride, tile, step, channel = arguments
        source = elements(context, builder, signature.args[0], flat)
        target = context.make_array(signature.args[3])(context, builder, tile)
        width = builder.extract_value(target.shape, 1)
        rows = [
            _finite(builder, builder.load(vector(builder, source, p), align=4))
            for p in places(builder, at, stride)
        ]
        columns = exchanged(builder, rows)
        if signature.args[3].dtype == types.float64:
            columns = [builder.fpext(column, DOUBLES) for column in columns]
        first = builder.add(builder.mul(step, width), channel)
        for column, p in zip(columns, places(builder, first, width), strict=True):
            builder.store(column, vector(builder, target.data, p), align=4)
        return context.get_dummy_value()

    return asked, generate


_turn_block: Any = intrinsic(_turned_block)


def _foreseen(_: Any, flat: Any, at: Any) -> Any:
    """Ask for the values from a place on, to be read soon; it may lie behind all."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Prefetch for reading, into the second cache."""
        flat, at = arguments
        source = elements(context, builder, signature.args[0], flat)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        asked = ir.FunctionType(ir.VoidType(), (byte, number, number, number))
        ask = builder.module.declare_intrinsic("llvm.prefetch", (byte,), asked)
        place = builder.bitcast(builder.gep(source, [at]), byte)
        builder.call(ask, [place, *(ir.Constant(number, n) for n in (0, 2, 1))])
        return context.get_dummy_value()

    return types.void(flat, types.intp), generate


_foresee: Any = intrinsic(_foreseen)


def _finite(builder: Any, values: Any) -> Any:
    """Make NaN of what is not finite: of what differs from itself by no number."""
    none = builder.fsub(values, values)
    nan = ir.Constant(values.type, [float("nan")] * BLOCK)
    return builder.select(builder.fcmp_ordered("ord", none, none), values, nan)


@inlined
def _turn_rest(rows: Any, at: Any, steps: Any, channels: Any, tile: Any) -> None:
    """Turn ranges of steps and channels one by one."""
    for t in range(steps[0], steps[1]):
        for channel in range(channels[0], channels[1]):
            value = rows.values[at + channel * rows.stride + t]
            tile[t, channel] = value if value - value == 0 else np.nan


@inlined
def turn(
    rows: Any, first: Any, n_channels: Any, start: Any, count: Any, tile: Any
) -> None:
    """Lay channels of a tile side by side; what is not finite becomes NaN.

    Parameters
    ----------
    rows : Rows
    first, n_channels : int
        The channels to turn.
    start, count : int
        The steps to turn.
    tile : array, shape (at least count, at least n_channels), float32 or float64
    """
    at = first * rows.stride + start
    steps, channels = count // BLOCK * BLOCK, n_channels // BLOCK * BLOCK
    for t in range(0, steps, BLOCK):
        for channel in range(0, channels, BLOCK):
            place = at + channel * rows.stride + t
            _turn_block(rows.values, place, rows.stride, tile, t, channel)
    _turn_rest(rows, at, (0, steps), (channels, n_channels), tile)
    _turn_rest(rows, at, (steps, count), (0, n_channels), tile)


@inlined
def foresee(rows: Any, first: Any, n_channels: Any, start: Any, part: Any) -> None:
    """Ask the memory for an eighth of a tile that is turned four tiles later.

    In a row of samples each channel begins a new place in memory, too many for a
    processor to foresee all; and while a code decides, the memory has nothing to do.

    Parameters
    ----------
    rows : Rows
    first, n_channels : int
        The channels of the tile.
    start : int
        The first step of the tile that is decided now.
    part : int
        0 … 7.
    """
    ahead = start + 4 * STEPS
    for channel in range(part * n_channels // 8, (part + 1) * n_channels // 8):
        for step in range(0, STEPS, LINE):
            _foresee(rows.values, (first + channel) * rows.stride + ahead + step)
