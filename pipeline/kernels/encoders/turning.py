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

STEPS = 64
"""Steps of a tile, and bits of a word."""

BLOCK = 8
"""Channels, and steps, that are turned at once."""

SMALL = 4096
"""Values of a chunk that are copied sooner than their place is found."""


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
        source = context.make_array(signature.args[0])(context, builder, flat).data
        target = context.make_array(signature.args[3])(context, builder, tile)
        width = builder.extract_value(target.shape, 1)
        place = builder.add(builder.mul(step, width), channel)
        rows = [
            _finite(
                builder,
                builder.load(_vector(builder, source, p, ir.FloatType()), align=4),
            )
            for p in _places(builder, at, stride)
        ]
        columns = _exchanged(builder, rows)
        wide = ir.VectorType(ir.DoubleType(), BLOCK)
        places = _places(builder, place, width)
        for column, p in zip(columns, places, strict=True):
            pointer = _vector(builder, target.data, p, ir.DoubleType())
            builder.store(builder.fpext(column, wide), pointer, align=8)
        return context.get_dummy_value()

    return asked, generate


_turn_block: Any = intrinsic(_turned_block)


def _places(builder: Any, first: Any, stride: Any) -> list[Any]:
    """List eight places, a stride apart."""
    factors = [ir.Constant(stride.type, n) for n in range(BLOCK)]
    return [builder.add(first, builder.mul(stride, factor)) for factor in factors]


def _vector(builder: Any, data: Any, place: Any, kind: Any) -> Any:
    """Point to the values that begin at a place."""
    pointer = ir.VectorType(kind, BLOCK).as_pointer()
    return builder.bitcast(builder.gep(data, [place]), pointer)


def _finite(builder: Any, values: Any) -> Any:
    """Make NaN of what is not finite: of what differs from itself by no number."""
    none = builder.fsub(values, values)
    nan = ir.Constant(values.type, [float("nan")] * BLOCK)
    return builder.select(builder.fcmp_ordered("ord", none, none), values, nan)


def _exchanged(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose: rows 1, 2, then 4 apart exchange the halves of their lanes."""
    index, lanes, apart = ir.VectorType(ir.IntType(32), BLOCK), range(BLOCK), 1
    while apart < BLOCK:
        low = [n + BLOCK - apart if n & apart else n for n in lanes]
        high = [n + BLOCK if n & apart else n + apart for n in lanes]
        for n in [n for n in lanes if not n & apart]:
            pair = rows[n], rows[n + apart]
            rows[n] = builder.shuffle_vector(*pair, ir.Constant(index, low))
            rows[n + apart] = builder.shuffle_vector(*pair, ir.Constant(index, high))
        apart *= 2
    return rows


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
    tile : array, shape (at least count, at least n_channels), float64
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
def store(word: Any, count: Any, target: Any) -> None:
    """Write the first `count` bits of a word, the highest first, as bytes."""
    if count == STEPS:  # a number of bytes that is known is written as one word
        for byte in range(STEPS // 8):
            target[byte] = np.uint8(word >> np.uint64(STEPS - 8 - 8 * byte))
    else:
        for byte in range((count + 7) // 8):
            target[byte] = np.uint8(word >> np.uint64(STEPS - 8 - 8 * byte))
