"""Work on several machines, by Dask.

`BIOSPIKE_SCHEDULER` is the address of a Dask scheduler, such as tcp://10.0.0.1:8786.
Files go over a disk that all machines share: the checkout has one path on all of
them (`cluster_worker` looks for it). What a worker that died was at runs again
elsewhere. Dask is the extra `biospike[cluster]`; without the variable nothing of it is
imported.
"""

import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cluster_worker import (
    LOOK_S,
    PASSED,
    START,
    WORK,
    Asked,
    about,
    digest,
    do,
    look,
    refused,
)
from pipeline.errors import MachineError

if TYPE_CHECKING:
    from distributed import Client, Future

VARIABLE = "BIOSPIKE_SCHEDULER"
CONNECT_S, ALONE_S = 10.0, 60.0
"""How long the scheduler may take to answer, and all workers may be away."""
SEEN, OLD_S = ".seen-", 24 * 3600.0
"""How a token begins, and how long one stays that its caller no longer touches."""


def address() -> str | None:
    """Give the address of the scheduler, if the work is for a cluster."""
    return os.environ.get(VARIABLE) or None


@contextmanager
def connected(
    to: str, what: str, reads: Collection[Path]
) -> Iterator[tuple[int, Callable[..., Iterator[Any]]]]:
    """Connect to a scheduler, check its workers, and give their number and a `map`.

    Parameters
    ----------
    to : str
        Its address.
    what : str
        The work, for messages.
    reads : collection of Path
        Files that workers must see, beside the checkout.

    Raises
    ------
    MachineError
        Dask is not installed, the scheduler does not answer, or a worker lacks the
        shared disk, or has other code, packages or more than one thread.
    """
    client = _connect(to)
    try:
        with _token() as token:
            asked = Asked(
                str(Path.cwd()),
                token,
                tuple(os.path.realpath(path) for path in reads),
                {name: os.environ[name] for name in PASSED if name in os.environ},
                digest(),
            )
            n_workers = _check(client, to, asked)
            yield n_workers, partial(_map, client, to, what, asked)
    finally:
        with suppress(OSError, TimeoutError):  # it may be gone
            client.close()


def _connect(to: str) -> "Client":
    """Connect to a scheduler."""
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise MachineError(
            f"{VARIABLE}={to}",
            "Dask is not installed",
            expected="the packages of the extra `cluster`",
            remedy="`.venv/bin/pip install -e '.[cluster]'`",
        ) from None
    # A cell's windows are a large graph, and right: they must outlive any worker.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"})
    try:
        return Client(to, timeout=CONNECT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise MachineError(
            f"{VARIABLE}={to}",
            f"no scheduler answers ({type(error).__name__})",
            expected="the address of a Dask scheduler, such as tcp://10.0.0.1:8786",
            remedy="start one by `dask scheduler --host ADDRESS --no-dashboard`, or "
            f"unset {VARIABLE} to work on this machine",
        ) from None


@contextmanager
def _token() -> Iterator[str]:
    """Make a file that only machines with this disk can see."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"{SEEN}{secrets.token_hex(8)}"
    path.write_text(path.name)
    _remove_old(path)
    try:
        yield path.name
    finally:
        path.unlink(missing_ok=True)


def _remove_old(mine: Path) -> None:
    """Remove the tokens of callers that were killed; the disk's clock decides."""
    now_s = mine.stat().st_mtime
    for path in WORK.glob(f"{SEEN}*"):
        with suppress(OSError):  # somebody was faster, or it is another's
            if now_s - path.stat().st_mtime > OLD_S:
                path.unlink()


def _check(client: "Client", to: str, asked: Asked) -> int:
    """Refuse workers that cannot do the work; give the number of all."""
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=CONNECT_S)
    looks = _answers(client, look, asked)
    if not looks:
        raise _alone(to, "it has no workers")
    for worker, found in looks.items():
        if isinstance(found, Exception):
            found = f"has no biospike, or another one ({found})"
        if found:
            raise refused(worker, found, to)
    mine = about()
    for worker, has in _answers(client, about).items():
        if isinstance(has, Exception):
            raise has
        if differing := sorted(n for n in mine | has if mine.get(n) != has.get(n)):
            shown = ", ".join(differing[:3]) + (", …" if len(differing) > 3 else "")
            raise refused(worker, f"has another version of {shown}", to)
    return len(looks)


def _answers(client: "Client", ask: Callable[..., Any], *given: Any) -> dict[str, Any]:
    """Ask all workers; gives what each answers or raises, but of those that vanish."""
    from distributed.comm.core import CommClosedError

    found: dict[str, Any] = client.run(ask, *given, on_error="return")
    return {
        worker: each
        for worker, each in found.items()
        if not isinstance(each, CommClosedError)
    }


def _alone(to: str, found: str) -> MachineError:
    return MachineError(
        f"{VARIABLE}={to}",
        found,
        expected="at least one worker",
        remedy=f"{START.format(to)}, then run it again: what is finished is kept",
    )


def _map(
    client: "Client",
    to: str,
    what: str,
    asked: Asked,
    function: Callable[[Any], Any],
    items: Sequence[Any],
) -> Iterator[Any]:
    """Apply a function to each item on the workers; results come in order."""
    from distributed import CancelledError, KilledWorker

    token = Path(asked.checkout, WORK, asked.token)
    futures = client.map(partial(do, asked, to, function), items, pure=False)
    try:
        for future in futures:
            _wait(client, to, future, token)
            yield future.result()
    except KilledWorker:
        raise MachineError(
            what,
            "all workers that were given one piece of it ended before it was done",
            expected="as much memory on each worker as one piece of work needs",
            remedy="look at the workers' logs; start fewer workers a machine",
        ) from None
    except CancelledError:
        raise MachineError(
            f"{VARIABLE}={to}",
            "the connection to the scheduler was lost",
            expected="a scheduler that runs until the stage has ended",
            remedy=f"start it again, {START.format(to)}, then run it again: what is "
            "finished is kept",
        ) from None
    finally:
        client.cancel(futures)


def _wait(client: "Client", to: str, future: "Future", token: Path) -> None:
    """Wait for a result as long as there is a worker, or one may come back.

    The token is touched meanwhile: others take it for a killed caller's when it is old.
    """
    from distributed import wait

    seen = time.monotonic()
    while not future.done():
        with suppress(TimeoutError):
            wait(future, timeout=LOOK_S)
        with suppress(OSError):  # the next worker reports what is wrong with it
            os.utime(token)
        if client.status == "running" and client.nthreads():
            seen = time.monotonic()
        if time.monotonic() - seen > ALONE_S:
            raise _alone(to, f"no worker was there for {ALONE_S:.0f} s")
