"""`python -m tests.fuzz --n 10000 --seed 1`: mutate, take in, judge, count."""

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.parallel import progress_bar
from tests.fuzz.corpus import collect, mirror
from tests.fuzz.items import Item
from tests.fuzz.judging import describe
from tests.fuzz.mutants import mutant
from tests.fuzz.running import attempts
from tests.fuzz.trying import write
from tests.fuzz.working import Result

BAD = ("wrong", "crashed", "hung")
SHOWN = 1500
"""Characters of a reason that are printed; the kept file has all."""


def main() -> int:
    """Run mutants, and give the exit status."""
    arguments = _arguments()
    items = collect(arguments.data)
    where = arguments.data or "simulated files only"
    print(f"{len(items)} items ({where}), seed {arguments.seed}")
    if not _sound(items, arguments.seed):
        return 2
    numbers = [arguments.only] if arguments.only is not None else range(arguments.n)
    counts, seconds, most = Counter[str](), 0.0, 0.0
    begun = time.monotonic()
    with progress_bar() as bar:
        task = bar.add_task("mutants", total=len(numbers))
        for result in attempts(items, arguments.seed, numbers):
            bar.advance(task)
            counts[result.verdict.kind] += 1
            seconds += result.seconds
            most = max(most, result.megabytes)
            if result.verdict.kind in BAD or arguments.only is not None:
                _show(result, arguments.seed)
            if result.verdict.kind in BAD:
                _keep(result, items, arguments.seed, arguments.keep)
    took = time.monotonic() - begun
    each = 1000 * seconds / max(1, len(numbers))
    print(f"{took:.0f} s, {each:.0f} ms a mutant, {most:.0f} MB a process at most")
    print(last_line(counts))
    return int(any(counts[kind] for kind in BAD))


def last_line(counts: Counter[str]) -> str:
    """Count the mutants by what became of them."""
    bad = ", ".join(f"{counts[kind]} {kind}" for kind in BAD)
    right, refused = counts["right"], counts["refused"]
    return f"{counts.total()} mutants: {right} right, {refused} refused, {bad}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="number of mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one mutant")
    parser.add_argument("--data", type=Path, default=mirror(), help="a mirror")
    parser.add_argument("--simulated", action="store_true", help="no real recordings")
    parser.add_argument(
        "--keep", type=Path, default=Path(".fuzz"), help="folder for the bad ones"
    )
    arguments = parser.parse_args()
    if arguments.simulated:
        arguments.data = None
    return arguments


def _sound(items: Sequence[Item], seed: int) -> bool:
    """Try the items themselves: each must be right."""
    sound = True
    for result in attempts(items, seed, [-1 - k for k in range(len(items))]):
        if result.verdict.kind != "right":
            sound = False
            _show(result, seed)
    return sound


def _show(result: Result, seed: int) -> None:
    kind, why = result.verdict.kind, result.verdict.why
    print(f"{kind}: {result.item}, {result.what}")
    print(f"    {why[-SHOWN:]}".replace("\n", "\n    "))
    if result.number >= 0:
        print(f"    python -m tests.fuzz --seed {seed} --only {result.number}")
    sys.stdout.flush()


def _keep(result: Result, items: Sequence[Item], seed: int, keep: Path) -> None:
    """Keep a mutant's files, with what was expected."""
    folder = keep / f"{seed}-{result.number}-{result.item}"
    shutil.rmtree(folder, ignore_errors=True)
    item, what = mutant(items, seed, result.number)
    write(folder / "files", dict(item.files))
    text = f"{result.verdict.kind}: {what}\n{result.verdict.why}\n{describe(item)}\n"
    (folder / "judged.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
