"""All runs on a data set, as MLflow keeps them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.errors import DataError
from pipeline.tracking import answering, store
from pipeline.tracking.entries import keep_beside

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

METRICS = {
    "balanced_accuracy": "int8",
    "low": "test/int8_low",
    "high": "test/int8_high",
    "energy_uj": "int8_uj",
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
        window), NaN where a run has none; `settings`, flat, that differ from their
        defaults; `upstream`, the digest of what is; and `data_digest`. Empty if there
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
    digest = files.inputs_digest([files.file_digest(path) for path in paths])
    keep_beside(
        client,
        experiment.experiment_id,
        KIND,
        "accuracy against energy",
        paths,
        digest,
    )


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
    tags, settings = run.data.tags, run.data.params
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
        "upstream": tags.get("upstream.digest", ""),
        "data_digest": tags.get("data.digest", ""),
    }
