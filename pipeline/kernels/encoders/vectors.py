"""Vectors of eight channels, in LLVM's own terms.

For the few lines of the codes for which compilers find no vectors by themselves. Every
processor runs them, with its vectors or without.
"""

from typing import Any

from llvmlite import ir

BLOCK = 8
"""Channels, and steps, that are taken at once."""

STEPS = 64
"""Steps of a tile, and bits of a word."""

DOUBLES: Any = ir.VectorType(ir.DoubleType(), BLOCK)

_LANES: Any = ir.VectorType(ir.IntType(32), BLOCK)


def elements(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Point to the first element of an array of a type."""
    return context.make_array(kind)(context, builder, array).data


def places(builder: Any, first: Any, stride: Any) -> list[Any]:
    """List eight places, a stride apart."""
    factors = [ir.Constant(stride.type, n) for n in range(BLOCK)]
    return [builder.add(first, builder.mul(stride, factor)) for factor in factors]


def moved(builder: Any, place: Any, by: int) -> Any:
    """Move a place on by a number that is known."""
    return builder.add(place, ir.Constant(place.type, by))


def vector(builder: Any, data: Any, place: Any, n: int = BLOCK) -> Any:
    """Point to the values that begin at a place."""
    pointer = ir.VectorType(data.type.pointee, n).as_pointer()
    return builder.bitcast(builder.gep(data, [place]), pointer)


def loaded(builder: Any, data: Any, place: Any) -> Any:
    """Load eight singles or doubles, as doubles."""
    align = 4 if data.type.pointee == ir.FloatType() else 8
    values = builder.load(vector(builder, data, place), align=align)
    return values if align == 8 else builder.fpext(values, DOUBLES)


def spread(builder: Any, value: Any) -> Any:
    """Put a double into every lane."""
    alone = builder.insert_element(
        ir.Constant(DOUBLES, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    return builder.shuffle_vector(alone, alone, ir.Constant(_LANES, None))


def repeated(builder: Any, data: Any, place: Any) -> Any:
    """Load one double into every lane."""
    return spread(builder, builder.load(builder.gep(data, [place])))


def magnitude(builder: Any, values: Any) -> Any:
    """Clear the signs of eight doubles."""
    words = ir.VectorType(ir.IntType(64), BLOCK)
    rest = ir.Constant(words, [2**63 - 1] * BLOCK)
    cleared = builder.and_(builder.bitcast(values, words), rest)
    return builder.bitcast(cleared, DOUBLES)


def exchanged(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose: rows 1, 2, then 4 apart exchange the halves of their lanes."""
    lanes, apart = range(BLOCK), 1
    while apart < BLOCK:
        low = [n + BLOCK - apart if n & apart else n for n in lanes]
        high = [n + BLOCK if n & apart else n + apart for n in lanes]
        for n in [n for n in lanes if not n & apart]:
            pair = rows[n], rows[n + apart]
            rows[n] = builder.shuffle_vector(*pair, ir.Constant(_LANES, low))
            rows[n + apart] = builder.shuffle_vector(*pair, ir.Constant(_LANES, high))
        apart *= 2
    return rows
