"""Locks: one process at a time makes an output."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from pipeline.errors import MachineError
from pipeline.files import UNFINISHED
from pipeline.machine import AGAIN, writing

PATIENCE_S = 5.0
"""A stage whose `dvc` was killed takes a moment to end."""


@contextmanager
def only_one(what: str) -> Iterator[None]:
    """Hold the lock of an output; the kernel frees it when this process ends, however.

    Parameters
    ----------
    what : str
        The stage and its names, as `dvc repro` takes them: `ingest@mitdb`.

    Raises
    ------
    MachineError
        Another process makes the same output, and goes on with it.
    """
    path = UNFINISHED / f"{what}.lock"
    lock = FileLock(path, timeout=PATIENCE_S)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise _taken(what, path.read_text(encoding="utf-8")) from None
    try:
        with writing(path):
            path.write_text(f"{os.getpid()} since {time.strftime('%H:%M:%S')}")
        yield
    finally:
        lock.release()


def _taken(what: str, holder: str) -> MachineError:
    number = holder.partition(" ")[0]
    return MachineError(
        what,
        f"process {holder or 'unknown'} is at work on it",
        expected="one process at a time for one output",
        remedy=f"let it end, or end it (`kill {number or 'PID'}`), then {AGAIN}",
    )
