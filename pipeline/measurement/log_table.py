"""Reading a meter's log: rows of numbers and a marker, each checked."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from pipeline.errors import DataError
from pipeline.measurement.log_columns import find_columns

LEVELS = {"0": False, "0.0": False, "1": True, "1.0": True}
EVENTS = {"": None, "start": True, "stop": False}


REMEDY = "correct the log, or export it anew from the meter's program"


@dataclass(frozen=True)
class Log:
    """Power over time, and the marks of work; `rows` are lines of the file."""

    name: str
    seconds: Float64[np.ndarray, " row"]
    watts: Float64[np.ndarray, " row"]
    marked: Bool[np.ndarray, " row"]
    rows: Sequence[int]
    marker: str
    notes: tuple[str, ...]

    def problem(self, row: int, column: str, found: str) -> DataError:
        """Describe a problem; `row` counts from the first row of numbers."""
        where = f"{self.name}, row {self.rows[row]}, column '{column}'"
        return DataError(where, found, remedy=REMEDY)


@dataclass(frozen=True)
class _Rows:
    name: str
    header: Sequence[str]
    numbers: Sequence[int]
    cells: Sequence[Sequence[str]]

    def column(self, place: int) -> list[str]:
        """Give the cells of a column."""
        return [row[place].strip() for row in self.cells]

    def problem(self, row: int, place: int, found: str) -> DataError:
        """Describe what is wrong in a cell."""
        column = self.header[place]
        where = f"{self.name}, row {self.numbers[row]}, column '{column}'"
        return DataError(where, found, remedy=REMEDY)


def read_log(path: Path) -> Log:
    """Read a meter's log as power over time.

    Columns may be separated by commas, semicolons or tabs. Rows before the header that
    begin with # are skipped, and so is a # before the header. A last row without an
    end of line may have been cut off while it was written: it is dropped, with a note.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        A column is missing or ambiguous, a cell is no finite number, time runs back.
    """
    rows, notes = _cells(path)
    columns = find_columns(f"{rows.name}, row {rows.numbers[0] - 1}", rows.header)
    values = {
        quantity: _numbers(rows, place) * factor
        for quantity, (place, factor) in columns.items()
        if quantity != "marker"
    }
    _refuse_backwards(rows, columns["time"][0], values["time"])
    watts = values.get("power")
    if watts is None:
        watts = values["current"] * values["voltage"]
    marker = columns["marker"][0]
    return Log(
        name=rows.name,
        seconds=values["time"],
        watts=watts,
        marked=_marked(rows, marker),
        rows=rows.numbers,
        marker=rows.header[marker],
        notes=notes,
    )


def _cells(path: Path) -> tuple[_Rows, tuple[str, ...]]:
    """Split a file into its header and rows of as many cells."""
    lines, notes = _lines(path)
    first = _header_line(lines)
    if first is None or first + 1 >= len(lines):
        raise DataError(
            path.name, "has no rows of numbers below a header", remedy=REMEDY
        )
    header = lines[first].lstrip("#").strip()
    delimiter = max(",;\t", key=header.count)
    table = csv.reader([header, *lines[first + 1 :]], delimiter=delimiter)
    names, *cells = table
    numbers = range(first + 2, first + 2 + len(cells))
    for number, row in zip(numbers, cells, strict=True):
        if len(row) != len(names):
            raise DataError(
                f"{path.name}, row {number}",
                f"it has {len(row)} cells, and the header has {len(names)} columns",
                remedy=REMEDY,
            )
    return _Rows(path.name, [name.strip() for name in names], numbers, cells), notes


def _lines(path: Path) -> tuple[list[str], tuple[str, ...]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            path.name, f"cannot be read as text ({error})", remedy=REMEDY
        ) from None
    *lines, rest = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not rest.strip():
        return lines, ()
    note = f"row {len(lines) + 1} has no end of line and may be cut off: dropped"
    return lines, (note,)


def _header_line(lines: Sequence[str]) -> int | None:
    """Find the header: the first row without #, or that before it if it is numbers."""
    plain = (k for k, line in enumerate(lines) if not line.startswith("#"))
    if (first := next(plain, None)) is None:
        return None
    numbers = lines[first].lstrip()[:1] in tuple("+-.0123456789")
    return first - 1 if first and numbers else first


def _numbers(rows: _Rows, place: int) -> Float64[np.ndarray, " row"]:
    """Turn a column into numbers, and find a cell that is not a number."""
    cells = rows.column(place)
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = np.array([_number(cell) for cell in cells])
    if not (good := np.isfinite(values)).all():
        row = int(np.argmin(good))
        raise rows.problem(row, place, f"'{cells[row]}' is no finite number")
    return values


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return float("nan")
    return value if isfinite(value) else float("nan")


def _refuse_backwards(
    rows: _Rows, place: int, seconds: Float64[np.ndarray, " row"]
) -> None:
    if (back := np.diff(seconds) < 0).any():
        row = int(np.argmax(back)) + 1
        then, now = rows.cells[row - 1][place], rows.cells[row][place]
        raise rows.problem(row, place, f"time runs back from {then} to {now}")


def _marked(rows: _Rows, place: int) -> Bool[np.ndarray, " row"]:
    """Mark the rows in which work was going on: by level, or from start to stop."""
    cells = [cell.lower() for cell in rows.column(place)]
    by_events = "start" in cells or "stop" in cells
    known = EVENTS if by_events else LEVELS
    marked = np.zeros(len(cells), dtype=bool)
    level = False
    for row, cell in enumerate(cells):
        if cell not in known:
            expected = (
                "start, stop or nothing" if by_events else "0 or 1, or start and stop"
            )
            raise rows.problem(row, place, f"'{cell}' is no marker: {expected}")
        if by_events and known[cell] is level:
            raise rows.problem(row, place, f"'{cell}' comes twice, or before any start")
        level = level if known[cell] is None else bool(known[cell])
        marked[row] = level
    return marked
