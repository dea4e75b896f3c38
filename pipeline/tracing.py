"""From a run back to its data: `biospike trace`."""

import re

from rich.console import Console

from pipeline import files
from pipeline.cells import check_trained, trained
from pipeline.origins import words
from pipeline.origins.compare import compare
from pipeline.origins.origin import Origin, of_run

RUN_ID = re.compile(r"[0-9a-f]{32}")
"""The form of MLflow's IDs."""


def trace_run(run: str, out: Console) -> None:
    """Show what made a run, and compare it with what is here.

    Parameters
    ----------
    run : str
        A trained cell, or the ID of a run in MLflow, which may be of another checkout.
    out : Console

    Raises
    ------
    DataError
        There is no such run, or something here is not what made it.
    ConfigError
        There is no such cell.
    """
    origin = origin_of(run)
    compared = compare(origin)
    words.show(origin, compared, out)
    words.refuse_differing(origin, compared)


def origin_of(run: str) -> Origin:
    """Find what made a run; a cell's name goes before an ID."""
    if run not in trained() and RUN_ID.fullmatch(run):
        from pipeline.tracking.origins import load_origin

        return load_origin(run)
    check_trained(run)
    return of_run(files.load_json(files.folder("runs", run) / "run.json"))
