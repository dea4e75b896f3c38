"""What MLflow receives, in its own terms: numbers, curves, tags, files, data."""

import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import files
from pipeline.plots.style import Picture

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LONGEST_PARAM = 6000
LONGEST_LABEL = 100
KEPT = "logged.files"
"""Tags a run with the digest of the files that it keeps."""


def log_params(
    client: "MlflowClient", run_id: str, settings: Mapping[str, Any]
) -> None:
    """Log settings, flat, by the hundred."""
    from mlflow.entities import Param

    every = sorted(settings.items())
    params = [Param(key, _text(value)[:LONGEST_PARAM]) for key, value in every]
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100])


def log_curves(
    client: "MlflowClient", run_id: str, curves: pd.DataFrame, *, group: str
) -> None:
    """Log a fold's epochs, a column a curve; what an epoch lacks is left out.

    Their time is that of the run's start, so that MLflow knows a point that a publish
    which broke off had logged.
    """
    from mlflow.entities import Metric

    now = client.get_run(run_id).info.start_time
    points = curves.melt(id_vars="epoch").dropna(subset="value")
    metrics = [
        Metric(_allowed(f"{group}/{name}"), float(value), now, int(epoch))
        for epoch, name, value in points.itertuples(index=False)
    ]
    for start in range(0, len(metrics), 1000):
        client.log_batch(run_id, metrics=metrics[start : start + 1000])


def log_numbers(
    client: "MlflowClient", run_id: str, numbers: Mapping[str, Any]
) -> None:
    """Log what is a number and not logged yet; what is absent stays absent."""
    from mlflow.entities import Metric

    now = _now()
    known = client.get_run(run_id).data.metrics
    metrics = [
        Metric(_allowed(name), float(value), now, 0)
        for name, value in numbers.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    news = [each for each in metrics if known.get(each.key) != each.value]
    client.log_batch(run_id, metrics=news)


def set_tags(client: "MlflowClient", parent: "Run", tags: Mapping[str, Any]) -> None:
    """Tag a run."""
    from mlflow.entities import RunTag

    every = [RunTag(_allowed(key), _text(value)) for key, value in tags.items()]
    client.log_batch(parent.info.run_id, tags=every)


def log_files(client: "MlflowClient", parent: "Run", folder: Path, *names: str) -> None:
    """Keep those of a folder's files that exist, below the folder's kind."""
    for name in names:
        if (folder / name).exists():
            client.log_artifact(
                parent.info.run_id, str(folder / name), folder.parent.name
            )


def log_pictures(
    client: "MlflowClient", parent: "Run", folder: str, pictures: Mapping[str, Picture]
) -> None:
    """Keep figures as SVG below a folder of the run's artifacts."""
    for name, each in pictures.items():
        client.log_text(parent.info.run_id, each.svg, f"{folder}/{name}.svg")


def keep_beside(
    client: "MlflowClient",
    experiment_id: str,
    kind: str,
    name: str,
    paths: Iterable[Path],
    digest: str,
) -> str:
    """Keep files in a run of their own beside those of cells, once as they are.

    Parameters
    ----------
    client : MlflowClient
    experiment_id : str
    kind : str
        The tag by which the run is found again.
    name : str
        Of the run, if it has to be made.
    paths : iterable of Path
    digest : str
        Of the files; if they are kept already, nothing is done.

    Returns
    -------
    run_id : str
    """
    found = client.search_runs([experiment_id], f"tags.kind = '{kind}'", max_results=1)
    run = found[0] if found else client.create_run(
        experiment_id, run_name=name, tags={"kind": kind}
    )  # fmt: skip
    run_id = str(run.info.run_id)
    if run.data.tags.get(KEPT) != digest:
        for path in paths:
            client.log_artifact(run_id, str(path))
        client.set_tag(run_id, KEPT, digest)
        client.set_terminated(run_id)
    return run_id


def label_keys(labels: Iterable[str]) -> dict[str, str]:
    """Write each class as the last part of a metric's name, no two alike.

    MLflow refuses names such as `f1.N/`, and takes two that are equal for one.
    """
    keys: dict[str, str] = {}
    for number, label in enumerate(labels, 1):
        key = re.sub(r"[^\w\- ]", "_", label)[:LONGEST_LABEL].strip()
        taken = key.casefold() in map(str.casefold, keys.values())
        keys[label] = f"{key}.{number}" if taken or not key.strip("_") else key
    return keys


def data_digest(run: Mapping[str, Any]) -> str:
    """Digest the digests of the windows and spikes, as short as MLflow wants it."""
    code = f"{files.DATA / 'code'}/"
    data = {k: v for k, v in run["inputs"].items() if not k.startswith(code)}
    return files.inputs_digest(data)[:32]


def _allowed(name: str) -> str:
    """Replace what MLflow refuses in a name."""
    return re.sub(r"[^\w\-./ ]", "_", name)


def _text(value: object) -> str:
    return value if isinstance(value, str) else files.dump_json(value)


def _now() -> int:
    return time.time_ns() // 1_000_000
