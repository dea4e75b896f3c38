"""The tables that `dvc plots` draws: one a kind of plot, with all cells in it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import files
from pipeline.report import findings

Cells = Sequence[Mapping[str, Any]]


def write(cells: Cells, folder: Path) -> None:
    """Write the tables of the cells: their columns are those that `dvc.yaml` names."""
    for name, rows in TABLES.items():
        files.save_csv(folder / f"{name}.csv", rows(cells))


def learning(cells: Cells) -> pd.DataFrame:
    """Tabulate the validation after every epoch of every fold."""
    columns = ["fold", "epoch", "validation_balanced_accuracy"]
    return _of_all(cells, lambda name: findings.history(name)[columns])


def confusion(cells: Cells) -> pd.DataFrame:
    """Tabulate which share of a class's windows is predicted as which class."""
    return _of_all(cells, _shares)


def _shares(cell: str) -> pd.DataFrame:
    table = pd.read_csv(files.folder("metrics", cell) / "confusion.csv")
    sums = table.groupby("label")["windows"].transform("sum")
    return table.assign(share=(table["windows"] / sums.clip(lower=1)).round(4))


def energy(cells: Cells) -> pd.DataFrame:
    """Tabulate accuracy and energy of the cells that have both."""
    rows = [
        {
            "cell": cell["cell"],
            "dataset": cell["dataset"],
            "model": cell["model"],
            "balanced_accuracy": cell["metrics"]["balanced_accuracy"]["value"],
            "uj_per_window": cell["uj_per_window"],
        }
        for cell in cells
    ]
    return pd.DataFrame(rows).dropna()


def _of_all(cells: Cells, of: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of cells below each other."""
    names = [cell["cell"] for cell in cells]
    return pd.concat([of(name).assign(cell=name) for name in names])


TABLES: dict[str, Callable[[Cells], pd.DataFrame]] = {
    "learning": learning,
    "confusion": confusion,
    "energy": energy,
}
"""How each table of the folder `plots` is made."""
