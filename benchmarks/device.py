"""What networks score and cost on a device, running on and restarting, over seeds.

    python benchmarks/device.py ecg_demo emg_demo eeg_demo --seeds 3

The spikes must be there (`dvc repro encode@ecg_demo-delta`). Each model is trained both
ways, put in integers, billed, and emulated on a Cortex-M4 (docs/energy.md lists the
tools). Cells lie in `.device`, which may be removed at any time; those that are done
are used again, so a run that was stopped goes on by the same command. The tables lie in
`.device/DATASET.md`, and grow by seed: means, and the least to the greatest. Accuracy
is of all folds' test decisions, energy is estimated at 45 nm with memory, of encoder
and network, and instructions, flash and RAM are of the first fold's program.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from _device_cells import WORK, Contestant, instructions, score
from _kept_cells import Progress, Score

from pipeline import files
from pipeline.parallel import console
from pipeline.report.device import MACHINE

WAYS = {False: "runs on", True: "restarts"}

PARTS = {
    "encoder": ("encoder",),
    "arithmetic": (
        "accumulates",
        "multiply_accumulates",
        "membrane_updates",
        "rescalings",
        "addresses",
    ),
    "weights": ("memory_weights", "memory_biases"),
    "constants": ("memory_constants",),
    "states": ("memory_states",),
    "sums": ("memory_sums",),
    "spikes, values": ("memory_spikes", "memory_values"),
}
"""Columns of the table of parts, and what of a bill each has: all, between them."""

Done = tuple[Contestant, list[Score]]


def scored(contestants: Sequence[Contestant], n_seeds: int) -> Iterator[list[Done]]:
    """Score all, seed by seed; gives what is there after each, and reports progress."""
    jobs = list(product(range(n_seeds), contestants))
    progress = Progress(len(jobs))
    done: dict[Contestant, list[Score]] = {}
    for number, (seed, contestant) in enumerate(jobs, 1):
        new = score(contestant, seed)
        done.setdefault(contestant, []).append(new)
        what = f"{contestant.dataset} {contestant.name}, seed {seed}"
        progress.report(number, what, new)
        yield list(done.items())


def lines(done: Sequence[Done]) -> Iterator[str]:
    """Write the tables, a line a contestant; what is absent has its reason."""
    there = [each for each in done if not _reasons(each)]
    if there:
        yield _row(
            "model", "seeds", "int8 balanced accuracy", "macro F1", "float32",
            "µJ a second", "10³ instructions a second", "flash, bytes", "RAM, bytes",
        )  # fmt: skip
        yield _row(*["---"] * 9)
        yield from (_costs(*each) for each in there)
        yield ""
        yield _row("µJ a second", *PARTS, "front end, 10³ instructions", "network")
        yield _row(*["---"] * (len(PARTS) + 3))
        yield from (line for each in there for line in _parts(*each))
        yield ""
    for each in done:
        if reasons := _reasons(each):
            yield f"- `{each[0].name}` is absent: {reasons}"


def _reasons(done: Done) -> str:
    """Join the reasons why a contestant has no figures."""
    found = {each.found.get("absent", "") for each in done[1]}
    return "; ".join(sorted(found - {""}))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _title(contestant: Contestant) -> str:
    return f"`{contestant.model}`, {WAYS[contestant.restarts]}"


def _costs(contestant: Contestant, scores: Sequence[Score]) -> str:
    """Write what a contestant scores and takes."""
    way = WAYS[contestant.restarts]

    def device(name: str) -> str:
        return spread(
            scores, lambda found: found["emulated"].get(MACHINE, {}).get(name)
        )

    return _row(
        _title(contestant),
        str(len(scores)),
        spread(scores, lambda found: found["scores"]["int8"]["balanced_accuracy"]),
        spread(scores, lambda found: found["scores"]["int8"]["macro_f1"]),
        spread(scores, lambda found: found["scores"]["float32"]["balanced_accuracy"]),
        spread(scores, lambda found: sum(found["ways"][way].values())),
        spread(scores, lambda found: thousands(found, way)),
        device("flash_bytes"),
        device("ram_bytes"),
    )


def _parts(contestant: Contestant, scores: Sequence[Score]) -> Iterator[str]:
    """Write what each part takes, also of the same network had it restarted."""
    for way in reversed(list(scores[0].found["ways"])):
        same = way != WAYS[contestant.restarts]
        figures = [
            f"{np.mean([_part(each.found['ways'][way], kinds) for each in scores]):.3g}"
            for kinds in PARTS.values()
        ]
        spent = [
            spread(scores, lambda found, w=way, p=part: thousands(found, w, p))
            for part in ("front end", "network")
        ]
        title = _title(contestant) + ", had it restarted" * same
        yield _row(title, *figures, *spent)


def _part(parts: Mapping[str, float], kinds: Sequence[str]) -> float:
    if unknown := set(parts) - {kind for kinds in PARTS.values() for kind in kinds}:
        raise ValueError(f"no column of the table has {', '.join(sorted(unknown))}")
    return sum(parts.get(kind, 0.0) for kind in kinds)


def thousands(found: Mapping[str, Any], way: str, part: str = "") -> float | None:
    """Give thousands of instructions a second, of all parts or one."""
    spent = instructions(found, way)
    if spent is None:
        return None
    return (spent[part] if part else sum(spent.values())) / 1e3


def spread(scores: Sequence[Score], value: Callable[[Any], float | None]) -> str:
    """Write a mean over seeds, with the least and the greatest; a dash without."""
    values = [value(each.found) for each in scores]
    known = [each for each in values if each is not None]
    if len(known) < len(values):
        return "–"
    mean, least, most = (figure(f(known)) for f in (np.mean, min, max))
    return mean if least == most else f"{mean} ({least}–{most})"


def figure(value: float) -> str:
    """Write three digits, or all of an integer."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def main() -> None:
    """Score the models of each data set, and write its tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+", metavar="DATASET")
    parser.add_argument("--encoder", default="delta", help="default: delta")
    parser.add_argument("--models", nargs="+", default=["lif", "ann"])
    parser.add_argument("--seeds", type=int, default=3, help="default: 3")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for dataset in asked.datasets:
        every = [
            Contestant(dataset, asked.encoder, model, restarts)
            for model, restarts in product(asked.models, WAYS)
        ]
        path = WORK / f"{dataset}.md"
        for done in scored(every, asked.seeds):
            with files.replacing(path) as partial:
                title = f"`{dataset}`, `{asked.encoder}`"
                partial.write_text("\n".join([title, "", *lines(done), ""]))
        console.print(path.read_text(), markup=False)


if __name__ == "__main__":
    main()
