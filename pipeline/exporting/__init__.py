"""Export of trained networks: one module of this package for each format.

A format's module has `SUFFIX` and `export(trained, path)`, which writes the network of
a cell, or names the layer that cannot be written and the reason.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.errors import DataError
from pipeline.runs import chosen

if TYPE_CHECKING:
    from torch import nn

    from pipeline.networks.base import Shape


@dataclass(frozen=True)
class Trained:
    """The trained network of one fold of a cell.

    Parameters
    ----------
    cell : str
    fold : int
    run : mapping
        As `run.json` has it.
    network : nn.Module
        Maps spikes (time, batch, feature) to logits.
    shape : Shape
        Its windows.
    folder : Path
        Holds the run's files.
    """

    cell: str
    fold: int
    run: Mapping[str, Any]
    network: "nn.Module"
    shape: "Shape"
    folder: Path

    @property
    def about(self) -> dict[str, Any]:
        """The origin of a network, as an exported file states it."""
        named = {name: self.run[name] for name in ("labels", "run_key")}
        return {"cell": self.cell, "fold": self.fold, **named}


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
    trained = load_trained(cell, fold)
    path = path or Path(f"{cell}-fold-{trained.fold}{writer.SUFFIX}")
    writer.export(trained, path)
    return path


def load_trained(cell: str, fold: int | None = None) -> Trained:
    """Load the trained network of a cell; default: the first fold.

    Raises
    ------
    DataError
        The cell has no such trained network.
    """
    from pipeline.training.trained import load_network, weights_path

    folder = files.folder("runs", cell)
    run = files.load_json(folder / "run.json")
    fold = _fold(cell, run, fold)
    parts = (chosen(run, "network"), chosen(run, "neuron"))
    weights = weights_path(folder, fold)
    try:
        network, shape = load_network(weights, *parts)
    except RuntimeError as error:
        raise DataError(
            str(weights),
            "does not fit the network that run.json describes",
            expected="weights of the same settings",
            remedy=f"train it again: `dvc repro -s -f train@{cell}`",
        ) from error
    return Trained(cell, fold, run, network, shape, folder)


def _fold(cell: str, run: Mapping[str, Any], fold: int | None) -> int:
    """Check the fold; default: the first."""
    trained = [int(line["fold"]) for line in run["folds"]]
    if fold is None:
        return trained[0]
    if fold not in trained:
        raise DataError(
            f"{cell}: run.json",
            f"no fold {fold}",
            expected=f"one of {', '.join(map(str, trained))}",
            remedy="choose another with --fold",
        )
    return fold
