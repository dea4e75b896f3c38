"""Processes that tests start, and waiting for what they do."""

import time
from collections.abc import Callable
from pathlib import Path


def session(leader: int) -> list[int]:
    """List the living processes that a process started, and itself."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_session) == leader and state != "Z":
            found.append(int(path.parent.name))
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
