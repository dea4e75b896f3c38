"""What an audit starts from: a trained cell that is what its code and files make."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import entries, files, seeds
from pipeline.config import Params
from pipeline.errors import DataError
from pipeline.privacy.membership import Membership, divide, fold_table
from pipeline.privacy.settings import AuditSettings
from pipeline.training.cell import TrainedCell
from pipeline.training.privacy_settings import PrivacySettings
from pipeline.training.settings import SparsitySettings, TrainingSettings
from pipeline.training.task import Task


def check_current(cell: TrainedCell) -> None:
    """Refuse a run that its code and files would not make today.

    Raises
    ------
    DataError
        The code of its training has changed since, or a file that it was made of.
    """
    names = _names(cell)
    own = entries.code_path("train", names).as_posix()
    remedy = f"run `dvc repro train@{cell.name}`"
    inputs: dict[str, str] = dict(cell.run["inputs"])
    if inputs.pop(own, None) != code_digest(cell, "train"):
        raise DataError(
            str(cell.folder / "run.json"),
            "the code that trains has changed since this run was made",
            expected="a run of today's code: the audit trains networks like its own",
            remedy=remedy,
        )
    for place, digest in inputs.items():
        path = Path(place)
        if not path.is_file() or files.file_digest(path) != digest:
            raise DataError(
                place,
                "has changed since the run was made" if path.exists() else "is missing",
                expected=f"the file that {cell.name} was trained on",
                remedy=remedy,
            )


def code_digest(cell: TrainedCell, stage: str) -> str:
    """Compute the digest of a stage's code with the components of a cell."""
    settings = cell.run["settings"]
    chosen = {part: settings[part] for part in ("network", "neuron")}
    sections = {
        "encoders": {cell.run["encoder"]: settings["encoder"]},
        "models": {cell.run["model"]: chosen},
    }
    described = entries.describe(Params(sections), stage, _names(cell))
    with tempfile.TemporaryDirectory(prefix="biospike-") as folder:
        path = Path(folder) / "code.json"
        files.save_json(path, described)
        return files.file_digest(path)


def _names(cell: TrainedCell) -> dict[str, str]:
    return {axis: cell.run[axis] for axis in entries.AXES}


def usable_windows(cell: TrainedCell) -> pd.DataFrame:
    """List the decisions that the cell's folds use, by number."""
    folds = files.load_table(cell.windows / "folds.parquet")
    used = cell.table["window"].isin(folds["window"])
    return cell.table[used].sort_values("window", ignore_index=True)


def divided(
    cell: TrainedCell, windows: pd.DataFrame, settings: AuditSettings
) -> Membership:
    """Decide on whom each network is trained; equal seeds give equal divisions."""
    rng = seeds.generator(cell.run["settings"]["seed"], "audit", cell.dataset)
    return divide(windows, settings.models, rng)


def audit_task(
    cell: TrainedCell, windows: pd.DataFrame, membership: Membership
) -> Task:
    """Describe what the networks of an audit are trained on."""
    settings: dict[str, Any] = cell.run["settings"]
    parts = files.load_json(cell.spikes / "settings.json")["parts"]
    return Task(
        name=f"audit of {cell.name}",
        spikes=cell.spikes,
        windows=windows,
        folds=fold_table(windows, membership),
        labels=cell.labels,
        network=cell.network,  # type: ignore[arg-type]
        neuron=cell.neuron,
        settings=TrainingSettings(**settings["training"]),
        seed=settings["seed"],
        inputs={"run": cell.run["run_key"]},
        sparsity=SparsitySettings(**settings["sparsity"]),
        privacy=PrivacySettings(**settings.get("privacy", {})),
        memory_s=cell.memory_s,
        parts=tuple((name, n_features) for name, n_features in parts),
    )
