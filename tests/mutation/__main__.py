"""`python -m tests.mutation --n 50 --seed 1`: break, test, put back, count."""

import argparse
import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutation.choosing import closest, imported, importers
from tests.mutation.drawing import drawn
from tests.mutation.running import Copy, copied

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "stages")


def main() -> int:
    """Run mutants; the exit status is 1 if one survives or no test is close to it."""
    arguments = _arguments()
    sample = drawn(ROOT, arguments.places, arguments.n, arguments.seed)
    by = importers(PACKAGES)
    tests = imported(ROOT, by)
    counts = Counter[str]()
    _point_to_recordings()
    with TemporaryDirectory() as folder:
        copied(ROOT, Path(folder))
        copy = Copy(Path(folder))
        for mutant in sample:
            outcome = copy.judge(mutant, closest(mutant.path, by, tests))
            counts[outcome.kind] += 1
            last = outcome.tests[-1] if outcome.kind in ("killed", "timed out") else ""
            print(f"{outcome.kind:9}  {mutant}  {last}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    return int(counts["survived"] + counts["untested"] > 0)


def _point_to_recordings() -> None:
    """Let tests in the copy find the real recordings beside this checkout."""
    beside = ROOT.parent / "shared" / "data"
    if beside.is_dir():
        os.environ.setdefault("BIOSPIKE_MIRROR", str(beside))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.mutation", description=__doc__)
    parser.add_argument("--n", type=int, default=20, help="mutants (default: 20)")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the sample (default: 1)"
    )
    parser.add_argument(
        "places", nargs="*", default=["pipeline"], help="files or folders to break"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
