"""The tables of a BIDS tree, and the events in them.

Source: https://bids-specification.readthedocs.io, "Task events".
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.components import did_you_mean
from pipeline.errors import DataError
from pipeline.readers.base import Marks

NO_VALUE = ("n/a", "nan", "NaN", "")


def read_table(folder: Path, file: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table whose cells stay text.

    Raises
    ------
    DataError
        It is no table, or lacks a column.
    """
    content = (folder / file).read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    _refuse_ragged(file, text)
    try:
        # Without an index, for rows that end in a tab would be moved by one column.
        table = pd.read_csv(
            StringIO(text),
            sep="\t",
            dtype=str,
            keep_default_na=False,
            index_col=False,
            quoting=csv.QUOTE_NONE,
        )
    except ValueError as error:
        raise unreadable(file, f"is no table ({error})") from None
    table = table.rename(columns=str.strip)
    for column in columns:
        if column not in table:
            raise unreadable(file, f"has no column '{column}'")
    stripped: pd.DataFrame = table.apply(lambda cells: cells.str.strip())
    return stripped


def _refuse_ragged(file: str, text: str) -> None:
    """Refuse rows with another number of fields than the header, but for a last tab."""
    lines = enumerate(re.split("\r\n|\r|\n", text), start=1)
    rows = [(number, line.split("\t")) for number, line in lines if line.strip()]
    names = [name for name in rows[0][1] if name.strip()] if rows else []
    for number, fields in rows:
        if any("\0" in field for field in fields):
            raise unreadable(file, f"row {number} has a byte of 0")
    for number, fields in rows[1:]:
        spare = fields[len(names) :]
        if len(fields) < len(names) or any(field.strip() for field in spare):
            raise unreadable(
                file,
                f"row {number} has {len(fields)} fields, its header {len(names)} names",
            )


def unreadable(file: str, found: str) -> DataError:
    """Make the error of a file that is not as BIDS describes it."""
    return DataError(
        file,
        found,
        expected="a file as BIDS describes it",
        remedy="correct the file, or leave it out by the source's except",
    )


@dataclass(frozen=True)
class Events:
    """A table of events.

    Parameters
    ----------
    table : DataFrame
        All cells are text.
    file : str
    """

    table: pd.DataFrame
    file: str

    def marks(self, column: str | None) -> tuple[Marks, tuple[str, ...]]:
        """Give the events, and remarks on those that have no time or no text.

        Parameters
        ----------
        column : str or None
            Column of the texts; None: `trial_type`, or `value` where that is empty.

        Raises
        ------
        DataError
            The column is missing, or a time is no number.
        """
        texts = self._column(column) if column else _trial_types(self.table)
        used = ~(self._column("onset").isin(NO_VALUE) | texts.isin(NO_VALUE))
        onset = self._seconds("onset", used)
        duration = self._seconds("duration", used)
        order = np.argsort(onset, kind="stable")
        missing = int((~used).sum())
        return (
            Marks(onset[order], duration[order], tuple(texts[used].iloc[order])),
            (f"events without a time or a text, left out: {missing}",)
            if missing
            else (),
        )

    def _column(self, name: str) -> pd.Series:
        if name not in self.table:
            have = list(self.table.columns)
            raise DataError(
                self.file,
                f"has no column '{name}', among {', '.join(have)}",
                expected=did_you_mean(name, have),
                remedy="correct the value's key in params.yaml, or the file",
            )
        return self.table[name]

    def _seconds(self, name: str, used: pd.Series) -> np.ndarray:
        """Read seconds, with a decimal point or a decimal comma; n/a is NaN."""
        if name not in self.table:
            return np.zeros(int(used.sum()))
        texts = self.table[name][used]
        numbers = texts.str.replace(",", ".")
        seconds = pd.to_numeric(numbers, errors="coerce").to_numpy(float)
        unreadable = ~np.isfinite(seconds) & ~texts.isin(NO_VALUE).to_numpy()
        if len(bad := np.flatnonzero(unreadable)):
            row = texts.index[bad[0]]
            raise DataError(
                self.file,
                f"its column {name} holds '{texts[row]}' in line {row + 2}",
                expected="seconds, or n/a",
                remedy="correct the file",
            )
        return seconds


def _trial_types(table: pd.DataFrame) -> pd.Series:
    """Name the events by `trial_type`, with the value where one type has several."""
    nothing = pd.Series("n/a", table.index)
    types, values = (table.get(name, nothing) for name in ("trial_type", "value"))
    if types.isin(NO_VALUE).all():
        return values
    several = values.groupby(types).transform("nunique") > 1
    joined = types + "/" + values.where(~values.isin(NO_VALUE), "na")
    return types.where(~several | types.isin(NO_VALUE), joined)
