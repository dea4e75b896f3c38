"""MLflow as a view of the files: one run a cell, one child run a fold.

Nothing is kept in MLflow that the files do not hold. `publish` finds a cell's run by
its `run_key`, or makes it, and logs whatever files exist and are not logged yet; so
train, evaluate and profile meet in one run, and repeating adds nothing.

`MLFLOW_TRACKING_URI` names the store; without it, it is SQLite in the checkout.
`BIOSPIKE_TRACKING=off` turns tracking off.
"""

import logging
import os
import re
import subprocess
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import files
from pipeline.parallel import console
from pipeline.runs import HEADLINE, flatten, uj_per_window

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LONGEST_PARAM = 6000
SERVING_PACKAGES = (
    "h5py",
    "jaxtyping",
    "joblib",
    "mlflow",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "rich",
    "safetensors",
    "snntorch",
    "torch",
)
ENVIRONMENT = {
    "dvc.stage": "DVC_STAGE",
    "dvc.exp_name": "DVC_EXP_NAME",
    "dvc.baseline_rev": "DVC_EXP_BASELINE_REV",
}


def publish(cell: str) -> bool:
    """Log a cell's files to its MLflow run.

    A store that does not answer costs no result: it is told, and the next `publish`
    catches up.

    Parameters
    ----------
    cell : str
        Name of the cell: its folder below `data/runs`.

    Returns
    -------
    published : bool
        False if tracking is off or the store did not answer.

    Raises
    ------
    DataError
        The cell has not been trained.
    """
    if os.environ.get("BIOSPIKE_TRACKING", "").lower() == "off":
        return False
    run = files.load_json(files.folder("runs", cell) / "run.json")
    _quieten()
    # What MLflow warns about is its own code, not the user's doing.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _publish(cell, run)


def _publish(cell: str, run: Mapping[str, Any]) -> bool:
    from filelock import FileLock
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    # The first process to open a new SQLite store makes its tables: one at a time.
    try:
        with FileLock(_home() / "mlflow.db.lock", timeout=120):
            _log(MlflowClient(store_uri()), cell, run)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        console.print(
            f"MLflow: {cell} is not logged ({reason}). Its files are complete; "
            "`biospike publish` logs them later.",
            markup=False,
        )
        return False
    return True


def store_uri() -> str:
    """Name the tracking store."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{_home() / 'mlflow.db'}"


def _home() -> Path:
    """Find the checkout; `dvc exp run --temp` works in a copy of it."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def _quieten() -> None:
    """Nothing phones home, nothing waits long for a dead server, no chatter."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _log(client: "MlflowClient", cell: str, run: Mapping[str, Any]) -> None:
    """Log what is not logged yet: training, metrics, energy."""
    experiment = _experiment(client, run["dataset"])
    parent = _find(client, experiment, f"tags.run_key = '{run['run_key']}'")
    parent = parent or _create_cell(client, experiment, cell, run)
    steps = {"runs": _log_training, "metrics": _log_metrics, "energy": _log_energy}
    for kind, log in steps.items():
        folder = files.folder(kind, cell)
        digest = _digest(folder)
        if digest and parent.data.tags.get(f"logged.{kind}") != digest:
            log(client, parent, folder)
            client.set_tag(parent.info.run_id, f"logged.{kind}", digest)


def _experiment(client: "MlflowClient", dataset: str) -> str:
    """Find or make the experiment of a data set."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(dataset):
        return str(found.experiment_id)
    served = store_uri().startswith("http")
    place = None if served else (_home() / "mlartifacts" / dataset).as_uri()
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
    """Make a cell's run with the settings that shaped it."""
    from mlflow.entities import Param

    names = {key: run[key] for key in ("dataset", "encoder", "model", "run_key")}
    tags = {**names, "data.digest": _data_digest(run), **_circumstances()}
    made = client.create_run(experiment, run_name=cell, tags=tags)
    flat = flatten(run["settings"])
    params = [Param(k, _text(v)[:LONGEST_PARAM]) for k, v in sorted(flat.items())]
    for start in range(0, len(params), 100):
        client.log_batch(made.info.run_id, params=params[start : start + 100])
    _log_dataset(client, made.info.run_id, run)
    return made


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
    """Log the learning curves on the folds, the model on the cell."""
    run = files.load_json(folder / "run.json")
    history = pd.read_csv(folder / "history.csv")
    for summary in run["folds"]:
        child = _fold(client, parent, summary["fold"])
        _log_numbers(client, child, {f"train/{k}": v for k, v in summary.items()})
        curves = history[history["fold"] == summary["fold"]].drop(columns="fold")
        _log_curves(client, child, curves)
        client.set_terminated(child)
    _log_files(client, parent, folder, "run.json", "history.csv")
    _log_model(parent, folder, run)
    client.set_terminated(parent.info.run_id)


def _log_metrics(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log the clinical metrics with their intervals; folds have point values."""
    metrics = files.load_json(folder / "metrics.json")
    numbers: dict[str, Any] = {}
    for name in ("balanced_accuracy", "macro_f1", "auroc", "accuracy"):
        numbers |= _with_interval(f"test/{name}", metrics[name])
    for label, row in metrics["classes"].items():
        for name in ("sensitivity", "positive_predictivity", "f1", "auroc"):
            numbers[f"test/{name}.{label}"] = row[name]["value"]
    _log_numbers(client, parent.info.run_id, numbers)
    _set_tags(client, parent, flatten(metrics["interval"], "evaluation."))
    for fold in metrics["folds"]:
        values = {f"test/{k}": v for k, v in fold.items() if k != "fold"}
        _log_numbers(client, _fold(client, parent, fold["fold"]), values)
    _log_files(client, parent, folder, "metrics.json", "subjects.csv", "confusion.csv")


def _with_interval(name: str, estimate: Mapping[str, Any]) -> dict[str, Any]:
    ends = {"": "value", ".ci_low": "low", ".ci_high": "high"}
    return {f"{name}{suffix}": estimate[key] for suffix, key in ends.items()}


def _log_energy(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log what was counted and estimated and, apart, what this machine measured."""
    bill = files.load_json(folder / "energy.json")
    counted = bill["counted"]
    numbers = {f"synops/{k}": v for k, v in (counted | counted["per_window"]).items()}
    numbers["energy/uj_per_window"] = uj_per_window(bill)
    if (folder / "measured.json").exists():
        measured = files.load_json(folder / "measured.json")
        _set_tags(client, parent, flatten(measured.pop("machine"), "machine."))
        numbers |= {f"measured/{k}": v for k, v in flatten(measured).items()}
    _log_numbers(client, parent.info.run_id, numbers)
    tags = {"energy.kind": "estimated", "energy.table": HEADLINE}
    _set_tags(client, parent, tags)
    _log_files(client, parent, folder, "energy.json", "measured.json")


def _log_curves(client: "MlflowClient", run_id: str, curves: pd.DataFrame) -> None:
    """Log a fold's epochs; what an epoch lacks is left out."""
    from mlflow.entities import Metric

    now = _now()
    points = curves.melt(id_vars="epoch").dropna(subset="value")
    metrics = [
        Metric(f"train/{name}", float(value), now, int(epoch))
        for epoch, name, value in points.itertuples(index=False)
    ]
    for start in range(0, len(metrics), 1000):
        client.log_batch(run_id, metrics=metrics[start : start + 1000])


def _log_numbers(
    client: "MlflowClient", run_id: str, numbers: Mapping[str, Any]
) -> None:
    """Log what is a number; what is absent stays absent."""
    from mlflow.entities import Metric

    now = _now()
    metrics = [
        Metric(_allowed(name), float(value), now, 0)
        for name, value in numbers.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    client.log_batch(run_id, metrics=metrics)


def _set_tags(client: "MlflowClient", parent: "Run", tags: Mapping[str, Any]) -> None:
    from mlflow.entities import RunTag

    every = [RunTag(_allowed(key), _text(value)) for key, value in tags.items()]
    client.log_batch(parent.info.run_id, tags=every)


def _log_files(
    client: "MlflowClient", parent: "Run", folder: Path, *names: str
) -> None:
    for name in names:
        if (folder / name).exists():
            client.log_artifact(
                parent.info.run_id, str(folder / name), folder.parent.name
            )


def _log_dataset(client: "MlflowClient", run_id: str, run: Mapping[str, Any]) -> None:
    """Say which data the run was made of."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = files.dump_json({"files": run["inputs"]})
    data = Dataset(run["dataset"], _data_digest(run), "dvc", source[:LONGEST_PARAM])
    client.log_inputs(
        run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])]
    )


def _log_model(parent: "Run", folder: Path, run: Mapping[str, Any]) -> None:
    """Log the model as code, settings and safetensors: nothing in it is pickled."""
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    weights = sorted(folder.glob("fold-*.safetensors"))
    shape = files.load_weights(weights[0])[1]["shape"]
    window = (-1, shape["n_steps"], shape["n_features"])
    single = np.dtype(np.float32)
    here = Path(__file__).parent
    mlflow.set_tracking_uri(store_uri())
    with mlflow.start_run(run_id=parent.info.run_id):
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(here / "serving.py"),
            code_paths=[str(here)],
            artifacts={
                "run": str(folder / "run.json"),
                **{path.stem: str(path) for path in weights},
            },
            signature=ModelSignature(
                Schema([TensorSpec(single, window)]),
                Schema([TensorSpec(single, (-1, shape["n_classes"]))]),
                ParamSchema(
                    [ParamSpec("fold", DataType.long, run["folds"][0]["fold"])]
                ),
            ),
            input_example=np.zeros((1, *window[1:]), dtype=np.float32),
            pip_requirements=_requirements(),
        )


def _requirements() -> list[str]:
    """Pin what the model code imports."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in SERVING_PACKAGES]


def _circumstances() -> dict[str, str]:
    """Say what is known about the stage, the experiment and the code."""
    tags = {tag: os.environ.get(name, "") for tag, name in ENVIRONMENT.items()}
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    if commit:
        tags |= {"git.commit": commit, "git.dirty": str(bool(changes)).lower()}
    return {tag: value for tag, value in tags.items() if value}


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def _data_digest(run: Mapping[str, Any]) -> str:
    """Digest the input files' digests, as short as MLflow wants it."""
    return files.inputs_digest(dict(run["inputs"]))[:32]


def _digest(folder: Path) -> str:
    """Digest what a stage wrote; empty if it has not run."""
    names = sorted(path for path in folder.glob("*") if path.is_file())
    return files.inputs_digest([files.file_digest(p) for p in names]) if names else ""


def _allowed(name: str) -> str:
    """Replace what MLflow refuses in a name."""
    return re.sub(r"[^\w\-./ ]", "_", name)


def _text(value: object) -> str:
    return value if isinstance(value, str) else files.dump_json(value)


def _now() -> int:
    return time.time_ns() // 1_000_000
