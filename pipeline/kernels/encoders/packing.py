"""From what a code decides to packed bits.

Channels are decided side by side, eight to a vector, and their spikes lie along time: a
comparison of eight channels is a byte with a bit a channel, and the bytes of eight
steps are the bytes of eight channels turned. So a step costs one byte that is stored,
and the bits of 64 steps are turned at once, as words, in registers.

The words of up to 32 channels, `Words`, are an array of shape (8, 8), uint64. Before
they are turned, bit c of byte b in word [7 − k, 2·g + sign] is channel 8·g + c at step
8·b + k; after that, bit 7 − k of byte b in word [c, 2·g + sign] is: the packed bits of
a row. (Bytes in the order of memory; numba compiles for processors that store a word's
lowest byte first.)
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.kernels.compiling import inlined
from pipeline.kernels.encoders.vectors import (
    BLOCK,
    STEPS,
    elements,
    loaded,
    moved,
    spread,
    vector,
)

WORDS = 8
"""Words of each place in a byte."""

ABREAST = WORDS // 2 * BLOCK
"""Channels whose words are turned at once: there are those of ON and of OFF."""


def note(builder: Any, words: Any, step: Any, kth: int, nth: Any, mask: Any) -> None:
    """Store the comparison of eight channels, to be turned.

    Parameters
    ----------
    words : pointer to the first word
    step : int
        The first step of the byte.
    kth : int
        The step within the byte.
    nth : int
        2·g + sign.
    mask : vector, shape (8,), bool
    """
    byte = ir.IntType(BLOCK)
    row = builder.add(nth, ir.Constant(nth.type, (BLOCK - 1 - kth) * WORDS))
    size, length = ir.Constant(row.type, STEPS // 8), ir.Constant(row.type, 8)
    place = builder.add(builder.mul(row, size), builder.udiv(step, length))
    data = builder.bitcast(words, byte.as_pointer())
    builder.store(builder.bitcast(mask, byte), builder.gep(data, [place]), align=1)


def _noted(
    _: Any, tile: Any, step: Any, channel: Any, least: Any, words: Any, nth: Any
) -> Any:
    """Note where eight channels have so many events, ON or OFF, at eight steps."""
    index = types.intp
    asked = types.void(tile, index, index, types.float64, words, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Compare with either sign, step by step."""
        tile, step, channel, least, words, nth = arguments
        array = context.make_array(signature.args[0])(context, builder, tile)
        target = elements(context, builder, signature.args[4], words)
        width = builder.extract_value(array.shape, 1)
        limits = spread(builder, least), spread(builder, builder.fneg(least))
        for kth in range(BLOCK):
            place = builder.add(builder.mul(moved(builder, step, kth), width), channel)
            counts = loaded(builder, array.data, place)
            masks = (
                builder.fcmp_ordered(">=", counts, limits[0]),
                builder.fcmp_ordered("<=", counts, limits[1]),
            )
            for sign, mask in enumerate(masks):
                word = moved(builder, nth, sign)
                note(builder, target, step, kth, word, mask)
        return context.get_dummy_value()

    return asked, generate


_note_block: Any = intrinsic(_noted)


def _turned_words(_: Any, words: Any) -> Any:
    """Turn the bits of all words: 8 × 8 in every byte of every column."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Exchange bits thrice: of rows 4, 2, then 1 apart, the halves of their bytes.

        Warren (2012), Hacker's Delight, section 7-3.
        """
        data = elements(context, builder, signature.args[0], arguments[0])
        kind = ir.VectorType(ir.IntType(STEPS), WORDS)
        at = [ir.Constant(ir.IntType(STEPS), row * WORDS) for row in range(BLOCK)]
        pointers = [vector(builder, data, place, WORDS) for place in at]
        rows = [builder.load(pointer, align=8) for pointer in pointers]
        for apart, pattern in ((4, 0x0F), (2, 0x33), (1, 0x55)):
            low = ir.Constant(kind, [pattern * 0x0101010101010101] * WORDS)
            by = ir.Constant(kind, [apart] * WORDS)
            for n in [n for n in range(BLOCK) if not n & apart]:
                shifted = builder.lshr(rows[n], by)
                other = builder.and_(builder.xor(shifted, rows[n + apart]), low)
                rows[n] = builder.xor(rows[n], builder.shl(other, by))
                rows[n + apart] = builder.xor(rows[n + apart], other)
        for row, pointer in zip(rows, pointers, strict=True):
            builder.store(row, pointer, align=8)
        return context.get_dummy_value()

    return types.void(words), generate


_turn_words: Any = intrinsic(_turned_words)


@inlined
def store(word: Any, count: Any, target: Any) -> None:
    """Write the first `count` bits of a word, its lowest byte first."""
    if count == STEPS:  # a number of bytes that is known is written as one word
        for byte in range(STEPS // 8):
            target[byte] = np.uint8(word >> np.uint64(8 * byte))
    else:
        for byte in range((count + 7) // 8):
            target[byte] = np.uint8(word >> np.uint64(8 * byte))


@inlined
def turn_and_store(
    words: Any,
    first: Any,
    n_channels: Any,
    start: Any,
    count: Any,
    event: Any,
    packed: Any,
) -> None:
    """Turn what was noted of channels to packed bits, and write these.

    Parameters
    ----------
    words : Words
    first, n_channels : int
        The channels, of those at most 32.
    start, count : int
        The steps, at most 64; 8 divides the first.
    event : int
        Which of several events of a sample.
    packed : array, shape (channel, 2, event, byte), uint8
        ON and OFF of all channels.
    """
    _turn_words(words)
    for channel in range(n_channels):
        nth, lane = 2 * (channel // BLOCK), channel % BLOCK
        row = packed[first + channel]
        store(words[lane, nth], count, row[0, event, start // 8 :])
        store(words[lane, nth + 1], count, row[1, event, start // 8 :])


@inlined
def pack(
    tile: Any, start: Any, count: Any, event: Any, words: Any, packed: Any
) -> None:
    """Pack where more than `event` events happened, of either sign.

    Parameters
    ----------
    tile : array, shape (step, channel), float64
        Signed counts of events. 8 divides the number of channels; so many steps are
        overwritten that 8 divides theirs.
    start, count, event, words, packed
        As for `turn_and_store`.
    """
    n_channels, full = packed.shape[0], -(-count // BLOCK) * BLOCK
    tile[count:full] = 0.0
    for first in range(0, n_channels, ABREAST):
        present = min(ABREAST, n_channels - first)
        for step in range(0, full, BLOCK):
            for channel in range(0, present, BLOCK):
                nth = 2 * (channel // BLOCK)
                _note_block(tile, step, first + channel, event + 1, words, nth)
        turn_and_store(words, first, present, start, count, event, packed)
