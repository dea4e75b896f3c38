"""Export of trained networks: one module of this package for each format.

`base.py` states what a format does.
"""

from pathlib import Path

from pipeline.components import find
from pipeline.exporting.base import Exporter
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
    exporter = find("exporting", target)()
    assert isinstance(exporter, Exporter)
    trained = TrainedCell.open(cell).fold(fold)
    path = path or Path(f"{cell}-fold-{trained.number}{exporter.suffix}")
    exporter.export(trained, path)
    return path
