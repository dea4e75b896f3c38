"""Mutants in two processes, each watched for its time and memory."""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.fuzz.items import Item
from tests.fuzz.judging import Verdict
from tests.fuzz.working import Result, made, work

PROCESSES = 2
CPU_S, WALL_S = 10.0, 120.0
"""A mutant takes a tenth of a second; machines may be busy with something else."""
MOST_BYTES = 560 << 20
"""Resident memory of a process: with its caller, two take less than 1.5 GB."""
POLL_S = 0.05
CONTEXT = multiprocessing.get_context("spawn")


@dataclass
class Worker:
    """A process, and what it is at."""

    items: Sequence[Item]
    seed: int
    process: BaseProcess = field(init=False)
    line: Connection = field(init=False)
    number: int | None = None
    cpu_s: float = 0.0
    begun: float = 0.0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process anew."""
        self.line, theirs = CONTEXT.Pipe()
        arguments = (theirs, self.items, self.seed)
        self.process = CONTEXT.Process(target=work, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.number = None

    def give(self, number: int) -> None:
        """Let it try a mutant."""
        self.number = number
        self.begun, self.cpu_s = time.monotonic(), self._cpu_s()
        self.line.send(number)

    def end(self) -> None:
        """End the process, and wait for it."""
        self.process.kill()
        self.process.join()
        self.line.close()

    def excess(self) -> str:
        """Name the limit that is passed; "" for none."""
        if self.number is None:
            return ""
        if self._resident() > MOST_BYTES:
            return f"over memory: more than {MOST_BYTES >> 20} MB resident"
        if self._cpu_s() - self.cpu_s > CPU_S or time.monotonic() - self.begun > WALL_S:
            return f"over time: {CPU_S:g} s of CPU or {WALL_S:g} s"
        return ""

    def _resident(self) -> int:
        fields = self._proc("statm").split()
        return int(fields[1]) * os.sysconf("SC_PAGESIZE") if fields else 0

    def _cpu_s(self) -> float:
        fields = self._proc("stat").rpartition(")")[2].split()
        ticks = sum(map(int, fields[11:13])) if fields else 0
        return float(ticks / os.sysconf("SC_CLK_TCK"))

    def _proc(self, name: str) -> str:
        try:
            return Path(f"/proc/{self.process.pid}/{name}").read_text()
        except OSError:
            return ""


@contextmanager
def _workers(items: Sequence[Item], seed: int, count: int) -> Iterator[list[Worker]]:
    workers = [Worker(items, seed) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.end()


def attempts(
    items: Sequence[Item], seed: int, numbers: Sequence[int]
) -> Iterator[Result]:
    """Try mutants, and yield what became of them as they are done."""
    left = iter(numbers)
    with _workers(items, seed, min(PROCESSES, len(numbers))) as workers:
        for worker in workers:
            worker.give(next(left))
        while any(worker.number is not None for worker in workers):
            wait([w.line for w in workers if w.number is not None], POLL_S)
            for worker in workers:
                if (result := _result(worker, items, seed)) is not None:
                    yield result
                    number = next(left, None)
                    if number is not None:
                        worker.give(number)


def _result(worker: Worker, items: Sequence[Item], seed: int) -> Result | None:
    """Take a worker's result, also that of one that died or had to be ended."""
    number = worker.number
    if number is None:
        return None
    verdict = None
    if worker.line.poll():
        try:
            result: Result = worker.line.recv()
            worker.number = None
            return result
        except (EOFError, OSError):
            worker.process.join()
            code = worker.process.exitcode
            verdict = Verdict("crashed", f"the process ended with {code}")
    elif excess := worker.excess():
        verdict = Verdict("hung", excess)
    if verdict is None:
        return None
    worker.end()
    worker.start()
    item, what = made(items, seed, number)
    return Result(number, item.name, what, verdict)
