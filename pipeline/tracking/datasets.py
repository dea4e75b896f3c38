"""A run's data as MLflow's data sets: the raw recordings, and what was made of them.

Each has a digest of its files, a source that `mlflow.data.get_source` reads, a schema
and a profile of counts. Nothing in them names a recording, a file or a person.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import files
from pipeline.origins.origin import Origin
from pipeline.roles import known
from pipeline.tracking.entries import data_digest

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Dataset
    from mlflow.types import Schema

CONTEXT = "mlflow.data.context"


def log_datasets(
    client: "MlflowClient", run_id: str, run: Mapping[str, Any], origin: Origin
) -> None:
    """Log the data that a run was made of; unknown raw files are left out."""
    from mlflow.entities import DatasetInput, InputTag

    found = {"training": encoded(run, origin)}
    if origin.raw:
        found["raw"] = recorded(run, origin)
    inputs = [
        DatasetInput(data, [InputTag(CONTEXT, context)])
        for context, data in found.items()
    ]
    client.log_inputs(run_id, inputs)


def recorded(run: Mapping[str, Any], origin: Origin) -> "Dataset":
    """Describe the raw recordings of a data set, by the digest of their files."""
    dataset = str(run["dataset"])
    place = files.folder("recordings", dataset) / "recordings.parquet"
    columns, profile = dict.fromkeys(["label"], "string"), {"files": len(origin.raw)}
    if place.is_file():
        table = files.load_table(place)
        used = table[table["status"] == "used"]
        channels = json.loads(used["channels"].iloc[0])
        columns = dict.fromkeys(channels, "double") | columns
        profile |= _counted(used)
    stage = f"fetch@{dataset}"
    return _dataset(
        dataset, origin.raw_digest, _source(stage, origin), columns, profile
    )


def _counted(used: pd.DataFrame) -> dict[str, Any]:
    """Count persons, recordings, hours and labels."""
    labels = pd.Series(map(json.loads, used["annotations"])).apply(pd.Series).sum()
    return {
        "persons": int(known(used["subject"]).nunique()),
        "recordings": len(used),
        "hours": round(float(used["duration_s"].sum()) / 3600, 3),
        "sfreq_hz": sorted(used["sfreq"].unique().tolist()),
        "annotations": {str(k): int(n) for k, n in labels.items()},
    }


def encoded(run: Mapping[str, Any], origin: Origin) -> "Dataset":
    """Describe the windows and spikes that networks were trained and tested on."""
    dataset, encoder = str(run["dataset"]), str(run["encoder"])
    name = f"{dataset}-{encoder}"
    folder = files.folder("windows", dataset)
    columns, profile = {"label": "string"}, dict[str, Any]()
    trains = sorted(files.folder("spikes", name).glob("*.h5"))
    if trains:
        with files.open_spikes(trains[0]) as train:
            columns = dict.fromkeys(train.features, "boolean") | columns
            profile["steps_per_s"] = round(1 / train.dt, 6)
    if (folder / "folds.parquet").is_file():
        profile |= _windows(folder)
    stage = f"encode@{name}"
    return _dataset(name, data_digest(run), _source(stage, origin), columns, profile)


def _windows(folder: Path) -> dict[str, Any]:
    """Count the windows of each class that are used, and those of each role."""
    windows = files.load_table(folder / "windows.parquet")
    folds = files.load_table(folder / "folds.parquet")
    used = windows[windows["reason"] == ""]
    roles = folds.groupby(["fold", "role"]).size()
    return {
        "windows": len(used),
        "not_used": len(windows) - len(used),
        "persons": int(known(used["subject"]).nunique()),
        "classes": {str(k): int(n) for k, n in used["label"].value_counts().items()},
        "folds": {
            f"{fold} {role}": int(n)
            for (fold, role), n in zip(roles.index, roles, strict=True)
        },
    }


def _source(stage: str, origin: Origin) -> dict[str, str]:
    """Name the code and the command that make the data."""
    tags = {
        "mlflow.source.type": "PROJECT",
        "mlflow.source.name": f"dvc repro {stage}",
        "mlflow.source.git.commit": origin.commit,
    }
    return {key: text for key, text in tags.items() if text}


def _dataset(
    name: str,
    digest: str,
    source: Mapping[str, str],
    columns: Mapping[str, str],
    profile: Mapping[str, Any],
) -> "Dataset":
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.entities import Dataset

    made = CodeDatasetSource(dict(source))
    return Dataset(
        name,
        digest,
        "code",
        made.to_json(),
        json.dumps({"mlflow_colspec": _schema(columns).to_dict()}),
        files.dump_json(dict(profile)),
    )


def _schema(columns: Mapping[str, str]) -> "Schema":
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(kind, name) for name, kind in columns.items()])
