"""Trained networks leave the house: one file of this folder a format.

A format's file has `SUFFIX` and `export(network, shape, path, about=...)`, which writes
the network or says which layer cannot be written and why.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.components import find
from pipeline.errors import DataError


def export_cell(cell: str, target: str, fold: int | None, path: Path | None) -> Path:
    """Write the trained network of a cell.

    Parameters
    ----------
    cell : str
    target : str
        The format: a file's name in this folder.
    fold : int, optional
        Whose network; the first fold's unless said otherwise.
    path : Path, optional
        `<cell>-fold-<k>` with the format's suffix, here, unless said otherwise.

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
    from pipeline.training.train import load_network, weights_path

    writer = importlib.import_module(f"pipeline.exporting.{target}")
    folder = files.folder("runs", cell)
    run = files.load_json(folder / "run.json")
    fold = _fold(cell, run, fold)
    parts = (_component("network", run), _component("neuron", run))
    weights = weights_path(folder, fold)
    try:
        network, shape = load_network(weights, *parts)
    except RuntimeError as error:
        raise DataError(
            str(weights),
            "does not fit the network that run.json describes",
            remedy=f"dvc repro train@{cell}",
        ) from error
    path = path or Path(f"{cell}-fold-{fold}{writer.SUFFIX}")
    told = {name: run[name] for name in ("labels", "run_key")}
    writer.export(network, shape, path, about={"cell": cell, "fold": fold, **told})
    return path


def _component(kind: str, run: Mapping[str, Any]) -> Any:
    """Rebuild the network or neuron that a run was trained with."""
    settings = dict(run["settings"][kind])
    return find(f"{kind}s", settings.pop("name")).model_validate(settings)


def _fold(cell: str, run: Mapping[str, Any], fold: int | None) -> int:
    """Choose a fold that there is."""
    trained = [int(line["fold"]) for line in run["folds"]]
    if fold is None:
        return trained[0]
    if fold not in trained:
        raise DataError(
            f"{cell}: run.json",
            f"no fold {fold}",
            expected=f"one of {', '.join(map(str, trained))}",
        )
    return fold
