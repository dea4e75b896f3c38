"""Map a function over recordings or folds, with progress, in several processes.

`BIOSPIKE_WORKERS` sets the number of processes (default: the cores this process may
use). Results come in the order of the items, so the number of workers never changes a
result. With `BIOSPIKE_SCHEDULER`, the processes are those of a Dask cluster.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from threadpoolctl import threadpool_limits

from pipeline import cluster
from pipeline.errors import MachineError
from pipeline.machine import refusal
from pipeline.remaining import Remaining

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CONTEXT = multiprocessing.get_context("forkserver")
SPARED = "resource_tracker", "pipeline.tracking.live"
"""Processes that end by themselves when this one does."""

console = Console(stderr=True, highlight=False, soft_wrap=True)


def n_workers() -> int:
    """Count the processes to use."""
    asked = os.environ.get("BIOSPIKE_WORKERS")
    if asked:
        return max(1, int(asked))
    import joblib

    return int(joblib.cpu_count())


class _Left(ProgressColumn):
    """The time that is left, as `Remaining` estimates it."""

    def __init__(self, remaining: Remaining) -> None:
        super().__init__()
        self._remaining = remaining

    def render(self, task: Task) -> Text:
        """Write it as the other columns do."""
        seconds = self._remaining.seconds()
        left = "-:--:--" if seconds is None else str(timedelta(seconds=round(seconds)))
        return Text(left, style="progress.remaining")


def reports_long_work() -> bool:
    """Whether lines report where long work stands: not on a terminal, nor in CI."""
    return not console.is_terminal and "CI" not in os.environ


def progress_bar(left: ProgressColumn | None = None) -> Progress:
    """Make the house's progress bar; it is silent off a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        left or TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def start_importing(*modules: str) -> None:
    """Start the process that workers are forked from, which imports modules meanwhile.

    It spares each worker the imports, and runs beside this process's own.
    """
    if n_workers() > 1 and not cluster.address():
        CONTEXT.set_forkserver_preload(list(modules))
        _start_server()


def _start_server() -> None:
    """Start the server of workers; Ctrl-C, which reaches them too, is not for them."""
    try:
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    except OSError as error:
        raise refusal(error) or MachineError(
            "starting workers",
            f"there can be no socket for them ({error})",
            expected="a short path of temporary files",
            remedy="set TMPDIR to a shorter path, or BIOSPIKE_WORKERS=1",
        ) from error


def parallel_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    what: str,
    reads: Collection[Path] = (),
    here: bool = False,
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
    reads : collection of Path
        Files off the checkout's disk that machines of a cluster must see.
    here : bool
        It needs the secret of this machine, so no cluster takes it.

    Raises
    ------
    MachineError
        A process was killed, perhaps for its memory, or none can be started; a cluster
        does not answer, or has a worker that cannot do this.
    """
    results: list[Result] = []
    scheduler = None if here else cluster.address()
    with _workers(scheduler, len(items), what, reads) as (workers, mapping):
        remaining = Remaining(len(items), workers)
        with progress_bar(_Left(remaining)) as bar:
            task = bar.add_task(what, total=len(items))
            for seconds, result in mapping(partial(_timed, function), items):
                results.append(result)
                remaining.done(seconds)
                bar.advance(task)
                _report_if_long(what, len(results), remaining)
    return results


def _timed(function: Callable[[Item], Result], item: Item) -> tuple[float, Result]:
    """Apply a function, and take the time of that alone."""
    begun = time.monotonic()
    result = function(item)
    return time.monotonic() - begun, result


@contextmanager
def _workers(
    scheduler: str | None, n_items: int, what: str, reads: Collection[Path]
) -> Iterator[tuple[int, Callable[..., Iterable[Any]]]]:
    """Give the number of workers, here or of a cluster, and a `map` that uses them."""
    if scheduler and n_items:
        with cluster.connected(scheduler, what, reads) as (there, mapping):
            yield min(there, n_items), mapping
        return
    here = max(1, min(n_workers(), n_items))
    with _mapping(here, what) as mapping:
        yield here, mapping


@contextmanager
def _mapping(workers: int, what: str) -> Iterator[Callable[..., Iterable[Any]]]:
    """Give a `map` that works in as many processes as there are workers."""
    if workers < 2:
        with threadpool_limits(1):
            yield map
        return
    _start_server()
    environment = (dict(os.environ),)
    pool = ProcessPoolExecutor(
        workers, CONTEXT, initializer=_begin_worker, initargs=environment
    )
    try:
        with _ending(pool):
            yield partial(_map, pool)
    except BrokenProcessPool:
        raise MachineError(
            what,
            "a worker process ended before its work was done",
            expected="as much memory as all workers need together",
            remedy="set BIOSPIKE_WORKERS=1 and run it again",
        ) from None


def _map(
    pool: ProcessPoolExecutor,
    function: Callable[[Item], Result],
    items: Sequence[Item],
) -> Iterator[Result]:
    futures = [pool.submit(function, item) for item in items]
    return (future.result() for future in futures)


@contextmanager
def _ending(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Let workers end what they are at, also after an error; a signal kills them."""
    try:
        try:
            yield
        except Exception:
            pool.shutdown(cancel_futures=True)
            raise
        pool.shutdown()
    except Exception:
        raise
    except BaseException:
        _kill_workers()
        pool.shutdown()
        raise


def _kill_workers() -> None:
    """Kill the workers, also those that begin, and the server that they come from."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            line = " ".join(process.cmdline())
            if not any(name in line for name in SPARED):
                process.kill()


def _begin_worker(environment: dict[str, str]) -> None:
    """Take over the caller's environment; use one thread; end when the caller ends."""
    os.environ.clear()
    os.environ.update(environment)
    # The limit holds for libraries that are loaded, the variables for later ones.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    threadpool_limits(1)
    Thread(target=_end_with_caller, daemon=True).start()


def _end_with_caller() -> None:
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        os._exit(1)


def _report_if_long(what: str, done: int, remaining: Remaining) -> None:
    """Off a terminal, report where long work stands at every tenth of it."""
    total, seconds = remaining.total, time.monotonic() - remaining.begun
    tenth = max(1, total // 10)
    if not reports_long_work() or seconds < 10 or done % tenth or done == total:
        return
    console.print(f"{what}: {done} of {total}, about {remaining.seconds():.0f} s left")
