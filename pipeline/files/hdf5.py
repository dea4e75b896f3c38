"""One array of an HDF5 file, written piece by piece along time."""

from collections.abc import Iterable, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import stopping

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

    A signal waits until the file is closed: HDF5 would take it for a failed write.

    Raises
    ------
    OSError
        The file could not be written, as on a full disk.
    ValueError
        The pieces together have another length.
    """
    import h5py

    with stopping.held(), _Sink(path) as sink:
        with h5py.File(sink, "w") as file:
            array = file.create_dataset("values", shape, dtype, compression=compression)
            _fill(array, _while_sound(pieces, sink))
            array.flush()  # so its chunks lie before what follows, whoever holds it
            for key in sorted(attributes):
                file.attrs[key] = attributes[key]
        sink.check()


class _Sink(FileIO):
    """A file whose first failure is kept, and raised by `check`.

    A failed write is more than the HDF5 library can take: it closes the file without a
    word, or the process ends at a fault of memory. So it never sees one.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+b")
        self.failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all bytes, or none once something failed."""
        view = memoryview(data).cast("B")
        n_bytes = len(view)
        try:
            while view and self.failure is None:
                view = view[super().write(view) :]
        except OSError as error:
            self.failure = error
        return n_bytes

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend the file, unless something failed."""
        try:
            if self.failure is None:
                return super().truncate(size)
        except OSError as error:
            self.failure = error
        return size or 0

    def check(self) -> None:
        """Raise what failed."""
        if self.failure is not None:
            raise self.failure


def _while_sound(pieces: Iterable[np.ndarray], sink: _Sink) -> Iterator[np.ndarray]:
    """Yield pieces until one could not be written, or a signal comes."""
    source = iter(pieces)
    while True:
        sink.check()
        with stopping.released():
            piece = next(source, None)
        if piece is None:
            return
        yield piece


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
