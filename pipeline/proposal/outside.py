"""Labels that stand outside the recordings: in file names and tables beside them."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from pipeline.errors import DataError
from pipeline.ingestion.sidecars import read_table
from pipeline.proposal import common
from pipeline.proposal.facts import Labels
from pipeline.proposal.naming import Naming

GROUP = re.compile(r"(?i)(group|diagnosis|label|class|condition|dx|patient_?group)")
TABLES = re.compile(
    r"(?i)(participants|subjects?|patients|labels|groups)[\w-]*\.(tsv|csv)"
)
MOST_RUNS = 10


def outside(
    folder: Path, names: Sequence[str], naming: Naming, asked: str | None
) -> list[Labels]:
    """List the labels that tables beside the recordings and file names can give.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        All files of it.
    naming : Naming
        The pattern that the recordings fit.
    asked : str or None
        The place that the user names: `sidecar:FILE:COLUMN` may be any table.
    """
    return [*_tables(folder, names, asked or ""), *_fields(naming)]


def _tables(folder: Path, names: Sequence[str], asked: str) -> list[Labels]:
    found: list[Labels] = []
    for name in names:
        key = asked.removeprefix(f"sidecar:{name}:")
        usual = TABLES.fullmatch(PurePosixPath(name).name)
        if (usual or key != asked) and (folder / name).is_file():
            try:
                found += _columns(name, read_table(folder / name, name), key)
            except DataError:
                continue
    return found


def _columns(name: str, table: pd.DataFrame, asked: str) -> list[Labels]:
    """Propose the columns that are called a group or the like, or are asked for."""
    rows = table.astype(str)
    header = [str(text) for text in rows.iloc[0]] if len(rows) else []
    found: list[Labels] = []
    for place, key in enumerate(header):
        if key == asked or GROUP.fullmatch(key):
            texts = [[text] for text in rows.iloc[1:, place] if text.strip()]
            value = {"from": "sidecar", "file": name, "key": key}
            where, what = f"sidecar:{name}:{key}", f"column {key} of {name}"
            found += common.texts(where, value, texts, "recording", what)
    return found


def _fields(naming: Naming) -> list[Labels]:
    """Propose fields of the names with few values, which most persons have."""
    found: list[Labels] = []
    for key in dict.fromkeys(key for fields in naming.fields for key in fields):
        values = naming.values(key)
        if key in ("subject", "session") or not 2 <= len(values) <= MOST_RUNS:
            continue
        texts = [[value] for value in values]
        where, what = f"field:{key}", f"{key} in the file names"
        value = {"from": "field", "key": key}
        for each in common.texts(where, value, texts, "recording", what):
            words = key not in ("run", "part", "piece") or not values[0].isdigit()
            found.append(
                Labels(each.where, value, each.classes, "recording", each.why, words)
            )
    return found
