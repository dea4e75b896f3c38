"""In a worker of a cluster: what it must have, and how its work ends.

It is refused before it is given work if it lacks the shared disk, or has other code,
packages or more than one thread; also one that joins later.
"""

import hashlib
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from pipeline.errors import MachineError

if TYPE_CHECKING:
    from distributed import Worker

PASSED = ("BIOSPIKE_DEVICE", "BIOSPIKE_NEURONS", "DVC_ROOT")
"""Variables of the caller that workers take over; no others, for some are secrets."""
LOOK_S = 1.0
"""How often a worker looks whether its work is still wanted."""
PACKAGE = Path(__file__).parent
WORK = Path("data", ".unfinished")
START = "start workers in the checkout by `dask worker {} --nthreads 1 --no-dashboard`"


@dataclass(frozen=True)
class Asked:
    """What a worker needs for its work, and compares with what it has.

    Parameters
    ----------
    checkout : str
        The folder that the caller works in.
    token : str
        Name of a file there that was just made, and its content.
    reads : tuple of str
        Files that the work reads and that may lie on another disk.
    environment : dict of str to str
    has : str
        Digest of the code and the packages.
    """

    checkout: str
    token: str
    reads: tuple[str, ...]
    environment: dict[str, str]
    has: str


@cache
def about() -> dict[str, str]:
    """List what a process has: the digest of each module, and versions of packages.

    It is remembered: a process keeps the code that it started with.
    """
    modules = {
        str(Path(PACKAGE.name, path.relative_to(PACKAGE))): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    packages = {each.name: each.version for each in distributions()}
    return {"Python": platform.python_version(), **modules, **packages}


@cache
def digest() -> str:
    """Give one digest of all that a process has."""
    return hashlib.sha256(repr(sorted(about().items())).encode()).hexdigest()


def look(asked: Asked, dask_worker: "Worker | None" = None) -> str:
    """Look, in a worker, for what is missing there; "" if all is well."""
    token = Path(asked.checkout, WORK, asked.token)
    try:
        seen = token.read_text() == asked.token
    except OSError:
        seen = False
    if not seen:
        return f"does not see {token}: the checkout is not shared with it"
    for path in asked.reads:
        if not Path(path).exists():
            return f"does not see {path}"
    if dask_worker is not None and dask_worker.state.nthreads != 1:
        return f"has {dask_worker.state.nthreads} threads"
    return ""


def refused(worker: str, found: str, to: str) -> MachineError:
    """Write why a worker is given no work.

    Parameters
    ----------
    worker : str
        Its address.
    found : str
    to : str
        The scheduler's address.
    """
    return MachineError(
        f"worker {worker}",
        found,
        expected="workers with this checkout on a shared disk, at the same path, with "
        "the same Python and packages, and one thread each",
        remedy=f"end that worker, and {START.format(to)}",
    )


def do(asked: Asked, to: str, function: Callable[[Any], Any], item: Any) -> Any:
    """Do a piece of work, in a worker that has all it takes."""
    from distributed import get_worker

    worker = get_worker()
    found = look(asked, worker)
    if not found and digest() != asked.has:
        found = "has other code or packages than the caller"
    if found:
        raise refused(worker.address, found, to)
    os.chdir(asked.checkout)
    for name in PASSED:
        os.environ.pop(name, None)
    os.environ.update(asked.environment)
    done = Event()
    Thread(
        target=_end_if_unwanted,
        args=(worker, worker.get_current_task(), done),
        daemon=True,
    ).start()
    try:
        with threadpool_limits(1):
            return function(item)
    finally:
        done.set()


def _end_if_unwanted(worker: "Worker", key: str, done: Event) -> None:
    """End this process when nobody waits for its work, which could spoil a later run's.

    Dask cannot end what runs. It starts the worker again.
    """
    while not done.wait(LOOK_S):
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            os._exit(1)
