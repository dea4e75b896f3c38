"""Measure whether randomness in the spikes hides who was in the training set.

    .venv/bin/python benchmarks/privacy_codes.py DIR --seeds 3
    .venv/bin/python benchmarks/privacy_codes.py DIR --wider      # with `rate` alone
    .venv/bin/python benchmarks/privacy_codes.py DIR --dataset mitdb_ds1

Codes with and without randomness, with `lif` and `ann`: each cell is trained,
evaluated, billed, and audited in a clone of this checkout for every seed, in DIR. A
seed draws other networks, other spikes and, where persons are simulated, other persons.
`--wider` audits the other models, and `lif` with fewer and more steps a window
(`ecg_demo` alone). What is done is kept, and the same command goes on; after each cell
it prints what there is, as Markdown.

Balanced accuracy is of persons whom no network of their fold was trained on. Attacks
are on persons, by their training recordings; each column is an AUC: of RMIA, by what
the attacker has (the stored spikes, those less 1 %, one new draw of a random code, or
as many draws as the user averages), and, with the stored spikes, of confidence alone
and of the losses after every epoch, which no outsider has. Energy is estimated of a
window, int8 with memory, of the network without the encoder; bytes are those of its
weights, constants and states.
"""

import argparse
import copy
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from _audited_cells import (
    audit,
    audited,
    cloned,
    interval,
    make,
    of_persons,
    read,
)

from pipeline.runs import INT8_HEADLINE

CODES = ("delta", "rate", "poisson_burst", "delayed_burst")
MODELS = ("lif", "ann")
WIDER_MODELS = ("linear", "polynomial", "stdp")
SAMPLED_HZ = (90, 250)
"""Besides the 125 Hz of `ecg_demo`: 225 and 625 steps a window, not 312."""

TPR_AT = "0.01"
COLUMNS = (
    "cell",
    "seed",
    "accuracy",
    "stored spikes",
    "1 % dropped, averaged",
    "one new draw",
    "new draws, averaged",
    "confidence",
    "losses of all epochs",
    "highest TPR at 1 %",
    "energy, µJ",
    "bytes",
)
ATTACKS = (
    ("RMIA", "stored"),
    ("RMIA", "dropout"),
    ("RMIA", "once"),
    ("RMIA", "draws"),
    ("confidence", "stored"),
    ("trajectory", "stored"),
)


def describe(params: dict[str, Any], dataset: str, seed: int) -> None:
    """Set the seed, and name the cells of the grid."""
    params["seed"] += seed
    for sfreq in SAMPLED_HZ:
        sampled = copy.deepcopy(params["datasets"]["ecg_demo"])
        sampled["signal"]["sfreq"] = sfreq
        params["datasets"][sampled_name(sfreq)] = sampled
    wider = [sampled_name(sfreq) for sfreq in SAMPLED_HZ]
    grid = params["grid"]
    grid["dataset"] = [dataset, *(wider if dataset == "ecg_demo" else ())]
    grid["encoder"], grid["model"] = [*CODES], [*MODELS, *WIDER_MODELS]


def sampled_name(sfreq: float) -> str:
    """Name the simulated persons at another sampling rate."""
    return f"ecg_demo_{sfreq:g}hz"


def cells(dataset: str, wider: bool) -> list[str]:
    """Name the cells that are asked for."""
    if wider:
        others = [f"ecg_demo-rate-{model}" for model in WIDER_MODELS]
        return [*others, *(f"{sampled_name(sfreq)}-rate-lif" for sfreq in SAMPLED_HZ)]
    return [f"{dataset}-{code}-{model}" for model in MODELS for code in CODES]


def lines(folder: Path, asked: Sequence[str], seeds: int) -> Iterator[str]:
    """Write what there is, a line a cell and seed."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"| {' | '.join(['---'] * len(COLUMNS))} |"
    for cell in asked:
        for seed in range(seeds):
            clone = folder / f"seed-{seed}"
            if audited(clone, cell):
                yield f"| `{cell}` | {seed} | {' | '.join(row(clone, cell))} |"


def row(clone: Path, cell: str) -> Iterator[str]:
    """Write the figures of a cell; a dash where there is none."""
    kinds = ("metrics/metrics", "audits/audit", "energy/energy")
    metrics, found, energy = (read(clone, kind, cell) for kind in kinds)
    yield interval(metrics["balanced_accuracy"])
    attacks = {
        (each["attack"], each["way"]): each
        for each in of_persons(found)
        if each["queries"] == "training recordings"
    }
    for attack in ATTACKS:
        yield interval(attacks[attack]["auc"]) if attack in attacks else "–"
    rates = [each["tpr"][TPR_AT] for each in attacks.values()]
    known = [each for each in rates if each["value"] is not None]
    yield f"{max(each['value'] for each in known):.3f}" if known else "–"
    yield from billed(energy["int8"])


def billed(bill: dict[str, Any]) -> Iterator[str]:
    """Write energy and bytes of the int8 network; a dash where it has none."""
    if "counted" not in bill:
        yield from ("–", "–")
        return
    yield f"{bill['estimated'][INT8_HEADLINE]['energy_uj_per_window']:.3g}"
    counted = bill["counted"]
    yield f"{counted['footprint_bytes'] + counted['state_bytes']}"


def main() -> None:
    """Make what is not made yet, seed after seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=1, help="default: 1")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--dataset", default="ecg_demo", help="default: ecg_demo")
    which.add_argument("--wider", action="store_true")
    given = parser.parse_args()
    folder, asked = given.folder.resolve(), cells(given.dataset, given.wider)
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(given.seeds):
        clone = folder / f"seed-{seed}"
        cloned(clone, partial(describe, dataset=given.dataset, seed=seed))
        for cell in asked:
            make(clone, "evaluate", cell)
            make(clone, "profile", cell)
            audit(clone, cell)
            print("\n".join(lines(folder, asked, given.seeds)), flush=True)


if __name__ == "__main__":
    main()
