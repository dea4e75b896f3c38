"""Tables as parquet, and as CSV for people."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.files import schema as _schema
from pipeline.files.places import replacing

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile(r"[=@\t\r]|[+-](?!\d*\.?\d*(e[+-]?\d+)?$)", re.IGNORECASE)


def save_table(path: Path, table: "pd.DataFrame") -> None:
    """Write a table as parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {
        **(arrow.schema.metadata or {}),
        b"schema": str(_schema.SCHEMA).encode(),
    }
    with replacing(path) as partial:
        pq.write_table(arrow.replace_schema_metadata(metadata), partial)


def load_table(path: Path) -> "pd.DataFrame":
    """Read a parquet table of this schema."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _schema.reading(path, OSError, ValueError, pa.ArrowException):
        arrow = pq.read_table(path)
        _schema.check(path, int((arrow.schema.metadata or {}).get(b"schema", 0)))
        frame: pd.DataFrame = arrow.to_pandas()
        return frame


def save_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV, for curves that DVC and people read."""
    with replacing(path) as partial:
        partial.write_text(csv_text(table), encoding="utf-8")


def csv_text(table: "pd.DataFrame") -> str:
    """Give a table as CSV; texts that a spreadsheet takes for formulas begin with `'`.

    Numbers have six digits that count.
    """
    table = table.rename(columns=_no_formula)
    for column in table.select_dtypes(["object", "string"]):
        table[column] = table[column].map(_no_formula)
    text: str = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    return text


def _no_formula(value: Any) -> Any:
    is_formula = isinstance(value, str) and FORMULA.match(value)
    return f"'{value}" if is_formula else value
