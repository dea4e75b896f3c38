"""A cell's run and its folds' child runs: found, made, and updated with what is new."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import checkout, files
from pipeline.measurement import measured
from pipeline.parallel import console
from pipeline.plots import accesses, dynamics, plasticity
from pipeline.plots.excerpt import of_code
from pipeline.plots.runs import pictures
from pipeline.runs import HEADLINE, flatten
from pipeline.tracking import numbers, report, store, view
from pipeline.tracking.audits import log_audit
from pipeline.tracking.curves import quartiles, snapshots
from pipeline.tracking.entries import (
    data_digest,
    log_curves,
    log_files,
    log_numbers,
    log_params,
    log_pictures,
    set_tags,
)
from pipeline.tracking.model import log_model
from pipeline.tracking.origins import inherit, log_origin
from pipeline.tracking.params import stated, upstream_digest
from pipeline.training.cell import TrainedCell

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

NAMES = "2"
"""The version of the names in MLflow: with new ones all is logged again."""
ENVIRONMENT = {
    "dvc.exp_name": "DVC_EXP_NAME",
    "dvc.baseline_rev": "DVC_EXP_BASELINE_REV",
}


def log(
    client: "MlflowClient", cell: str, run: Mapping[str, Any], kinds: Sequence[str]
) -> None:
    """Log what is not logged yet: training, metrics, energy, audit, model, report.

    MLflow's comparison of runs opens on the metric that was logged first: what is
    certified comes after the scores.
    """
    parent = log_origin(client, open_cell(client, cell, run), run)
    steps = {
        "runs": _log_training,
        "metrics": _log_metrics,
        "energy": _log_energy,
        "audits": log_audit,
    }
    for kind in kinds:
        folder = files.folder(kind, cell)
        here = measured.path(cell, run["run_key"])
        digest = _digest(folder, *([here] if kind == "energy" else []))
        if digest and parent.data.tags.get(f"logged.{kind}") != digest:
            steps[kind](client, parent, folder)
            client.set_tag(parent.info.run_id, f"logged.{kind}", digest)
    if "runs" in kinds:
        log_numbers(client, parent.info.run_id, numbers.of_privacy(run))
        log_model(client, parent, TrainedCell.open(cell))
    report.attach(client, parent)


def open_cell(
    client: "MlflowClient",
    cell: str,
    run: Mapping[str, Any],
    begun_s: float | None = None,
) -> "Run":
    """Find or make a cell's run, in an experiment that shows its cells.

    Parameters
    ----------
    client : MlflowClient
    cell : str
    run : mapping
        What `run.json` has before training; it has `folds` afterwards.
    begun_s : float, optional
        When training began; by default what is known of it.
    """
    experiment = _experiment(client, run["dataset"])
    view.show(client, client.get_experiment(experiment))
    times = measured.load_times(cell, run["run_key"])
    begun_s = times.get("begun_s") if begun_s is None else begun_s
    parent = _find(client, experiment, f"tags.run_key = '{run['run_key']}'")
    parent = parent or _create_cell(client, experiment, cell, run, begun_s)
    _log_settings(client, parent, run)
    return parent


def _experiment(client: "MlflowClient", dataset: str) -> str:
    """Find or make the experiment of a data set; one that was deleted comes back."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(dataset):
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
            console.print(
                f"MLflow: the experiment {dataset} had been deleted; it is back, with "
                "its runs, for results of it are in data/",
                markup=False,
            )
        return str(found.experiment_id)
    place = store.artifacts(dataset)
    try:
        return str(client.create_experiment(dataset, artifact_location=place))
    except MlflowException:
        # Another machine may have made it since; if not, that is the error.
        if found := client.get_experiment_by_name(dataset):
            return str(found.experiment_id)
        raise


def _find(client: "MlflowClient", experiment: str, which: str) -> "Run | None":
    found = client.search_runs([experiment], which, max_results=1)
    return found[0] if found else None


def _create_cell(
    client: "MlflowClient",
    experiment: str,
    cell: str,
    run: Mapping[str, Any],
    begun_s: float | None,
) -> "Run":
    """Make a cell's run; it starts when training did, where that is known."""
    names = {key: run[key] for key in ("dataset", "encoder", "model", "run_key")}
    tags = {**names, "data.digest": data_digest(run), **_circumstances()}
    tags["time.kind"] = "of publication" if begun_s is None else "of training"
    started = milliseconds(begun_s)
    return client.create_run(experiment, started, run_name=cell, tags=tags)


def _log_settings(
    client: "MlflowClient", parent: "Run", run: Mapping[str, Any]
) -> None:
    """Log what shaped the run, apart from making it: a broken-off publish resumes."""
    of_cell = {"kind": view.CELL, "upstream.digest": upstream_digest(run["settings"])}
    if not of_cell.items() <= parent.data.tags.items():
        set_tags(client, parent, of_cell)
    if "logged.settings" not in parent.data.tags:
        log_params(client, parent.info.run_id, stated(run["settings"]))
        client.set_tag(parent.info.run_id, "logged.settings", "yes")


def open_fold(
    client: "MlflowClient", parent: "Run", fold: int, begun_s: float | None = None
) -> str:
    """Find or make the child run of a fold, which began to train then."""
    experiment = parent.info.experiment_id
    which = (
        f"tags.`mlflow.parentRunId` = '{parent.info.run_id}' and tags.fold = '{fold}'"
    )
    if found := _find(client, experiment, which):
        return str(found.info.run_id)
    tags = {"mlflow.parentRunId": parent.info.run_id, "fold": str(fold)}
    tags["kind"] = view.FOLD
    name, started = f"{parent.info.run_name} fold {fold}", milliseconds(begun_s)
    run = client.create_run(experiment, started, run_name=name, tags=tags)
    return str(run.info.run_id)


def milliseconds(seconds: float | None) -> int | None:
    """Convert a time since 1970 to MLflow's; None stays None, which is now."""
    return None if seconds is None else round(1000 * seconds)


def _log_training(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log the learning curves on the folds, the model and its pictures on the cell."""
    run = files.load_json(folder / "run.json")
    times = measured.load_times(folder.name, run["run_key"])
    for summary in run["folds"]:
        _log_fold(client, parent, folder, summary, times)
    tables = dynamics.LEARNED, dynamics.PORTRAITS, *plasticity.TABLES
    log_files(client, parent, folder, "run.json", "history.csv", *tables)
    drawn = pictures(folder)
    log_pictures(client, parent, "dynamics", drawn.dynamics)
    log_pictures(client, parent, "plasticity", drawn.plasticity)
    ended = milliseconds(times.get("ended_s"))
    client.set_terminated(parent.info.run_id, end_time=ended)


def _log_fold(
    client: "MlflowClient",
    parent: "Run",
    folder: Path,
    summary: Mapping[str, Any],
    times: Mapping[str, Any],
) -> None:
    """Log how a fold learned, and what its neurons and synapses were meanwhile."""
    fold = summary["fold"]
    own = times.get("folds", {}).get(str(fold), {})
    child = open_fold(client, parent, fold, own.get("begun_s"))
    inherit(client, parent, child)
    log_numbers(client, child, numbers.of_training(summary))
    history = pd.read_csv(folder / "history.csv")
    curves = history[history["fold"] == fold].drop(columns="fold")
    log_curves(client, child, curves, group="train")
    learned = dynamics.load(folder, dynamics.LEARNED)
    if learned is not None:
        values = learned[learned["fold"] == fold]
        log_curves(client, child, quartiles(values), group="learned")
    local = plasticity.load(folder)
    if local is not None:
        log_curves(client, child, snapshots(local, fold), group="plasticity")
    client.set_terminated(child, end_time=milliseconds(own.get("ended_s")))


def _log_metrics(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log the clinical metrics; folds have point values."""
    metrics = files.load_json(folder / "metrics.json")
    if "encoding" in metrics:
        names = [parent.data.tags[axis] for axis in ("dataset", "encoder")]
        log_pictures(client, parent, "encoding", {"excerpt": of_code(*names)})
    log_numbers(client, parent.info.run_id, numbers.of_metrics(metrics))
    near = {f"clock.{name}": metrics["clock"][name] for name in ("best", "near")}
    set_tags(client, parent, flatten(metrics["interval"], "evaluation.") | near)
    for fold in metrics["folds"]:
        child = open_fold(client, parent, fold["fold"])
        log_numbers(client, child, numbers.of_fold(fold))
    log_files(client, parent, folder, "metrics.json", "subjects.csv", "confusion.csv")


def _log_energy(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log what was counted and estimated and, apart, what this machine measured."""
    bill = files.load_json(folder / "energy.json")
    named = numbers.of_energy(bill)
    if learning := bill.get("learning"):
        drawn = {"accesses": accesses.accesses(learning)}
        log_pictures(client, parent, "plasticity", drawn)
    run_key = parent.data.tags["run_key"]
    if here := measured.load(folder.name, run_key):
        client.log_dict(parent.info.run_id, here, "energy/measured.json")
        set_tags(client, parent, flatten(here.pop("machine", {}), "machine."))
        named |= {f"measured/{k}": v for k, v in flatten(here).items()}
    log_numbers(client, parent.info.run_id, named)
    tags = {"energy.kind": "estimated", "energy.table": HEADLINE}
    set_tags(client, parent, tags)
    log_files(client, parent, folder, "energy.json")


def _circumstances() -> dict[str, str]:
    """List what is known about the stage, the experiment and the code."""
    tags = {tag: os.environ.get(name, "") for tag, name in ENVIRONMENT.items()}
    commit, dirty = checkout.revision()
    if commit:
        tags |= {"git.commit": commit, "git.dirty": str(dirty).lower()}
    return {tag: value for tag, value in tags.items() if value}


def _digest(folder: Path, *others: Path) -> str:
    """Digest what a stage wrote and files beside it; empty if it has not run."""
    names = sorted(path for path in folder.glob("*") if path.is_file())
    every = [*names, *(path for path in others if path.exists())]
    digests = [files.file_digest(path) for path in every]
    return files.inputs_digest(NAMES, digests) if names else ""
