"""MLflow as a view of the files: one run a cell, one child run a fold.

Nothing is kept in MLflow that the files do not hold. `publish` finds a cell's run by
its `run_key`, or makes it, and logs whatever files exist and are not logged yet; so
repeating adds nothing. The report publishes all cells of the grid, in one process:
MLflow takes seconds to start.

`MLFLOW_TRACKING_URI` names the store; without it, it is SQLite in the checkout.
`BIOSPIKE_TRACKING=off` turns tracking off.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline import files
from pipeline.parallel import console
from pipeline.tracking import answering, store

KINDS = ("runs", "metrics", "energy", "audits")
"""The folders of `data` that hold what is logged of a cell."""
LOCK_S = 120.0
"""Seconds that another process may take to make a new store, or to log a cell."""
SILENT_S = 5.0
"""Seconds of that without a message."""


def store_uri() -> str:
    """Name the tracking store."""
    return store.uri()


def publish(cell: str, *kinds: str) -> bool:
    """Log a cell's files to its MLflow run.

    A store that does not answer costs no result, and no more than ten seconds: a
    message reports it once, and the next `publish` catches up. While another process
    logs, as experiments side by side do, this one waits.

    Parameters
    ----------
    cell : str
        Name of the cell: its folder below `data/runs`.
    *kinds : str
        What to log, among `KINDS`; all of it if none is named. What lies beside a new
        run may be of an older one: `biospike measure` names what is of this run.

    Returns
    -------
    published : bool
        False if tracking is off or the store did not answer.

    Raises
    ------
    DataError
        The cell has not been trained.
    """
    if store.is_off():
        return False
    run = files.load_json(files.folder("runs", cell) / "run.json")
    store.quieten()
    try:
        with _alone(cell), warnings.catch_warnings():
            # What MLflow warns about is its own code, not the user's doing.
            warnings.simplefilter("ignore")
            return _publish(cell, run, kinds or KINDS)
    except Timeout as error:
        found = f"another process holds {error.lock_file}"
    except OSError as error:
        found = str(error)
    _report(f"MLflow: {cell} is not logged ({found}).")
    return False


@contextmanager
def _alone(cell: str) -> Iterator[None]:
    """Wait until no other process logs; the first one makes the tables of the store."""
    lock = FileLock(store.home() / "mlflow.db.lock")
    try:
        lock.acquire(timeout=SILENT_S)
    except Timeout:
        console.print(f"MLflow: {cell} waits while another process logs", markup=False)
        lock.acquire(timeout=LOCK_S)
    try:
        yield
    finally:
        lock.release()


def _publish(cell: str, run: Mapping[str, Any], kinds: tuple[str, ...]) -> bool:
    if reason := answering.fault(store.uri()):
        _report(f"MLflow takes no runs now ({reason}).")
        return False
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from pipeline.tracking.cells import log

    store.hurry()
    try:
        log(MlflowClient(store.uri()), cell, run, kinds)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        _report(f"MLflow: {cell} is not logged ({answering.reason(error)}).")
        return False
    return True


@cache
def _report(found: str) -> None:
    """Report once in a process what is not logged."""
    queued = store.home() != Path.cwd()
    when = "after `dvc exp apply`, " if queued else ""
    later = f"The results in data/ are complete; {when}`biospike publish` logs them."
    console.print(f"{found} {later}", markup=False)
