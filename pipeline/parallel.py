"""Map a function over recordings or folds, with progress, in several processes.

`BIOSPIKE_WORKERS` sets the number of processes (default: the cores this process may
use). On a cluster, wrap the call in joblib's own Dask backend. Results come in the
order of the items, so the number of workers never changes a result.
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Item = TypeVar("Item")
Result = TypeVar("Result")

console = Console(stderr=True, highlight=False, soft_wrap=True)


def n_workers() -> int:
    """Count the processes to use."""
    asked = os.environ.get("BIOSPIKE_WORKERS")
    if asked:
        return max(1, int(asked))
    import joblib

    return int(joblib.cpu_count())


def progress_bar() -> Progress:
    """Make the house's progress bar; it is silent off a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def parallel_map(
    function: Callable[[Item], Result], items: Sequence[Item], *, what: str
) -> list[Result]:
    """Apply a function to each item, in parallel, in order.

    Parameters
    ----------
    function : callable
        Top-level function of one item (it is sent to other processes).
    items : sequence
        Recordings, folds, …
    what : str
        A word for the progress bar.
    """
    import joblib

    workers = min(n_workers(), len(items)) or 1
    results: list[Result] = []
    begun = time.monotonic()
    with (
        joblib.parallel_config("loky", inner_max_num_threads=1),
        progress_bar() as bar,
    ):
        task = bar.add_task(what, total=len(items))
        calls = (joblib.delayed(function)(item) for item in items)
        for result in joblib.Parallel(workers, return_as="generator")(calls):
            results.append(result)
            bar.advance(task)
            _say_if_long(what, len(results), len(items), begun)
    return results


def _say_if_long(what: str, done: int, total: int, begun: float) -> None:
    """Off a terminal, tell where long work stands at every tenth of it."""
    seconds = time.monotonic() - begun
    tenth = max(1, total // 10)
    if console.is_terminal or seconds < 10 or done % tenth or done == total:
        return
    left = seconds / done * (total - done)
    console.print(f"{what}: {done} of {total}, about {left:.0f} s left")
