"""Rows that lack a number: refused, or left out and counted."""

import re

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.parts.tables.arrange import Samples
from pipeline.readers.parts.tables.rows import File, Rows, odd_row, shown

DECIMAL_COMMA = re.compile(r"\d,\d")


def usable(file: File, rows: Rows, samples: Samples) -> tuple[Samples, list[str]]:
    """Leave out rows that lack a number, and give the remarks on them.

    Raises
    ------
    DataError
        More rows lack one than may.
    """
    bad = _bad(samples)
    short = rows.short
    if bad[-1] and not short and bad.size > 1:
        # A logger that is stopped in the middle of a row leaves the last one short.
        samples, bad, short = samples.at(slice(-1)), bad[:-1], True
    remarks = ["the last row was cut short and is left out"] * short
    count, total = int(bad.sum()) + rows.odd, bad.size + rows.odd
    if count > file.settings.largest_bad_share * total:
        if not bad.any():
            raise odd_row(file)
        raise _refused(file, samples, bad, f"{count} of {total} rows")
    if count:
        remarks.append(f"{count} of {total} rows lack a number and are left out")
        samples = samples.without(bad)
    return samples, remarks


def _bad(samples: Samples) -> np.ndarray:
    numbers = samples.values.sum(axis=0)
    if samples.time_s is not None:
        numbers += samples.time_s
    bad: np.ndarray = ~np.isfinite(numbers)
    return bad


def _refused(file: File, samples: Samples, bad: np.ndarray, count: str) -> DataError:
    """Show the first row that lacks a number."""
    first = int(np.argmax(bad))
    row = int(samples.place[first])
    text = file.text(row)
    lacking = ~np.isfinite(samples.values)
    empty = np.flatnonzero(lacking.all(axis=1))
    places = empty if empty.size else np.flatnonzero(lacking[:, first])
    clock = " or ".join(file.settings.time or ())
    column = samples.columns[places[0]] if places.size else clock
    remedy = "correct the file, or set the reader's bad_rows to leave out such rows"
    if "," not in (file.head.delimiter, file.settings.decimal) and DECIMAL_COMMA.search(
        text
    ):
        remedy = "set the reader's decimal to ',' if that is its decimal sign"
    elif 0 < empty.size < len(lacking):
        remedy = "name the reader's channels, without this column"
    elif row == 0 and file.settings.header and not file.settings.unit_row:
        remedy = "set `unit_row: true` if the row gives units"
    elif not places.size and file.settings.time_unit != "iso":
        remedy = "set `time_unit: iso` if the column holds date-times"
    return DataError(
        file.where,
        f"row {file.number(row)} of the file has no number in column '{column}': "
        f"{shown(text)}; {count} lack a number"
        + (", this column has none at all" if empty.size else ""),
        expected="numbers in all rows but a share of "
        f"{file.settings.largest_bad_share:g}",
        remedy=remedy,
    )
