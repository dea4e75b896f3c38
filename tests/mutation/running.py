"""Mutants in a copy of the tree, and the verdicts of tests."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.drawing import Mutant

PATIENCE_S = 180.0
"""A test file that takes longer on sound code is left out."""
SLACK_S = 20.0
"""A mutant may take three times as long as sound code, and so much more."""
MOST = 5
"""Test files that run for a mutant."""
PASSED, NO_TESTS = 0, 5


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Parameters
    ----------
    mutant : Mutant
    kind : str
        killed, timed out, survived, or untested: no test file is close and sound.
    tests : tuple of str
        Those that ran; the last one killed it, if one did.
    """

    mutant: Mutant
    kind: str
    tests: tuple[str, ...]


@dataclass
class Copy:
    """A copy of a tree in which mutants run, one after the other.

    Parameters
    ----------
    root : Path
        Of the copy.
    """

    root: Path
    _sound: dict[str, float | None] = field(default_factory=dict)

    def judge(self, mutant: Mutant, tests: Sequence[str]) -> Outcome:
        """Run the first tests, if they pass on sound code, until one fails."""
        ran: tuple[str, ...] = ()
        for test in tests[:MOST]:
            seconds = self._seconds(test)
            if seconds is None:
                continue
            ran = (*ran, test)
            with self._mutated(mutant):
                status = self._status(test, 3 * seconds + SLACK_S)
            if status is None:
                return Outcome(mutant, "timed out", ran)
            if status not in (PASSED, NO_TESTS):
                return Outcome(mutant, "killed", ran)
        return Outcome(mutant, "survived" if ran else "untested", ran)

    @contextmanager
    def _mutated(self, mutant: Mutant) -> Iterator[None]:
        """Change the file for a while; it is always put back."""
        path = self.root / mutant.path
        source = path.read_bytes()
        path.write_bytes(mutant.applied(source))
        try:
            yield
        finally:
            path.write_bytes(source)

    def _seconds(self, test: str) -> float | None:
        """Run a test file on sound code, once."""
        if test not in self._sound:
            begun = time.monotonic()
            passes = self._status(test, PATIENCE_S) == PASSED
            self._sound[test] = time.monotonic() - begun if passes else None
        return self._sound[test]

    def _status(self, test: str, limit_s: float) -> int | None:
        """Give pytest's exit status, or None after the time limit."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        process = subprocess.Popen(
            [*command, test],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def copied(root: Path, to: Path) -> None:
    """Copy what git knows of a tree, and what it would add."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
