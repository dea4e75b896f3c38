"""Where a run comes from, kept with it and read back: digests, and no file's name."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import DataError
from pipeline.origins.origin import Origin, of_run
from pipeline.tracking import answering, store
from pipeline.tracking.datasets import log_datasets

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEPT = "origin.json"
LOGGED = "logged.origin"
ABSENT = "raw.absent"
PARENT = "mlflow.parentRunId"
SHARED = ("git.", "raw.", "data.", "environment.")
"""Beginnings of the tags that state where a run comes from."""


def log_origin(client: "MlflowClient", parent: "Run", run: Mapping[str, Any]) -> "Run":
    """Keep a cell's origin and its data sets with its run.

    Once the raw files are known, that is all; as long as they are not, each publish
    looks again. The commit is that at which the run was made in MLflow.

    Returns
    -------
    parent : Run
        With its tags.
    """
    from mlflow.entities import RunTag

    tags, run_id = parent.data.tags, parent.info.run_id
    if tags.get(LOGGED) == "yes":
        return parent
    commit, dirty = tags.get("git.commit", ""), tags.get("git.dirty") == "true"
    origin = replace(of_run(run), commit=commit, dirty=dirty)
    if LOGGED in tags and origin.absent:
        return parent
    client.log_dict(run_id, origin.plain(), KEPT)
    log_datasets(client, run_id, run, origin)
    if ABSENT in tags:
        client.delete_tag(run_id, ABSENT)
    logged = {LOGGED: "unknown" if origin.absent else "yes", **origin.tags}
    client.log_batch(run_id, tags=[RunTag(*each) for each in logged.items()])
    return client.get_run(run_id)


def inherit(client: "MlflowClient", parent: "Run", child: str) -> None:
    """Tag the run of a fold with what its cell's run has of its origin."""
    from mlflow.entities import RunTag

    tags: Mapping[str, str] = parent.data.tags
    shared = [RunTag(*each) for each in tags.items() if each[0].startswith(SHARED)]
    client.log_batch(child, tags=shared)


def load_origin(run_id: str) -> Origin:
    """Read the origin of a cell's run, or of the run that a fold's belongs to.

    Raises
    ------
    DataError
        The store does not answer, has no such run, or the run keeps no origin.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    if reason := answering.fault(store.uri()):
        raise _none(run_id, f"the store does not answer ({reason})")
    store.quieten()
    client = MlflowClient(store.uri())
    try:
        run = client.get_run(run_id)
        run_id = run.data.tags.get(PARENT, run_id)
        kept = client.download_artifacts(run_id, KEPT)
    except (MlflowException, OSError) as error:
        raise _none(run_id, answering.reason(error)) from None
    plain: Mapping[str, Any] = json.loads(Path(kept).read_text(encoding="utf-8"))
    return Origin.of_plain(plain)


def _none(run_id: str, reason: str) -> DataError:
    return DataError(
        f"MLflow, {store.shown()}",
        f"no origin of the run {run_id} ({reason})",
        expected="the ID of a run that `biospike publish` logged, or a cell's name",
        remedy="copy the ID from the run's page, or set MLFLOW_TRACKING_URI to the "
        "store that has it",
    )
