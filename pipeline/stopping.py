"""The end of the process by a signal: one line, and no incomplete file.

Ctrl-C and SIGTERM raise `Stopped` in the main thread, so that every `with` and
`finally` on the way does its work; a second one ends the process at once. A stage that
DVC started also ends when DVC is killed: it would meet the next one.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOOK_S = 0.25
"""Seconds between two looks at who started this process."""


class Stopped(SystemExit):
    """Raised where a signal found the process; it exits with 128 and the number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class _Handler:
    """A handler of signals."""

    def __init__(self) -> None:
        self.parent = os.getppid()
        self.holding = False
        self.waiting: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        # Not by print: the signal may have found this thread in the middle of one.
        os.write(2, f"{self.words(number)}\n".encode())
        self.waiting = number
        self.check()

    def check(self) -> None:
        """Raise if there was a signal and nothing holds it."""
        if self.waiting is not None and not self.holding:
            raise Stopped(self.waiting)

    def words(self, number: int) -> str:
        """Report in a line what ended and why."""
        name = Path(sys.argv[0]).stem
        if name == "-m":  # `python -m stages.train` among its imports
            name = sys.orig_argv[2].rpartition(".")[2]
        what = " ".join([name.replace("__main__", "biospike"), *sys.argv[1:]])
        why = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        if os.getppid() != self.parent:
            why = "the end of the process that started it"
        return f"{what}: stopped by {why}; the next run goes on from what is finished"


_handler = _Handler()


def install() -> None:
    """Let signals stop this process; one that is ignored (by nohup) stays so."""
    for each in SIGNALS:
        if signal.getsignal(each) not in (signal.SIG_IGN, _handler):
            signal.signal(each, _handler)


def end_with_parent() -> None:
    """Stop when the process that started this one ends."""
    Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait for the end of the block, where it could do harm."""
    _handler.holding = True
    try:
        yield
    finally:
        _handler.holding = False
    _handler.check()


@contextmanager
def released() -> Iterator[None]:
    """Let a signal come through within a block that holds it."""
    _handler.holding = False
    try:
        _handler.check()
        yield
    finally:
        _handler.holding = True
