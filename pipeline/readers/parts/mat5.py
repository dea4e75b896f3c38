"""The structure of a MAT file of version 5 to 7, looked through before it is loaded.

scipy loads these files in C, and a damaged type or size ends the process. So every
element is visited beforehand: its type is one that there is, and it ends where the one
that holds it does.
Layout: MathWorks, "MAT-File Format", version R2023a.
"""

import math
import mmap
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, either

HEADER = 128
VERSIONS = (b"\0\1", b"\1\0")
ORDERS = {b"IM": "<", b"MI": ">"}
SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 2,
    5: 4,
    6: 4,
    7: 4,
    9: 8,
    12: 8,
    13: 8,
    16: 1,
    17: 2,
    18: 4,
}
"""Bytes of a number of each type."""
INT8, INT32, UINT32, MATRIX, COMPRESSED, UTF8 = 1, 5, 6, 14, 15, 16
CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
NUMBERS = range(6, 16)
COMPLEX = 1 << 11
DEEPEST, MOST_AXES = 64, 32
BEGINNING = 1 << 16
"""Bytes of a packed variable that show what it is."""
LARGEST, LARGEST_RATIO = 1 << 26, 200
"""Bytes that a variable may unpack to in any case, and in relation to its size."""


class _BrokenError(Exception):
    """The fault of an element."""


@dataclass(frozen=True)
class _Element:
    """A type, and where in the bytes its content begins and ends."""

    kind: int
    begin: int
    end: int
    after: int


def check_mat(path: Path, where: str) -> None:
    """Refuse a MAT file of version 5 to 7 whose elements make no sense.

    Files of other versions are let through: scipy does not read them in C.

    Raises
    ------
    DataError
        An element has no known type, or does not fit into what holds it.
    """
    with path.open("rb") as stream:
        head = stream.read(HEADER)
        if len(head) < HEADER or 0 in head[:4] or head[124:126] not in VERSIONS:
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                if (order := ORDERS.get(head[126:128])) is None:
                    raise _BrokenError(f"its bytes are in the order {head[126:128]!r}")
                _check_file(content, order)
            except (_BrokenError, zlib.error, struct.error) as error:
                raise DataError(
                    where,
                    f"is damaged: {error}",
                    expected="a MAT file whose elements fit into each other",
                    remedy=either(REPLACE, "save it anew with MATLAB", LEAVE_OUT),
                ) from None


def _check_file(content: mmap.mmap, order: str) -> None:
    at = HEADER
    while at < len(content):
        kind, size = struct.unpack_from(order + "2I", content, at)
        end = at + 8 + size
        if kind == COMPRESSED and end <= len(content):
            _check_packed(content[at + 8 : end], order)
            at = end
            continue
        element = _element(content, order, at, len(content))
        if element.kind == MATRIX:
            _Walk(content, order).matrix(element, 0)
        at = element.after


def _check_packed(packed: bytes, order: str) -> None:
    """Unpack a variable's beginning and, unless it is numbers alone, the rest."""
    unpacker = zlib.decompressobj()
    begin = unpacker.decompress(packed, BEGINNING)
    kind, size = struct.unpack_from(order + "2I", begin)
    if kind != MATRIX or size > max(LARGEST, LARGEST_RATIO * len(packed)):
        raise _BrokenError(f"a packed element of type {kind} and {size} bytes")
    # Numbers are not unpacked twice: where they end, scipy sees itself.
    if (begin[16 + (order == ">") * 3] if size else 0) not in NUMBERS:
        begin += unpacker.decompress(unpacker.unconsumed_tail, size + 8)
        _Walk(begin, order).matrix(_element(begin, order, 0, len(begin)), 0)
    else:
        walk = _Walk(begin, order, only_beginning=True)
        walk.matrix(_Element(MATRIX, 8, 8 + size, 8 + size), 0)


def _element(content: bytes | mmap.mmap, order: str, at: int, stop: int) -> _Element:
    """Read the tag of an element, which may hold four bytes itself."""
    if at + 8 > stop:
        raise _BrokenError(f"an element at byte {at} is cut short")
    kind, size = struct.unpack_from(order + "2I", content, at)
    if small := kind >> 16:
        kind &= 0xFFFF
        if small > 4 or kind not in SIZES:
            raise _BrokenError(
                f"an element of type {kind} and {small} bytes, at byte {at}"
            )
        return _Element(kind, at + 4, at + 4 + small, at + 8)
    end = at + 8 + size
    if end > stop or (kind not in SIZES and kind != MATRIX):
        raise _BrokenError(f"an element of type {kind} and {size} bytes, at byte {at}")
    return _Element(kind, at + 8, end, min(end + -size % 8, stop))


@dataclass(frozen=True)
class _Walk:
    """Visits the elements inside variables."""

    content: bytes | mmap.mmap
    order: str
    only_beginning: bool = False

    def matrix(self, element: _Element, depth: int) -> None:
        """Visit a variable, or one inside a cell or a struct."""
        if element.kind != MATRIX or depth > DEEPEST:
            raise _BrokenError(
                f"no variable where one should be, at byte {element.begin}"
            )
        if element.begin == element.end:
            return
        parts = self._parts(element)
        flags = self._expect(parts, (UINT32,), 8)
        (word,) = struct.unpack_from(self.order + "I", self.content, flags.begin)
        if (kind := word & 0xFF) == OPAQUE:
            return
        axes = self._expect(parts, (INT32, UINT32))
        n_axes = (axes.end - axes.begin) // 4
        dims = struct.unpack_from(f"{self.order}{n_axes}i", self.content, axes.begin)
        if not 2 <= n_axes <= MOST_AXES or min(dims) < 0:
            raise _BrokenError(f"a variable of the shape {dims}, at byte {axes.begin}")
        self._expect(parts, (INT8, UTF8))
        self._values(parts, kind, math.prod(dims), bool(word & COMPLEX), depth)

    def _values(
        self,
        parts: Iterator[_Element],
        kind: int,
        count: int,
        is_complex: bool,
        depth: int,
    ) -> None:
        """Visit what a variable of a class holds."""
        if kind in NUMBERS:
            for _ in range(1 + (is_complex and not self.only_beginning)):
                self._numbers(parts, count)
        elif kind == CHAR:
            self._numbers(parts, None)
        elif kind == CELL:
            self._each(parts, count, depth)
        elif kind in (STRUCT, OBJECT):
            if kind == OBJECT:
                self._expect(parts, (INT8,))
            self._each(parts, count * self._fields(parts), depth)
        elif kind == FUNCTION:
            self._each(parts, 1, depth)
        elif kind == SPARSE:
            for _ in range(3 + is_complex):
                self._numbers(parts, None)
        else:
            raise _BrokenError(f"a variable of class {kind}")

    def _parts(self, element: _Element) -> Iterator[_Element]:
        at = element.begin
        while at < element.end:
            part = _element(self.content, self.order, at, element.end)
            yield part
            at = part.after

    def _expect(
        self, parts: Iterator[_Element], kinds: Collection[int], size: int | None = None
    ) -> _Element:
        found = next(parts, None)
        if found is None or found.kind not in kinds:
            raise _BrokenError("a variable without its description")
        if size is not None and found.end - found.begin != size:
            raise _BrokenError(
                f"a description of another length, at byte {found.begin}"
            )
        return found

    def _numbers(self, parts: Iterator[_Element], count: int | None) -> None:
        found = next(parts, None)
        if found is None or found.kind not in SIZES:
            raise _BrokenError("a variable without its numbers")
        there = (found.end - found.begin) // SIZES[found.kind]
        if count is not None and there != count:
            raise _BrokenError(f"{there} numbers for {count}, at byte {found.begin}")

    def _fields(self, parts: Iterator[_Element]) -> int:
        """Count the fields of a struct."""
        width = self._expect(parts, (INT32,), 4)
        length = int(struct.unpack_from(self.order + "i", self.content, width.begin)[0])
        names = self._expect(parts, (INT8,))
        size = names.end - names.begin
        if length <= 0 or size % length:
            raise _BrokenError(
                f"names of {length} bytes in {size}, at byte {names.begin}"
            )
        return size // length

    def _each(self, parts: Iterator[_Element], count: int, depth: int) -> None:
        for _ in range(count):
            if (part := next(parts, None)) is None:
                raise _BrokenError("a cell or struct with fewer values than its shape")
            self.matrix(part, depth + 1)
