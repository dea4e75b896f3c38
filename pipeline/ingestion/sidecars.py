"""Tables and JSON objects beside the recordings, such as participants.tsv."""

import json
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from pipeline.errors import DataError
from pipeline.ingestion.codes import plain
from pipeline.ingestion.found import Entry
from pipeline.ingestion.values import MISSING, Value
from pipeline.patterns import normal
from pipeline.readers.base import Marks

ENCODINGS = ("utf-8-sig", "cp1252")
SEPARATORS = ("\t", ",", ";")
"""The one that the first line has most of; a table without any has one column."""


def read(
    folder: Path, name: str, value: Value, entry: Entry
) -> Marks | tuple[str, ...]:
    """Read what a sidecar states about a recording.

    Parameters
    ----------
    folder : Path
    name : str
        Path of the sidecar in it.
    value : Value
        Its `key` names the column, or the keys of JSON with dots between them.
    entry : Entry

    Returns
    -------
    texts : Marks or tuple of str
        Marks of a table with a column `onset` (seconds; `duration` if there is one);
        else the text in the recording's row: the first column names the recording, its
        subject or its main file.

    Raises
    ------
    DataError
        The sidecar cannot be read, or has no row of the recording, or two.
    """
    path = folder / name
    if name.lower().endswith(".json"):
        return (_json_text(path, name, value, entry),)
    table = _with_header(read_table(path, name), name, value)
    if "onset" in table.columns:
        return _marks(_own_rows(table, name, value, entry), name, value)
    return (_row_text(table, path, name, value, entry),)


def read_table(path: Path, name: str) -> pd.DataFrame:
    """Read a table of texts, its header in the first row; n/a is "".

    Parameters
    ----------
    path : Path
    name : str
        The file, for messages.

    Raises
    ------
    DataError
        It is no table.
    """
    return _table(path, name, path.stat().st_mtime_ns)


@cache
def _table(path: Path, name: str, changed: int) -> pd.DataFrame:
    """Read a table of texts; `changed` makes a file that was written again another."""
    content = path.read_bytes()
    for encoding in ENCODINGS:
        try:
            text = normal(content.decode(encoding))
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise _unreadable(name, "holds zero bytes, as UTF-16 and binary files do")
        first = text.partition("\n")[0]
        separator = max(SEPARATORS, key=first.count)
        try:
            table = pd.read_csv(
                StringIO(text),
                sep=separator,
                header=None,
                dtype=str,
                keep_default_na=False,
            )
        except ValueError as error:  # of pandas: no column, or too long a row
            raise _unreadable(name, str(error)) from error
        return table.fillna("").replace("n/a", "")
    raise _unreadable(name, "neither UTF-8 nor Windows-1252")


def _with_header(table: pd.DataFrame, name: str, value: Value) -> pd.DataFrame:
    """Name a table's columns: by its first row, or 1, 2, … if that holds no key."""
    header = [str(each).strip() for each in table.iloc[0]]
    numbers = [str(place) for place in range(1, table.shape[1] + 1)]
    if header.count(value.key) > 1:
        raise _unreadable(name, f"{header.count(value.key)} columns '{value.key}'")
    if value.key in header:
        return table.iloc[1:].set_axis(header, axis="columns")
    if value.key in numbers:
        return table.set_axis(numbers, axis="columns")
    raise DataError(
        name,
        f"has no column '{value.key}'",
        expected=f"one of {', '.join(header)}",
        remedy="correct the value's key in params.yaml (in a table without a header, "
        "the column's number)",
    )


@cache
def _rows(
    path: Path, name: str, changed: int
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """List a table's rows by their first columns, as they are and as plain codes.

    A table may have as many rows as there are recordings, each of which looks there.
    """
    named: dict[str, list[int]] = {}
    coded: dict[str, list[int]] = {}
    for place, first in enumerate(_table(path, name, changed).iloc[:, 0]):
        named.setdefault(first.strip(), []).append(place)
        coded.setdefault(plain(first.strip()), []).append(place)
    return named, coded


def _row_text(
    table: pd.DataFrame, path: Path, name: str, value: Value, entry: Entry
) -> str:
    """Give the text of the recording's row."""
    own = list(_names_of(entry))
    named, coded = _rows(path, name, path.stat().st_mtime_ns)
    places = {k for each in own for k in named.get(each, ()) if k in table.index}
    places = places or {
        k for each in own for k in coded.get(plain(each), ()) if k in table.index
    }
    rows = table.loc[sorted(places)]
    texts = set(rows[value.key])
    if len(texts) != 1:
        raise DataError(
            name,
            f"has {len(rows)} rows for recording {entry.recording}"
            + (" with different values" if len(rows) else ""),
            expected=f"one row named {' or '.join(own)} in its first column",
            remedy="correct the table, or the value's file in params.yaml",
        )
    return str(texts.pop())


def _own_rows(
    table: pd.DataFrame, name: str, value: Value, entry: Entry
) -> pd.DataFrame:
    """Keep the rows of a recording, where the first column names recordings."""
    if table.columns[0] in ("onset", "duration", value.key):
        return table
    own = table.iloc[:, 0].str.strip().isin(list(_names_of(entry)))
    if own.any():
        return table[own]
    if "{" in str(value.file):  # a file of its own, whose first column is another
        return table
    raise DataError(
        name,
        f"has no row for recording {entry.recording}",
        expected="rows that name the recording in the first column, or a file for "
        "each recording",
        remedy="correct the table, or the value's file in params.yaml",
    )


def _names_of(entry: Entry) -> Iterator[str]:
    """List what a table may call a recording."""
    main = PurePosixPath(entry.files[0])
    yield from dict.fromkeys([entry.recording, main.stem, main.name, str(main)])
    if entry.subject:
        yield from (entry.subject, f"sub-{entry.subject}")


def _marks(table: pd.DataFrame, name: str, value: Value) -> Marks:
    """Read a table of times."""
    onset = _seconds(table, name, "onset")
    instants = np.zeros(len(table))
    duration = (
        _seconds(table, name, "duration") if "duration" in table.columns else instants
    )
    order = np.argsort(onset, kind="stable")
    texts = table[value.key].to_numpy()[order]
    return Marks(onset[order], duration[order], tuple(map(str, texts)))


def _seconds(table: pd.DataFrame, name: str, column: str) -> np.ndarray:
    """Read seconds, with a decimal point or a decimal comma; what is missing is NaN."""
    texts = table[column].str.strip()
    numbers = pd.to_numeric(texts.str.replace(",", "."), errors="coerce")
    seconds = numbers.to_numpy(np.float64)
    bad = ~np.isfinite(seconds) & ~texts.str.lower().isin(MISSING).to_numpy()
    if bad.any():
        row = texts.index[bad.argmax()]
        raise DataError(
            name,
            f"its column '{column}' holds '{texts[row]}' in line {row + 1}",
            expected="seconds, or n/a",
            remedy="correct the table",
        )
    return seconds


def _json_text(path: Path, name: str, value: Value, entry: Entry) -> str:
    """Follow the key through a JSON object; the recording's own part comes first."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise _unreadable(name, str(error)) from error
    own = (
        each for each in _names_of(entry) if isinstance(found, dict) and each in found
    )
    if (part := next(own, None)) is not None:
        found = found[part]
    for key in value.key.split(".") if value.key else []:
        if not isinstance(found, dict) or key not in found:
            raise DataError(
                name,
                f"has no '{value.key}'",
                expected=", ".join(found) if isinstance(found, dict) else "an object",
                remedy="correct the value's key in params.yaml",
            )
        found = found[key]
    if found is None or found != found:
        return ""
    return str(found).lower() if isinstance(found, bool) else str(found)


def _unreadable(name: str, found: str) -> DataError:
    return DataError(
        name,
        f"cannot be read ({found})",
        expected="a table of text, or JSON",
        remedy="correct the file, or the value's file in params.yaml",
    )
