"""Files that may identify the person: the kinds of their fields, never the values.

Ingest builds recordings anew without any of these; a copy of the raw files holds them.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.readers.base import Reader
from pipeline.readers.parts.identity import Kinds, beginning, kinds_of

TABLES = (".csv", ".tsv", ".json")
OF_SIGNALS = ("channels", "electrodes", "events", "coordsystem", "description")
"""Last words of the names of BIDS files that describe no person."""


def of_recording(
    reader: Reader, folder: Path, names: Sequence[str]
) -> dict[str, Kinds]:
    """Look into the headers of a recording's files.

    Parameters
    ----------
    reader : Reader
        Of their format.
    folder : Path
    names : sequence of str
        Paths of the files in it.

    Returns
    -------
    kinds : dict of str to tuple of str
        By file, the kinds of fields that are filled; only files that have any.
    """
    found = {}
    for name in names:
        if kinds := reader.identifying(folder / name):
            found[name] = tuple(dict.fromkeys(kinds))
    return found


def of_tables(folder: Path, names: Iterable[str]) -> dict[str, Kinds]:
    """Look at the columns of the tables, and at the keys of JSON files.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        Paths of all files of the data set.
    """
    found = {}
    for name in sorted(names):
        path = PurePosixPath(name)
        suffix = path.stem.rpartition("_")[2]
        if path.suffix.lower() not in TABLES or suffix in OF_SIGNALS:
            continue
        if kinds := kinds_of(_columns(folder / name)):
            found[name] = kinds
    return found


def _columns(path: Path) -> list[str]:
    """List the columns of a table, or the keys of a JSON object."""
    text = beginning(path)
    if path.suffix.lower() == ".json":
        return re.findall(r'"(\w+)"\s*:\s*+(?!""|null)', text)
    first = text.partition("\n")[0]
    try:
        dialect: Any = csv.Sniffer().sniff(first, ",;\t")
    except csv.Error:
        dialect = csv.excel
    return next(csv.reader([first], dialect), [])
