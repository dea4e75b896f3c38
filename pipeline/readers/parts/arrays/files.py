"""Files of arrays by name, and the variables they hold; nothing in them is executed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.base import REPLACE, either

Index = tuple[slice, ...]
NUMERIC = "iuf"
"""Kinds of numbers that samples can be."""


@dataclass(frozen=True)
class Variable:
    """An array of numbers that is read piece by piece where the format allows.

    Parameters
    ----------
    shape : tuple of int
    part : callable
        Gives the samples of an index, slices for each axis.
    """

    shape: tuple[int, ...]
    part: Callable[[Index], np.ndarray]


@dataclass(frozen=True)
class Store:
    """A file of variables.

    Parameters
    ----------
    where : str
        The file.
    shapes : mapping of str to tuple of int
        Shapes of the variables that are numbers.
    others : tuple of str
        Names of all others.
    variable : callable
        Gives a variable of numbers by its name; names in structs have dots.
    value : callable
        Gives what a variable holds: an array, a text or a list.
    remarks : tuple of str
    """

    where: str
    shapes: Mapping[str, tuple[int, ...]]
    others: tuple[str, ...]
    variable: Callable[[str], Variable]
    value: Callable[[str], Any]
    remarks: tuple[str, ...] = ()

    def only_matrix(self) -> str:
        """Name the only variable with two axes or, if none has, the only vector.

        Raises
        ------
        DataError
            There are several, or none.
        """
        matrices = [
            name for name, shape in self.shapes.items() if _long_axes(shape) > 1
        ]
        vectors = [
            name for name, shape in self.shapes.items() if _long_axes(shape) == 1
        ]
        found = matrices or vectors
        if len(found) == 1:
            return found[0]
        listed = [f"{name} {_words(shape)}" for name, shape in self.shapes.items()]
        raise DataError(
            self.where,
            "holds " + (", ".join([*listed, *self.others]) or "nothing"),
            expected="one matrix of numbers",
            remedy="name the reader's variable in params.yaml; that in a struct has "
            "dots: data.eeg",
        )


def _long_axes(shape: tuple[int, ...]) -> int:
    return sum(length > 1 for length in shape)


def _words(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "scalar"


def no_variable(where: str, name: str, have: list[str]) -> DataError:
    """Refuse a name that is not there."""
    return DataError(
        where,
        f"has no variable '{name}', among {', '.join(have) or 'none'}",
        expected="a variable's name, with dots for one in a struct",
        remedy="correct the name in params.yaml",
    )


def unfit(where: str, name: str, what: str) -> DataError:
    """Refuse a variable of a kind that is not read."""
    return DataError(
        where,
        f"variable '{name}' is {what}",
        expected="numbers or text",
        remedy="name another variable in params.yaml, or save it as numbers or text",
    )


def numbers(where: str, name: str, value: Any) -> Variable:
    """Take an array that is in memory as a variable of numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in NUMERIC:
        raise unfit(where, name, f"of type {array.dtype}")
    return Variable(array.shape, lambda index: array[index])


def open_raw(
    where: str, path: Path, dtype: str, n_channels: int, offset: int, *, planar: bool
) -> Store:
    """Open samples without any description.

    Raises
    ------
    DataError
        The size is that of no number of samples of all channels.
    """
    kind = np.dtype(dtype)
    size = path.stat().st_size - offset
    if size <= 0 or size % (n_channels * kind.itemsize):
        raise DataError(
            where,
            f"is cut short: {size} bytes after the first {offset}",
            expected=f"a multiple of {n_channels} channels × {kind.itemsize} bytes",
            remedy=either("correct the reader's dtype, n_channels or offset", REPLACE),
        )
    n_samples = size // (n_channels * kind.itemsize)
    shape = (n_channels, n_samples) if planar else (n_samples, n_channels)

    def part(index: Index) -> np.ndarray:
        """Read a piece of the file."""
        piece: np.ndarray = np.memmap(path, kind, "r", offset, shape)[index]
        return piece

    return single(where, path.stem, Variable(shape, part))


def single(
    where: str, name: str, variable: Variable, remarks: tuple[str, ...] = ()
) -> Store:
    """Make a file of one array, whose name is the file's."""

    def only(wanted: str) -> Any:
        """Give the one variable that there is."""
        if wanted != name:
            raise no_variable(where, wanted, [name])
        return variable

    return Store(where, {name: variable.shape}, (), only, only, remarks)
