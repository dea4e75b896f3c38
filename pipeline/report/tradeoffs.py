"""The figures of accuracy against energy, for the page."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline import files
from pipeline.plots.style import Picture
from pipeline.plots.tradeoff import tradeoff
from pipeline.report import device
from pipeline.runs import INT8_HEADLINE

Plain = dict[str, Any]


def of_cells(cells: Sequence[Plain]) -> Picture | None:
    """Draw what accuracy the energy of the cells' int8 networks buys.

    Returns
    -------
    picture : Picture or None
        None if fewer than two cells have both.
    """
    rows = [
        {
            "name": device.title(cell),
            "energy_uj": device.estimates(cell)[INT8_HEADLINE],
            "balanced_accuracy": accuracy["value"],
            "low": accuracy["low"],
            "high": accuracy["high"],
        }
        for cell in cells
        if INT8_HEADLINE in device.estimates(cell)
        for accuracy in [cell["metrics"]["int8"]["balanced_accuracy"]]
        if accuracy["value"] is not None
    ]
    return tradeoff(pd.DataFrame(rows)) if len(rows) > 1 else None


def shown(dataset: str) -> Picture | None:
    """Give the figure of all runs of a data set, if `biospike tradeoff` drew one."""
    path = files.folder("tradeoffs", f"{dataset}.svg")  # no stage depends on it
    if not path.exists():
        return None
    alt = f"Balanced accuracy against estimated energy of runs on {dataset}"
    table = path.with_suffix(".csv").read_text(encoding="utf-8")
    return Picture(path.read_text(encoding="utf-8"), alt, table)
