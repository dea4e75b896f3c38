"""One array of an HDF5 file, written piece by piece along time."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import h5py

BLOCK_BYTES = 1 << 22
"""A compressed array is written in blocks of at least so many bytes."""


def write(
    path: Path,
    pieces: Iterable[np.ndarray],
    shape: tuple[int, int],
    attributes: Mapping[str, Any],
    *,
    dtype: type[np.generic],
    compression: str | None = None,
) -> None:
    """Write an array, shape (row, time), and then what it is.

    Raises
    ------
    ValueError
        The pieces together have another length.
    """
    import h5py

    with h5py.File(path, "w") as file:
        _fill(
            file.create_dataset("values", shape, dtype, compression=compression), pieces
        )
        # The array was closed before: so its chunks lie before what follows.
        for key in sorted(attributes):
            file.attrs[key] = attributes[key]


def _fill(values: "h5py.Dataset", pieces: Iterable[np.ndarray]) -> None:
    done = 0
    for piece in _blocks(pieces, values) if values.chunks else pieces:
        values[:, done : done + piece.shape[1]] = piece
        done += piece.shape[1]
    if done != values.shape[1]:
        raise ValueError(f"pieces of {done} columns for an array of {values.shape[1]}")


def _blocks(
    pieces: Iterable[np.ndarray], values: "h5py.Dataset"
) -> Iterator[np.ndarray]:
    """Join pieces, and cut them again into blocks of as many chunks as fill one.

    A chunk that is written twice is compressed twice, and its first place is lost.
    """
    n_rows, chunk = len(values), values.chunks[1]
    width = chunk * -(-BLOCK_BYTES // (chunk * max(1, n_rows * values.dtype.itemsize)))
    waiting: list[np.ndarray] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(each.shape[1] for each in waiting) >= width:
            joined = np.concatenate(waiting, axis=1)
            full = joined.shape[1] - joined.shape[1] % width
            for start in range(0, full, width):
                yield joined[:, start : start + width]
            waiting = [joined[:, full:]]
    yield np.concatenate(waiting, axis=1)
