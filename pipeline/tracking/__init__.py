"""MLflow as a view of the files: one run a cell, one child run a fold.

Nothing is kept in MLflow that the files do not hold. `publish` finds a cell's run by
its `run_key`, or makes it, and logs whatever files exist and are not logged yet; so
repeating adds nothing. The report publishes all cells of the grid, in one process:
MLflow takes seconds to start.

`MLFLOW_TRACKING_URI` names the store; without it, it is SQLite in the checkout.
`BIOSPIKE_TRACKING=off` turns tracking off.
"""

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

from pipeline import files
from pipeline.parallel import console
from pipeline.tracking import answering, store

KINDS = ("runs", "metrics", "energy", "audits")
"""The folders of `data` that hold what is logged of a cell."""
LOCK_S = 8.0
"""Seconds that another process may take to make a new store, or to log a cell."""


def store_uri() -> str:
    """Name the tracking store."""
    return store.uri()


def publish(cell: str, *kinds: str) -> bool:
    """Log a cell's files to its MLflow run.

    A store that does not answer costs no result, and no more than ten seconds: a
    message reports it once, and the next `publish` catches up.

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
    if reason := answering.fault(store.uri()):
        _report(f"MLflow takes no runs now ({reason}).")
        return False
    store.quieten()
    # What MLflow warns about is its own code, not the user's doing.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _publish(cell, run, kinds or KINDS)


def _publish(cell: str, run: Mapping[str, Any], kinds: tuple[str, ...]) -> bool:
    from filelock import FileLock, Timeout
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from pipeline.tracking.cells import log

    store.hurry()
    # The first process to open a new SQLite store makes its tables: one at a time.
    try:
        with FileLock(store.home() / "mlflow.db.lock", timeout=LOCK_S):
            log(MlflowClient(store.uri()), cell, run, kinds)
    except Timeout as error:
        _report(
            f"MLflow: {cell} is not logged (another process holds {error.lock_file})."
        )
        return False
    except (MlflowException, SQLAlchemyError, OSError) as error:
        _report(f"MLflow: {cell} is not logged ({answering.reason(error)}).")
        return False
    return True


@cache
def _report(found: str) -> None:
    """Report once in a process what is not logged."""
    later = "The results in data/ are complete; `biospike publish` logs them later."
    console.print(f"{found} {later}", markup=False)
