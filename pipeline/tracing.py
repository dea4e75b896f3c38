"""From a run back to its data: `biospike trace`."""

import re

from rich.console import Console

from pipeline import files
from pipeline.cells import check_trained, trained
from pipeline.origins import words
from pipeline.origins.compare import compare
from pipeline.origins.origin import Origin, of_run
from pipeline.parallel import console

RUN_ID = re.compile(r"[0-9a-f]{32}")
"""The form of MLflow's IDs."""


def trace_run(run: str, out: Console) -> None:
    """Show what made a run, and compare it with what is here.

    Raw files of a data set under pseudonyms are named in a terminal alone.

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
    # The error goes to the console of messages.
    in_terminal = out.is_terminal and console.is_terminal
    compared = compare(origin, by_name=in_terminal)
    words.show(origin, compared, out)
    words.refuse_differing(origin, compared)


def origin_of(run: str) -> Origin:
    """Find what made a run; a cell's name goes before an ID."""
    if run not in trained() and RUN_ID.fullmatch(run):
        from pipeline.tracking.origins import load_origin

        return load_origin(run)
    check_trained(run)
    return of_run(files.load_json(files.folder("runs", run) / "run.json"))
