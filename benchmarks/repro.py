"""Time `dvc repro` in a fresh clone: DVC, starting and importing, and the work.

    .venv/bin/python benchmarks/repro.py                       # the last commit
    .venv/bin/python benchmarks/repro.py --commit 4ecd236      # another one

The clone lies in a temporary folder and uses this environment's packages. A wrapper of
its `python` notes how long the process of each stage lives; a stage's closing line has
its working time. The rest of the time of `dvc repro` is DVC's. The last line sums up,
in seconds.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLOSING_LINE = re.compile(r"^(\w+)(?: (\S*))?: .*\((\d+\.\d) s\)$")
WRAPPER = """#!/bin/sh
begun=$(date +%s.%N)
{python} "$@"
status=$?
echo "$begun $(date +%s.%N) $2" >> {log}
exit $status
"""


@dataclass(frozen=True)
class Run:
    """The output of one `dvc repro`, and the durations of it and its processes.

    Parameters
    ----------
    output : str
    seconds : float
    processes : list of (str, float)
        Name and lifetime of each stage's process, in order.
    """

    output: str
    seconds: float
    processes: list[tuple[str, float]]


def clone(commit: str, folder: Path) -> Path:
    """Clone this repository at a commit."""
    checkout = folder / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, checkout], check=True)
    subprocess.run(["git", "checkout", "-q", commit], cwd=checkout, check=True)
    return checkout


def wrap_python(folder: Path) -> Path:
    """Make an environment whose `python` notes the lifetime of its process."""
    log = folder / "processes.log"
    script = folder / "environment" / "bin" / "python"
    script.parent.mkdir(parents=True)
    parts = {"python": shlex.quote(sys.executable), "log": shlex.quote(str(log))}
    script.write_text(WRAPPER.format(**parts))
    script.chmod(0o755)
    return log


def repro(checkout: Path, log: Path) -> Run:
    """Run `dvc repro`, showing what it prints."""
    log.unlink(missing_ok=True)
    environment = {**os.environ, "VIRTUAL_ENV": str(log.parent / "environment")}
    begun = time.monotonic()
    lines = []
    with subprocess.Popen(
        [Path(sys.executable).with_name("dvc"), "repro"],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    seconds = time.monotonic() - begun
    if process.returncode:
        raise SystemExit(f"dvc repro ended with status {process.returncode}")
    return Run("\n".join(lines), seconds, lifetimes(log))


def lifetimes(log: Path) -> list[tuple[str, float]]:
    """Read the wrapper's notes."""
    lines = log.read_text().splitlines() if log.exists() else []
    rows = [line.split() for line in lines]
    return [
        (name.removeprefix("stages."), float(end) - float(begun))
        for begun, end, name in rows
    ]


def worked(output: str) -> dict[str, float]:
    """Sum up the seconds that the closing lines of each stage state."""
    seconds: dict[str, float] = defaultdict(float)
    for line in output.splitlines():
        if match := CLOSING_LINE.match(line):
            seconds[match[1]] += float(match[3])
    return seconds


def show(run: Run) -> None:
    """Print the table by stage."""
    lived: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for name, seconds in run.processes:
        lived[name] += seconds
        count[name] += 1
    work = worked(run.output)
    print(f"\n{'stage':10} {'runs':>5} {'starting, s':>12} {'working, s':>11}")
    for name in lived:
        starting = lived[name] - work[name]
        print(f"{name:10} {count[name]:5} {starting:12.1f} {work[name]:11.1f}")


def main() -> None:
    """Measure a fresh clone and print the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", default="HEAD", help="what to measure")
    commit = parser.parse_args().commit
    with tempfile.TemporaryDirectory(prefix="biospike-repro-") as folder:
        checkout = clone(commit, Path(folder))
        log = wrap_python(Path(folder))
        first = repro(checkout, log)
        show(first)
        second = repro(checkout, log)
        n_lines = len((checkout / "dvc.lock").read_text().splitlines())
    n_stages = len(first.processes)
    dvc = first.seconds - sum(seconds for _, seconds in first.processes)
    print(
        f"repro {first.seconds:.0f} s, DVC {dvc / n_stages:.2f} s a stage, "
        f"{n_stages} stages, no-op {second.seconds:.1f} s, lock {n_lines} lines"
    )


if __name__ == "__main__":
    main()
