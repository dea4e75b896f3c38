"""Export of trained networks: one module of this package for each format.

A format's module has `SUFFIX` and `export(trained, path)`, which writes the network of
a cell, or names the layer that cannot be written and the reason.
"""

import importlib
from pathlib import Path

from pipeline.training.cell import TrainedCell


def export_cell(cell: str, target: str, fold: int | None, path: Path | None) -> Path:
    """Write the trained network of a cell.

    Parameters
    ----------
    cell : str
    target : str
        The format: a file's name in this folder.
    fold : int, optional
        Default: the first fold.
    path : Path, optional
        By default `<cell>-fold-<k>` with the format's suffix, here.

    Returns
    -------
    path : Path

    Raises
    ------
    DataError
        The cell has no such trained network.
    PipelineError
        The format cannot express it.
    """
    writer = importlib.import_module(f"pipeline.exporting.{target}")
    trained = TrainedCell.open(cell).fold(fold)
    path = path or Path(f"{cell}-fold-{trained.number}{writer.SUFFIX}")
    writer.export(trained, path)
    return path
