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
from pipeline.runs import HEADLINE, INT8_HEADLINE, flatten, uj_per_window
from pipeline.tracking import store
from pipeline.tracking.curves import quartiles, snapshots
from pipeline.tracking.entries import (
    data_digest,
    label_keys,
    log_curves,
    log_dataset,
    log_files,
    log_numbers,
    log_params,
    log_pictures,
    set_tags,
)
from pipeline.tracking.model import log_model

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ENVIRONMENT = {
    "dvc.exp_name": "DVC_EXP_NAME",
    "dvc.baseline_rev": "DVC_EXP_BASELINE_REV",
}


def log(
    client: "MlflowClient", cell: str, run: Mapping[str, Any], kinds: Sequence[str]
) -> None:
    """Log what is not logged yet: training, metrics, energy."""
    experiment = _experiment(client, run["dataset"])
    parent = _find(client, experiment, f"tags.run_key = '{run['run_key']}'")
    parent = parent or _create_cell(client, experiment, cell, run)
    _log_settings(client, parent, run)
    steps = {"runs": _log_training, "metrics": _log_metrics, "energy": _log_energy}
    for kind in kinds:
        folder = files.folder(kind, cell)
        here = measured.path(cell, run["run_key"])
        digest = _digest(folder, *([here] if kind == "energy" else []))
        if digest and parent.data.tags.get(f"logged.{kind}") != digest:
            steps[kind](client, parent, folder)
            client.set_tag(parent.info.run_id, f"logged.{kind}", digest)


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
    client: "MlflowClient", experiment: str, cell: str, run: Mapping[str, Any]
) -> "Run":
    """Make a cell's run."""
    names = {key: run[key] for key in ("dataset", "encoder", "model", "run_key")}
    tags = {**names, "data.digest": data_digest(run), **_circumstances()}
    return client.create_run(experiment, run_name=cell, tags=tags)


def _log_settings(
    client: "MlflowClient", parent: "Run", run: Mapping[str, Any]
) -> None:
    """Log what shaped the run, apart from making it: a broken-off publish resumes."""
    if "logged.settings" not in parent.data.tags:
        log_params(client, parent.info.run_id, run["settings"])
        log_dataset(client, parent.info.run_id, run)
        client.set_tag(parent.info.run_id, "logged.settings", "yes")


def _fold(client: "MlflowClient", parent: "Run", fold: int) -> str:
    """Find or make the child run of a fold."""
    experiment = parent.info.experiment_id
    which = (
        f"tags.`mlflow.parentRunId` = '{parent.info.run_id}' and tags.fold = '{fold}'"
    )
    if found := _find(client, experiment, which):
        return str(found.info.run_id)
    tags = {"mlflow.parentRunId": parent.info.run_id, "fold": str(fold)}
    name = f"{parent.info.run_name} fold {fold}"
    return str(client.create_run(experiment, run_name=name, tags=tags).info.run_id)


def _log_training(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log the learning curves on the folds, the model and its pictures on the cell."""
    run = files.load_json(folder / "run.json")
    history = pd.read_csv(folder / "history.csv")
    learned = dynamics.load(folder, dynamics.LEARNED)
    local = plasticity.load(folder)
    for summary in run["folds"]:
        child = _fold(client, parent, summary["fold"])
        numbers = {f"train/{k}": v for k, v in flatten(summary).items()}
        log_numbers(client, child, numbers)
        curves = history[history["fold"] == summary["fold"]].drop(columns="fold")
        log_curves(client, child, curves, group="train")
        if learned is not None:
            values = learned[learned["fold"] == summary["fold"]]
            log_curves(client, child, quartiles(values), group="learned")
        if local is not None:
            by_snapshot = snapshots(local, summary["fold"])
            log_curves(client, child, by_snapshot, group="plasticity")
        client.set_terminated(child)
    tables = dynamics.LEARNED, dynamics.PORTRAITS, *plasticity.TABLES
    log_files(client, parent, folder, "run.json", "history.csv", *tables)
    drawn = pictures(folder)
    log_pictures(client, parent, "dynamics", drawn.dynamics)
    log_pictures(client, parent, "plasticity", drawn.plasticity)
    log_model(client, parent, folder, run)
    client.set_terminated(parent.info.run_id)


def _log_metrics(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log the clinical metrics with their intervals; folds have point values."""
    metrics = files.load_json(folder / "metrics.json")
    numbers: dict[str, Any] = {}
    for name in ("balanced_accuracy", "macro_f1", "auroc", "accuracy"):
        numbers |= _with_interval(f"test/{name}", metrics[name])
    keys = label_keys(metrics["classes"])
    for label, row in metrics["classes"].items():
        for name in ("sensitivity", "positive_predictivity", "f1", "auroc"):
            numbers[f"test/{name}.{keys[label]}"] = row[name]["value"]
    for name, estimate in metrics.get("int8", {}).items():
        numbers |= _with_interval(f"test/int8_{name}", estimate)
    numbers |= _without_signal(metrics)
    if summary := metrics.get("encoding"):
        numbers |= _encoding(summary)
        names = [parent.data.tags[axis] for axis in ("dataset", "encoder")]
        log_pictures(client, parent, "encoding", {"excerpt": of_code(*names)})
    log_numbers(client, parent.info.run_id, numbers)
    near = {f"clock.{name}": metrics["clock"][name] for name in ("best", "near")}
    set_tags(client, parent, flatten(metrics["interval"], "evaluation.") | near)
    for fold in metrics["folds"]:
        values = {f"test/{k}": v for k, v in fold.items() if k != "fold"}
        log_numbers(client, _fold(client, parent, fold["fold"]), values)
    log_files(client, parent, folder, "metrics.json", "subjects.csv", "confusion.csv")


def _encoding(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Name what the code costs and keeps."""
    counted = {key: each for key, each in summary.items() if key != "snr_absent"}
    return {f"encoding/{key}": each for key, each in flatten(counted).items()}


def _without_signal(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Name what needs no signal: the prior, the clock, and the lead over the clock."""
    clock = metrics["clock"]
    numbers = {"test/prior_balanced_accuracy": metrics["prior"]["value"]}
    for name, estimate in clock.items():
        if isinstance(estimate, Mapping):
            numbers |= _with_interval(f"test/clock_{name}_balanced_accuracy", estimate)
    lead = {f"test/clock_{name}": clock[name] for name in ("difference", "p")}
    return numbers | lead


def _with_interval(name: str, estimate: Mapping[str, Any]) -> dict[str, Any]:
    ends = {"": "value", ".ci_low": "low", ".ci_high": "high"}
    return {f"{name}{suffix}": estimate[key] for suffix, key in ends.items()}


def _log_energy(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log what was counted and estimated and, apart, what this machine measured."""
    bill = files.load_json(folder / "energy.json")
    counted = bill["counted"]
    numbers = {f"synops/{k}": v for k, v in (counted | counted["per_window"]).items()}
    numbers["energy/uj_per_window"] = uj_per_window(bill)
    numbers |= _integers(bill)
    if learning := bill.get("learning"):
        numbers |= _words(learning)
        drawn = {"accesses": accesses.accesses(learning)}
        log_pictures(client, parent, "plasticity", drawn)
    run_key = parent.data.tags["run_key"]
    if here := measured.load(folder.name, run_key):
        client.log_dict(parent.info.run_id, here, "energy/measured.json")
        set_tags(client, parent, flatten(here.pop("machine"), "machine."))
        numbers |= {f"measured/{k}": v for k, v in flatten(here).items()}
    log_numbers(client, parent.info.run_id, numbers)
    tags = {"energy.kind": "estimated", "energy.table": HEADLINE}
    set_tags(client, parent, tags)
    log_files(client, parent, folder, "energy.json")


def _integers(bill: Mapping[str, Any]) -> dict[str, Any]:
    """Name the metrics of the network in integers, and of every cost table."""
    int8 = bill["int8"]
    numbers = {
        f"energy/{name}": table.get("energy_uj_per_window")
        for part in (bill, int8)
        for name, table in part.get("estimated", {}).items()
    }
    numbers["energy/int8_uj_per_window"] = numbers.get(f"energy/{INT8_HEADLINE}")
    if "counted" in int8:
        counted = int8["counted"] | int8["counted"]["per_window"]
        numbers |= {f"synops_int8/{k}": v for k, v in counted.items()}
    if duty := bill.get("duty"):
        names = ("windows_per_s", "average_w", "battery_days")
        numbers |= {f"duty/{name}": duty[name] for name in names}
    if cut := bill.get("cutoff"):
        spent = cut["estimated"]["with"].get(INT8_HEADLINE, {})
        numbers |= {
            "cutoff/steps_share": cut["steps_share"],
            "cutoff/balanced_accuracy": cut["balanced_accuracy"]["with"],
            "cutoff/int8_uj_per_window": spent.get("energy_uj_per_window"),
        }
    return numbers


def _words(learning: Mapping[str, Any]) -> dict[str, float]:
    """Name the words that a step of learning touches, by scheme and kind."""
    return {
        f"learning/{scheme}.{kind}": counted[kind]
        for scheme, counted in learning["per_step"].items()
        for kind in accesses.WORDS
        if kind in counted
    }


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
    return files.inputs_digest([files.file_digest(p) for p in every]) if names else ""
