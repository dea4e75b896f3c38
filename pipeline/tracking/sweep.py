"""All runs on a data set, as MLflow keeps them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.errors import DataError
from pipeline.tracking import answering, store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

UPSTREAM = ("labels", "source", "reader", "signal", "windows", "folds")
"""Settings that define the windows to classify; the others are tried on them."""
METRICS = {
    "balanced_accuracy": "test/int8_balanced_accuracy",
    "low": "test/int8_balanced_accuracy.ci_low",
    "high": "test/int8_balanced_accuracy.ci_high",
    "energy_uj": "energy/int8_uj_per_window",
}
"""Columns and what MLflow calls them."""
CUT = {
    "balanced_accuracy": "cutoff/balanced_accuracy",
    "energy_uj": "cutoff/int8_uj_per_window",
}
"""The same of runs that decide windows early, on the windows that were counted."""
AT_ONCE = 500
KIND = "tradeoff"
"""The tag of the run that keeps the figure."""


def points(dataset: str) -> pd.DataFrame:
    """List the finished runs of a data set's cells, the newest first.

    Parameters
    ----------
    dataset : str
        Its name, which is that of the experiment.

    Returns
    -------
    points : DataFrame
        cell, run_key, encoder, model; of the network in integers `balanced_accuracy`
        with its interval `low` to `high`, and `energy_uj` (estimated, microjoules a
        window), NaN where a run has none; `settings`, flat, all that is not upstream of
        the code; `upstream`, the digest of what is; and `data_digest`. Empty if there
        are none.

    Raises
    ------
    DataError
        The store does not answer.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    if reason := answering.fault(store.uri()):
        raise _no_answer(reason)
    store.quieten()
    client = MlflowClient(store.uri())
    columns = [
        "cell", "run_key", "encoder", "model", *METRICS, "settings", "upstream",
        "data_digest",
    ]  # fmt: skip
    try:
        rows = [_row(run) for run in _cells(client, dataset)]
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise _no_answer(answering.reason(error)) from None
    return pd.DataFrame(rows, columns=columns)


def _no_answer(reason: str) -> DataError:
    return DataError(
        f"MLflow, {store.shown()}",
        f"it does not answer ({reason})",
        expected="a store that answers",
        remedy="correct MLFLOW_TRACKING_URI, or what the reason names",
    )


def comparable(points: pd.DataFrame) -> pd.DataFrame:
    """Keep the runs that can stand beside the newest one.

    They classify the same windows, in the same folds; and, of each encoder, they were
    made of the same spikes as its newest run.
    """
    same = points[points["upstream"] == points["upstream"].head(1).squeeze()]
    newest = same.groupby("encoder")["data_digest"].transform("first")
    return same[same["data_digest"] == newest].reset_index(drop=True)


def keep(dataset: str, *paths: Path) -> None:
    """Keep a figure of such runs, and its table, in a run of its own beside them."""
    from mlflow import MlflowClient

    store.quieten()
    client = MlflowClient(store.uri())
    experiment = client.get_experiment_by_name(dataset)
    if experiment is None:
        raise LookupError(f"no experiment {dataset}: there can be no figure of it")
    place = experiment.experiment_id
    found = client.search_runs([place], f"tags.kind = '{KIND}'", max_results=1)
    run = found[0] if found else client.create_run(
        place, run_name="accuracy against energy", tags={"kind": KIND}
    )  # fmt: skip
    for path in paths:
        client.log_artifact(run.info.run_id, str(path))
    client.set_terminated(run.info.run_id)


def _cells(client: "MlflowClient", dataset: str) -> "Iterator[Run]":
    """List the runs of cells; folds' runs have no key."""
    experiment = client.get_experiment_by_name(dataset)
    if experiment is None:
        return
    token: str | None = None
    while token is None or token:
        page = client.search_runs(
            [experiment.experiment_id],
            "attributes.status = 'FINISHED' and tags.run_key != ''",
            max_results=AT_ONCE,
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        yield from page
        token = page.token or ""


def _row(run: "Run") -> dict[str, Any]:
    tags, settings = run.data.tags, dict(run.data.params)
    upstream = {key: settings.pop(key) for key in list(settings) if _is_upstream(key)}
    metrics: Mapping[str, float] = run.data.metrics
    numbers = {column: metrics.get(name, np.nan) for column, name in METRICS.items()}
    if set(CUT.values()) <= set(metrics):
        numbers = dict.fromkeys(METRICS, np.nan)
        numbers |= {column: metrics[name] for column, name in CUT.items()}
    return {
        "cell": run.info.run_name,
        "run_key": tags["run_key"],
        "encoder": tags.get("encoder"),
        "model": tags.get("model"),
        **numbers,
        "settings": {k: tags[k] for k in ("encoder", "model") if k in tags} | settings,
        "upstream": files.inputs_digest(upstream)[:32],
        "data_digest": tags.get("data.digest", ""),
    }


def _is_upstream(key: str) -> bool:
    return key.partition(".")[0] in UPSTREAM
