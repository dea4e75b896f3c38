"""A process that tries mutants, within bounds of memory."""

import os
import re
import resource
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuzz.items import Item
from tests.fuzz.judging import Verdict, judge
from tests.fuzz.mutants import mutant
from tests.fuzz.trying import take_in

MORE_BYTES = 220 << 20
"""Memory that a mutant may allocate beyond what the libraries need."""
FAST = Path("/dev/shm")


@dataclass(frozen=True)
class Result:
    """What became of a mutant, or of an item itself if `number` is negative.

    Parameters
    ----------
    number : int
    item, what : str
        The item's name, and what was changed.
    verdict : Verdict
    seconds : float
    megabytes : float
        Resident at most in its process, up to then.
    """

    number: int
    item: str
    what: str
    verdict: Verdict
    seconds: float = 0.0
    megabytes: float = 0.0


def made(items: Sequence[Item], seed: int, number: int) -> tuple[Item, str]:
    """Make a mutant; the items themselves have the numbers -1, -2 and so on."""
    return mutant(items, seed, number) if number >= 0 else (items[-1 - number], "")


def attempt(items: Sequence[Item], seed: int, number: int) -> Result:
    """Make a mutant, take it in and judge what became of it."""
    item, what = made(items, seed, number)
    begun = time.monotonic()
    place = FAST if os.access(FAST, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        try:
            verdict = judge(item, take_in(item, Path(folder)))
        except MemoryError:
            verdict = Verdict("hung", f"over memory: {traceback.format_exc()}")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Result(number, item.name, what, verdict, time.monotonic() - begun, most)


def work(line: Connection, items: Sequence[Item], seed: int) -> None:
    """Try the mutants whose numbers come in, until none comes.

    Memory is bounded after an item of each format has made its libraries load.
    """
    kinds = {item.decoder: -1 - k for k, item in enumerate(items)}
    for number in kinds.values():
        attempt(items, seed, number)
    _bound()
    while (number := line.recv()) is not None:
        line.send(attempt(items, seed, number))


def _bound() -> None:
    """Bound what the process can allocate, whether it writes there or not."""
    status = Path("/proc/self/status").read_text()
    there = int(re.findall(r"VmData:\s+(\d+) kB", status)[0]) << 10
    limit = there + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
