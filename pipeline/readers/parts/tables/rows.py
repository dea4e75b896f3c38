"""The rows of a text file, parsed by pandas and checked against its own lines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, either
from pipeline.readers.parts.tables.head import Head, split
from pipeline.readers.parts.tables.lines import Lines, all_even, survey
from pipeline.readers.parts.tables.settings import TableSettings

ABSENT = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "None"]
SHOWN = 60
"""Characters of a row that a message shows."""


@dataclass(frozen=True)
class Wanted:
    """Columns by their places.

    Parameters
    ----------
    numbers, texts : tuple of int
    dates : int or None
        Column of date-times.
    """

    numbers: tuple[int, ...]
    texts: tuple[int, ...]
    dates: int | None = None


@dataclass(frozen=True)
class File:
    """An open text file: its head and, once somebody asks, its lines."""

    where: str
    stream: BinaryIO
    head: Head
    settings: TableSettings

    @cached_property
    def lines(self) -> Lines:
        """Count the lines; only odd files and messages need it."""
        return survey(self.stream, self.head, self.settings)

    def number(self, row: int) -> int:
        """Give the number of a row in the file."""
        return int(self.lines.rows[row])

    def text(self, row: int) -> str:
        """Give a row as it is written."""
        before = self.number(row) - self.head.line
        self.stream.seek(self.head.start)
        for _ in range(before):
            self.stream.readline()
        return self.stream.readline().decode(self.head.encoding, errors="replace")


@dataclass(frozen=True)
class Rows:
    """Parsed rows.

    Parameters
    ----------
    frame : DataFrame
        Columns by their places; numbers as floats or strings, texts as categories.
    place : array of int, shape (row,)
        Which of the file's rows these are.
    encoding : str
        That in which the file could be read.
    odd : int
        Rows that are left out for their number of fields.
    short : bool
        The last row was cut short and is left out.
    """

    frame: pd.DataFrame
    place: np.ndarray
    encoding: str
    odd: int = 0
    short: bool = False


def read_rows(file: File, wanted: Wanted) -> Rows:
    """Read the columns that are wanted.

    Raises
    ------
    DataError
        A row has more or fewer fields than there are names.
    """
    try:
        frame = _quickly(file, wanted)
        if frame is not None:
            return Rows(frame, np.arange(len(frame)), file.head.encoding)
        return _carefully(file, wanted)
    except UnicodeDecodeError:
        if file.settings.encoding or file.head.encoding != "utf-8":
            raise
    return read_rows(replace(file, head=replace(file.head, encoding="cp1252")), wanted)


def _quickly(file: File, wanted: Wanted) -> pd.DataFrame | None:
    """Read a file whose rows are all even; None if they may not be."""
    last = len(file.head.names) - 1
    try:
        frame = _parse(file, wanted, also=last)
    except UnicodeDecodeError:
        raise
    except ValueError:
        return None
    final = frame[last]
    if isinstance(final.dtype, pd.CategoricalDtype):
        absent = "" in final.cat.categories
    else:
        absent = bool(final.isna().any())
    if absent or not all_even(file.stream, file.head, file.settings, len(frame)):
        return None
    return frame


def _carefully(file: File, wanted: Wanted) -> Rows:
    """Read a file some of whose lines are no even rows."""
    lines = file.lines
    if lines.zero is not None:
        raise DataError(
            file.where,
            f"row {lines.zero} of the file has a byte of 0",
            expected="text: the file may be damaged, or not written to its end",
            remedy=either(REPLACE, "take the row out of it"),
        )
    if lines.odd and not file.settings.largest_bad_share:
        raise odd_row(file)
    cut = [] if lines.short is None else [lines.short]
    kept = np.setdiff1d(lines.rows, [*lines.odd, *cut])
    if not kept.size:
        raise odd_row(file) if lines.odd else _no_row(file.where)
    left_out = [n - file.head.line for n in (*lines.apart, *lines.odd, *cut)]
    try:
        frame = _parse(file, wanted, skip=left_out)
    except UnicodeDecodeError:
        raise
    except ValueError:
        frame = _parse(file, wanted, skip=left_out, number=str)
    if len(frame) != kept.size:
        raise DataError(
            file.where,
            f"its {kept.size} rows are read as {len(frame)}, for a quotation mark "
            "holds rows together",
            expected="a quotation mark at both ends of a field, in one row",
            remedy=either("correct the file", LEAVE_OUT),
        )
    return Rows(
        frame,
        np.searchsorted(lines.rows, kept),
        file.head.encoding,
        odd=len(lines.odd),
        short=lines.short is not None,
    )


def _parse(
    file: File,
    wanted: Wanted,
    *,
    also: int | None = None,
    skip: Sequence[int] = (),
    number: type = float,
) -> pd.DataFrame:
    """Let pandas read columns by their places."""
    kinds: dict[Any, Any] = {} if also is None else {also: "category"}
    kinds |= dict.fromkeys(wanted.numbers, number)
    kinds |= dict.fromkeys(wanted.texts, "category")
    if wanted.dates is not None:
        kinds[wanted.dates] = str
    blanks = file.head.delimiter == " "
    file.stream.seek(file.head.start)
    absent = {place: ABSENT for place, kind in kinds.items() if kind is float}
    frame: pd.DataFrame = pd.read_csv(
        file.stream,
        sep=r"\s+" if blanks else file.head.delimiter,
        header=None,
        names=list(range(len(file.head.names))),
        usecols=sorted(kinds),
        dtype=kinds,
        index_col=False,
        decimal=file.settings.decimal,
        encoding=file.head.encoding,
        skiprows=list(skip),
        na_values=absent,
        keep_default_na=False,
        engine="c",
    )
    return frame


def as_numbers(column: pd.Series, decimal: str) -> np.ndarray:
    """Give a column as numbers, NaN for what is none.

    Where the decimal sign is a comma, a point may part thousands: `1.234` is none.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        numbers = as_numbers(pd.Series(column.cat.categories, dtype=str), decimal)
        return np.append(numbers, np.nan)[column.cat.codes.to_numpy()]
    if column.dtype.kind == "f":
        return column.to_numpy()
    plain = column.str.strip()
    if decimal != ".":
        plain = plain.mask(plain.str.contains(".", regex=False))
        plain = plain.str.replace(decimal, ".", regex=False)
    return np.asarray(pd.to_numeric(plain, errors="coerce"), dtype=float)


def odd_row(file: File) -> DataError:
    """Refuse the first row with another number of fields than there are names."""
    odd, names = file.lines.odd, file.head.names
    row, text = min(odd.items())
    return DataError(
        file.where,
        f"row {row} of the file has {len(split(text, file.head.delimiter))} fields: "
        f"{shown(text)}; {len(odd)} of {len(file.lines.rows)} rows do not fit",
        expected=f"{len(names)} fields: {', '.join(names)}",
        remedy="correct the row or the reader's delimiter, or set bad_rows to leave "
        "out such rows",
    )


def _no_row(where: str) -> DataError:
    return DataError(
        where,
        "holds no complete row",
        expected="rows",
        remedy=LEAVE_OUT,
    )


def shown(text: str) -> str:
    """Shorten a row for a message."""
    text = text.strip("\r\n")
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
