"""Figures of the weights that a cell's synapses learned without labels.

A cell that does not learn locally has none of the three tables, and no picture.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline import files
from pipeline.plots.fields import receptive_fields
from pipeline.plots.homeostasis import homeostasis
from pipeline.plots.style import Picture
from pipeline.plots.weights import weights_over_time

TABLES = ("weights.parquet", "units.parquet", "fields.parquet")


class Tables(NamedTuple):
    """The tables of local learning in a run's folder."""

    weights: pd.DataFrame
    units: pd.DataFrame
    fields: pd.DataFrame


def load(folder: Path) -> Tables | None:
    """Read the three tables of a run's folder; None if it has none of them.

    Raises
    ------
    DataError
        Some are there, not all.
    """
    paths = [folder / name for name in TABLES]
    if not any(path.exists() for path in paths):
        return None
    return Tables(*map(files.load_table, paths))


def of_run(folder: Path) -> dict[str, Picture]:
    """Draw what a cell's synapses learned; nothing if they learn otherwise.

    Parameters
    ----------
    folder : Path
        The cell's run.

    Returns
    -------
    pictures : dict of str to Picture
        `fields`, `weights` and `homeostasis`, or none.
    """
    tables = load(folder)
    return pictures(tables) if tables else {}


def pictures(tables: Tables) -> dict[str, Picture]:
    """Draw what the three tables hold."""
    return {
        "fields": receptive_fields(tables.fields, tables.units),
        "weights": weights_over_time(tables.weights),
        "homeostasis": homeostasis(tables.units),
    }
