"""The cells of the grid that a report can show, and what the others lack."""

from collections.abc import Sequence
from typing import Any

from pipeline import files
from pipeline.errors import DataError

Plain = dict[str, Any]
Names = tuple[str, str, str]

NEEDED = {
    "not trained": ("runs", "run.json"),
    "without predictions": ("runs", "predictions.parquet"),
    "not evaluated": ("metrics", "metrics.json"),
    "not profiled": ("energy", "energy.json"),
}
"""What a cell must have, the earliest first, and what it is without it."""


def parted(cells: Sequence[Names]) -> tuple[list[Names], list[Plain]]:
    """Part the cells that are complete from those that are not.

    Returns
    -------
    complete : list of (dataset, encoder, model)
    absent : list of dict
        `cell`, its name, and the `reason`.

    Raises
    ------
    DataError
        No cell is complete.
    """
    lacking = {names: _lacks("-".join(names)) for names in cells}
    absent = [
        {"cell": "-".join(names), "reason": reason}
        for names, reason in lacking.items()
        if reason
    ]
    if len(absent) == len(lacking):
        listed = "; ".join(f"{row['cell']} is {row['reason']}" for row in absent[:3])
        raise DataError(
            "the report",
            f"none of the grid's {len(absent)} cells is complete: {listed}"
            if absent
            else "the grid has no cell",
            expected="a cell that is trained, evaluated and profiled",
            remedy="`dvc repro` makes all cells of the grid in params.yaml",
        )
    return [names for names, reason in lacking.items() if not reason], absent


def _lacks(cell: str) -> str:
    for reason, (kind, name) in NEEDED.items():
        if not (files.folder(kind, cell) / name).exists():
            return reason
    return ""
