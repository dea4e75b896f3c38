"""A cell's curves in MLflow while it trains: `python -m pipeline.tracking.live`.

`pipeline.tracking.following` starts it.
"""

import io
import os
import select
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock, Timeout

from pipeline import files
from pipeline.tracking import LOCK_S, store
from pipeline.tracking.cells import milliseconds, open_cell, open_fold
from pipeline.tracking.entries import log_curves
from pipeline.tracking.following import DONE, RUN
from pipeline.training import progress
from pipeline.training.progress import FoldProgress
from pipeline.unfinished import NOTES

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EVERY_S = 5.0


def follow(cell: str, folder: Path, ending: IO[bytes]) -> None:
    """Log new epochs every few seconds until training ends.

    What it cannot log, since another process logs all the time, comes with the report.

    Parameters
    ----------
    cell : str
    folder : Path
        Where the run is being made.
    ending : file
        Closes when training ends; `done` comes before, if it succeeded.
    """
    from mlflow import MlflowClient

    store.quieten()
    store.hurry()
    client = MlflowClient(store.uri())
    run = files.load_json(folder / NOTES / RUN)
    logged: dict[int, int] = {}
    while not select.select([ending], [], [], EVERY_S)[0]:
        with suppress(Timeout):
            update(client, cell, run, progress.read(folder), logged)
    folds = progress.read(folder)
    with suppress(Timeout):
        parent = update(client, cell, run, folds, logged)
        end(client, parent, folds, "FINISHED" if ending.read() == DONE else "KILLED")


def update(
    client: "MlflowClient",
    cell: str,
    run: Mapping[str, Any],
    folds: Mapping[int, FoldProgress],
    logged: dict[int, int],
) -> "Run":
    """Log the epochs that are not logged yet.

    Parameters
    ----------
    client : MlflowClient
    cell : str
    run : mapping
        What `run.json` will have, as far as it is known before.
    folds : mapping of int to FoldProgress
    logged : dict of int to int
        Epochs of each fold that are logged, which are counted on.

    Raises
    ------
    Timeout
        Another process has logged for two minutes; nothing is logged.
    """
    begun_s = min((each.begun_s for each in folds.values()), default=None)
    with FileLock(store.home() / "mlflow.db.lock", timeout=LOCK_S):
        parent = open_cell(client, cell, run, begun_s)
        if not logged:  # it may have been killed before
            client.update_run(parent.info.run_id, "RUNNING")
        for fold, each in folds.items():
            child = open_fold(client, parent, fold, each.begun_s)
            news = each.epochs[logged.get(fold, 0) :]
            if news:
                log_curves(client, child, _rounded(news), group="train")
            logged[fold] = len(each.epochs)
            if each.ended_s is not None:
                client.set_terminated(child, end_time=milliseconds(each.ended_s))
    return parent


def _rounded(epochs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Tabulate epochs in the precision of `history.csv`, so that no point comes twice.

    MLflow takes points that are equal in all for one.
    """
    return pd.read_csv(io.StringIO(files.csv_text(pd.DataFrame(epochs))))


def end(
    client: "MlflowClient",
    parent: "Run",
    folds: Mapping[int, FoldProgress],
    status: str,
) -> None:
    """Let the cell's run end, and of a killed one the folds that had not."""
    for fold, each in folds.items():
        if each.ended_s is None:
            client.set_terminated(open_fold(client, parent, fold), status)
    client.set_terminated(parent.info.run_id, status)


def main() -> None:
    """Follow the training of a cell; what goes wrong here is of no importance there."""
    cell, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    os.nice(5)
    follow(cell, Path(folder), sys.stdin.buffer)


if __name__ == "__main__":
    main()
