"""MAT files of version 7.3, and plain HDF5."""

import math
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, either, unchecked_if
from pipeline.readers.parts.arrays.files import (
    NUMERIC,
    Index,
    Store,
    Variable,
    no_variable,
    unfit,
)


def is_hdf(path: Path) -> bool:
    """Find whether a file is HDF5, as MAT files are from version 7.3 on."""
    import h5py

    return bool(h5py.is_hdf5(path))


def open_hdf(where: str, path: Path, unchecked: Collection[Check] = ()) -> Store:
    """Open an HDF5 file. MATLAB writes axes the other way round: they are turned.

    Raises
    ------
    DataError
        It is damaged; or of a variable that is asked for, parts were never written,
        which HDF5 gives as zeros.
    """
    import h5py

    turned = path.suffix.lower() == ".mat"
    dataset = partial(_own_dataset, where, path)

    def variable(name: str) -> Variable:
        """Describe a numeric variable."""
        with h5py.File(path, "r") as file:
            found = dataset(file, name)
            if found.dtype.kind not in NUMERIC or _class(found) in ("char", "logical"):
                raise unfit(where, name, _class(found) or f"of type {found.dtype}")
            if "checksum" not in unchecked:
                _refuse_unwritten(where, name, found)
            shape = found.shape[::-1] if turned else found.shape

        def part(index: Index) -> np.ndarray:
            """Read a piece of the variable."""
            with h5py.File(path, "r") as file:
                found = dataset(file, name)
                piece: np.ndarray = found[index[::-1]].T if turned else found[index]
                return piece

        return Variable(shape, part)

    def value(name: str) -> Any:
        """Read a variable."""
        with h5py.File(path, "r") as file:
            return _value(where, name, file, dataset(file, name), turned)

    with h5py.File(path, "r") as file:
        names = _names(file)
        shapes = {
            name: file[name].shape[::-1] if turned else file[name].shape
            for name in names
            if isinstance(file[name], h5py.Dataset)
            and file[name].dtype.kind in NUMERIC
            and _class(file[name]) not in ("char", "logical")
        }
    others = tuple(name for name in names if name not in shapes)
    return Store(where, shapes, others, variable, value)


def _own_dataset(where: str, path: Path, file: Any, name: str) -> Any:
    """Find a data set whose values lie in the file itself."""
    import h5py

    found = file.get(name.replace(".", "/"))
    if found is None:
        raise no_variable(where, name, _names(file))
    if Path(found.file.filename) != path:
        raise unfit(where, name, f"in another file, {found.file.filename}")
    if isinstance(found, h5py.Group):
        raise unfit(where, name, "a struct with " + ", ".join(found))
    if found.external or found.is_virtual:
        raise unfit(where, name, "a view of other files")
    return found


def _refuse_unwritten(where: str, name: str, dataset: Any) -> None:
    """Refuse a dataset of which parts have no bytes in the file."""
    if dataset.is_virtual or not dataset.size:
        return
    if dataset.chunks:
        each = zip(dataset.shape, dataset.chunks, strict=True)
        stated = math.prod(-(-length // chunk) for length, chunk in each)
        there, what = dataset.id.get_num_chunks(), "chunks"
    else:
        stated, there = dataset.nbytes, dataset.id.get_storage_size()
        what = "bytes"
    if there < stated:
        raise DataError(
            where,
            f"the file holds {there} of the {stated} {what} of variable '{name}'",
            expected="all of them: HDF5 gives zeros for the rest",
            remedy=either(
                REPLACE, LEAVE_OUT, unchecked_if("the rest are zeros", "checksum")
            ),
        )


def _names(file: Any) -> list[str]:
    """List the variables; MATLAB keeps what cells hold under names with #."""
    return [name for name in file if not name.startswith("#")]


def _class(dataset: Any) -> str:
    found = dataset.attrs.get("MATLAB_class", b"")
    return found.decode() if isinstance(found, bytes) else str(found)


def _value(where: str, name: str, file: Any, dataset: Any, turned: bool) -> Any:
    """Read a dataset, with texts and cells as MATLAB means them."""
    import h5py

    kind = _class(dataset)
    if "MATLAB_object_decode" in dataset.attrs or kind == "function_handle":
        raise unfit(where, name, f"of MATLAB's class {kind}")
    if "MATLAB_empty" in dataset.attrs:
        return np.empty(0)
    content = dataset[()]
    if kind == "char":
        rows = ["".join(map(chr, row)) for row in np.atleast_2d(content.T)]
        return rows[0] if len(rows) == 1 else rows
    if kind == "cell":
        each = (file[reference] for reference in content.ravel())
        return [_value(where, name, file, found, turned) for found in each]
    if h5py.check_string_dtype(dataset.dtype):
        return dataset.asstr()[()]
    if dataset.dtype.kind not in NUMERIC:
        raise unfit(where, name, f"of type {dataset.dtype}")
    return content.T if turned else content
