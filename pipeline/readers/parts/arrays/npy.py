"""NumPy's own files: one array (NPY), or several in a zip (NPZ)."""

import math
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any, NamedTuple
from zipfile import ZipFile, ZipInfo

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, either
from pipeline.readers.parts.arrays.files import (
    NUMERIC,
    Index,
    Store,
    Variable,
    no_variable,
    numbers,
    single,
    unfit,
)
from pipeline.readers.parts.lengths import spare

LARGEST, LARGEST_RATIO = 1 << 26, 200
"""Bytes that an array may unpack to in any case, and in relation to its size."""


class _Header(NamedTuple):
    """The header of an array; its bytes should end at `stop`."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stop: int


def _read_header(stream: IO[bytes]) -> _Header:
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version[0] == 1 else npy.read_array_header_2_0
    shape, _, dtype = read(stream)
    return _Header(shape, dtype, stream.tell() + math.prod(shape) * dtype.itemsize)


def open_npy(where: str, path: Path, unchecked: Collection[Check] = ()) -> Store:
    """Open one array.

    Raises
    ------
    DataError
        It is cut short or goes on behind its end, or holds no numbers.
    """
    with path.open("rb") as stream:
        header = _read_header(stream)
    if header.dtype.kind not in NUMERIC:
        raise unfit(where, path.stem, f"of type {header.dtype}")
    size = path.stat().st_size
    _refuse_short(where, size, header.stop)
    remarks = spare(where, size, header.stop, "its header", unchecked)

    def part(index: Index) -> np.ndarray:
        """Read a piece of the array."""
        # A map that is opened anew for each piece keeps no more of it in memory.
        piece: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)[index]
        return piece

    return single(where, path.stem, Variable(header.shape, part), remarks)


def _refuse_short(where: str, found: int, stated: int) -> None:
    if found < stated:
        raise DataError(
            where,
            f"is cut short: {found} bytes",
            expected=f"{stated} bytes by its header",
            remedy=either(REPLACE, LEAVE_OUT),
        )


def open_npz(where: str, path: Path, unchecked: Collection[Check] = ()) -> Store:
    """Open several arrays; each is unpacked when it is asked for.

    Raises
    ------
    DataError
        An array is cut short, goes on behind its end, or unpacks to far more than the
        file holds.
    """
    with ZipFile(path) as archive:
        found = {
            member.filename.removesuffix(".npy"): _member(
                f"{where}/{member.filename}", archive, member, unchecked
            )
            for member in archive.infolist()
            if member.filename.endswith(".npy")
        }
    headers = {name: header for name, (header, _) in found.items()}

    def value(name: str) -> np.ndarray:
        """Read an array of the archive."""
        if name not in headers:
            raise no_variable(where, name, list(headers))
        if headers[name].dtype.hasobject:
            raise unfit(where, name, "made of Python objects")
        with np.load(path, allow_pickle=False) as archive:
            array: np.ndarray = archive[name]
        return array

    shapes = {n: h.shape for n, h in headers.items() if h.dtype.kind in NUMERIC}
    return Store(
        where,
        shapes,
        tuple(name for name in headers if name not in shapes),
        lambda name: numbers(where, name, value(name)),
        value,
        tuple(remark for _, remarks in found.values() for remark in remarks),
    )


def _member(
    where: str, archive: ZipFile, member: ZipInfo, unchecked: Collection[Check]
) -> tuple[_Header, tuple[str, ...]]:
    """Hold an array of a zip against its header."""
    size = member.file_size
    if size > max(LARGEST, LARGEST_RATIO * member.compress_size):
        raise DataError(
            where,
            f"unpacks from {member.compress_size} to {size} bytes",
            expected=f"at most {LARGEST_RATIO} times as many",
            remedy="if it is a recording, save it anew without compression",
        )
    with archive.open(member) as stream:
        header = _read_header(stream)
    if header.dtype.hasobject:
        return header, ()
    _refuse_short(where, size, header.stop)
    return header, spare(where, size, header.stop, "its header", unchecked)
