"""Arrays of samples: MAT, NPY, NPZ, HDF5 and raw binary files."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.base import Content, Marks, Origin
from pipeline.readers.parts.arrays.channels import (
    joined,
    names_in,
    piece,
    rate_in,
    signals,
    texts_of,
    time_axis,
)
from pipeline.readers.parts.arrays.files import Store, open_raw
from pipeline.readers.parts.arrays.hdf import is_hdf, open_hdf
from pipeline.readers.parts.arrays.mat import open_mat
from pipeline.readers.parts.arrays.npy import open_npy, open_npz
from pipeline.readers.parts.arrays.settings import ArraySettings
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.select import select


class Array(ArraySettings):
    """Files of arrays: a variable holds the samples, others may hold the rest."""

    origins: ClassVar[frozenset[str]] = frozenset({"variable"})
    # They give the type and shape of their arrays.
    formats: ClassVar[Mapping[str, str]] = {
        ".mat": "MAT",
        ".npy": "NPY",
        ".npz": "NPZ",
        ".h5": "HDF5",
        ".hdf5": "HDF5",
    }

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        """Read one file of arrays.

        Parameters
        ----------
        folder : Path
        files : sequence of str
            One file.
        origins : collection of Origin
            `("variable", name)` gives the text of a variable with one value, or a
            block of each run of equal values of one with a value for each sample, or
            a row of 0 and 1, which names a class by its column.

        Raises
        ------
        DataError
            A variable is not there or of a kind that is not read, the axes are
            ambiguous, or a raw file is cut short.
        """
        where = files[0]
        present(folder, files[:1])
        with opening(folder, where):
            return _content(self, self._open(where, folder / where), origins)

    def _open(self, where: str, path: Path) -> Store:
        """Open a file in its format."""
        kind = path.suffix.lower()
        if (kind in self.formats) == (self.dtype is not None):
            raise DataError(
                where,
                f"is a {kind[1:].upper()} file, which gives its own type"
                if kind in self.formats
                else "is in no format that gives its type and shape",
                expected="MAT, NPY, NPZ or HDF5, or a raw file with dtype",
                remedy="leave out the reader's dtype"
                if kind in self.formats
                else "set dtype and n_channels in params.yaml",
            )
        if self.dtype is not None:
            n_channels = self.n_channels or len(self.names or ())
            planar = self.axes == ("channel", "time")
            return open_raw(
                where, path, self.dtype, n_channels, self.offset, planar=planar
            )
        if kind == ".mat" and not is_hdf(path):
            return open_mat(where, path)
        opener = {".npy": open_npy, ".npz": open_npz}.get(kind, open_hdf)
        return opener(where, path, self.unchecked)


def _content(
    settings: ArraySettings, store: Store, origins: Collection[Origin]
) -> Content:
    """Read an open file."""
    variable = store.variable(settings.variable or store.only_matrix())
    n_segments = 1
    if settings.segmented:
        variable, n_segments = joined(settings, store.where, variable)
    names = settings.names or names_in(store, settings.names_variable)
    by_time = 0
    if not settings.segmented:
        by_time = time_axis(settings, store.where, variable.shape, names)
    rate = rate_in(store, settings.sfreq_variable)
    have = signals(store, variable.shape, by_time, names, rate)
    selected = select(settings, store.where, have)
    places = list(selected.places)
    factors = np.array(selected.factors)[:, None] * settings.scale
    n_samples = variable.shape[by_time]
    found = {
        (kind, key): texts_of(store, key, n_samples, selected.sfreq, n_segments)
        for kind, key in origins
    }
    return Content(
        channels=selected.names,
        types=selected.types,
        sfreq=selected.sfreq,
        n_samples=n_samples,
        read=lambda start, stop: (
            piece(variable, by_time, slice(start, stop))[places] * factors
        ),
        marks={key: each for key, each in found.items() if isinstance(each, Marks)},
        texts={key: each for key, each in found.items() if isinstance(each, tuple)},
        segments=_segments(n_samples, n_segments, selected.sfreq),
        line_freq=settings.line_freq,
        remarks=store.remarks,
    )


def _segments(n_samples: int, n_segments: int, sfreq: float) -> tuple[Segment, ...]:
    """Let segments follow each other at once: when they were recorded is not known."""
    length = n_samples // n_segments
    starts = (place * length for place in range(n_segments))
    return tuple(Segment(start, start / sfreq) for start in starts)
