"""Measure whether randomness in the spikes hides who was in the training set.

    .venv/bin/python benchmarks/privacy_codes.py DIR --seeds 3
    .venv/bin/python benchmarks/privacy_codes.py DIR --wider      # with `rate` alone
    .venv/bin/python benchmarks/privacy_codes.py DIR --dataset mitdb_ds1

Codes with and without randomness, with `lif` and `ann`: each cell is trained,
evaluated, billed, and audited in a clone of this checkout for every seed, in DIR. A
seed draws other networks, other spikes and, where persons are simulated, other persons.
`--wider` audits the other models, and `lif` with fewer and more steps a window
(`ecg_demo` alone). Other data sets are large: six networks are audited, not eight.
What is done is kept, and the same command goes on; after each cell it prints what there
is, as Markdown.

Balanced accuracy is of persons whom no network of their fold was trained on. Attacks
are on persons, by their training recordings; each column is an AUC: of RMIA, by what
the attacker has (the stored spikes, those less 1 %, one new draw of a random code, or
as many draws as the user averages), and, with the stored spikes, of confidence alone
and of the losses after every epoch, which no outsider has. Energy is estimated of a
window, int8 with memory, of the network without the encoder; bytes are those of its
weights, constants and states; the time is that of training all folds, on the clock.
"""

import argparse
import copy
import statistics
from collections.abc import Callable, Iterator, Sequence
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

MODELS_OF_OTHERS = 6
"""Networks that are audited where the data set is not `ecg_demo`."""

TPR_AT = "0.01"
ATTACKS = {
    "RMIA, stored spikes": ("RMIA", "stored"),
    "RMIA, 1 % dropped, averaged": ("RMIA", "dropout"),
    "RMIA, one new draw": ("RMIA", "once"),
    "RMIA, new draws, averaged": ("RMIA", "draws"),
    "confidence, stored spikes": ("confidence", "stored"),
    "confidence, one new draw": ("confidence", "once"),
    "losses of all epochs": ("trajectory", "stored"),
}
TIME = "training, s"
PLAIN = {"highest TPR at 1 %": ".3f", "energy, µJ": ".3g", "bytes": ".0f", TIME: ".0f"}
"""Columns without an interval, and how they are written."""
COLUMNS = ("accuracy", *ATTACKS, *PLAIN)

Figures = dict[str, dict[str, float]]
"""What was measured, by column: a value, perhaps with an interval."""
Write = Callable[[dict[str, float]], str]


def describe(params: dict[str, Any], dataset: str, seed: int) -> None:
    """Set the seed and how many networks are audited; name the cells of the grid."""
    params["seed"] += seed
    for sfreq in SAMPLED_HZ:
        sampled = copy.deepcopy(params["datasets"]["ecg_demo"])
        sampled["signal"]["sfreq"] = sfreq
        params["datasets"][sampled_name(sfreq)] = sampled
    if dataset != "ecg_demo":
        params["audit"]["models"] = MODELS_OF_OTHERS
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
    """Write what there is: a line a cell and seed, and means over several seeds."""
    made = {
        cell: {
            seed: figures(clone, cell)
            for seed in range(seeds)
            if audited(clone := folder / f"seed-{seed}", cell)
        }
        for cell in asked
    }
    yield from heading("seed")
    for cell, found in made.items():
        for seed, each in found.items():
            yield line(cell, seed, each, interval)
    yield from ("", *heading("seeds"))
    for cell, found in made.items():
        if len(found) > 1:
            yield line(cell, len(found), over_seeds([*found.values()]), spread)


def heading(second: str) -> Iterator[str]:
    """Write the head of a table."""
    yield f"| {' | '.join(['cell', second, *COLUMNS])} |"
    yield f"| {' | '.join(['---'] * (2 + len(COLUMNS)))} |"


def line(cell: str, second: int, each: Figures, write: Write) -> str:
    """Write the figures of a cell; a dash where there is none."""
    written = {
        name: format(value["value"], PLAIN[name]) if name in PLAIN else write(value)
        for name, value in each.items()
    }
    values = (written.get(name, "–") for name in COLUMNS)
    return f"| {' | '.join([f'`{cell}`', f'{second}', *values])} |"


def over_seeds(found: Sequence[Figures]) -> Figures:
    """Take the mean of every value over the seeds, with the least and the greatest.

    Of the time take the median: other work lengthens it, and what a killed run kept
    shortens it.
    """
    means = {name: summed([each[name]["value"] for each in found]) for name in found[0]}
    times = [each[TIME]["value"] for each in found]
    return means | {TIME: {"value": statistics.median(times)}}


def summed(values: Sequence[float]) -> dict[str, float]:
    """Give the mean, the least and the greatest."""
    return {"value": statistics.mean(values), "low": min(values), "high": max(values)}


def spread(each: dict[str, float]) -> str:
    """Write a mean with the least and the greatest."""
    return f"{each['value']:.3f} ({each['low']:.3f}–{each['high']:.3f})"


def figures(clone: Path, cell: str) -> Figures:
    """Read what was measured of a cell."""
    kinds = ("metrics/metrics", "audits/audit", "energy/energy")
    metrics, found, energy = (read(clone, kind, cell) for kind in kinds)
    attacks = {
        (each["attack"], each["way"]): each
        for each in of_persons(found)
        if each["queries"] == "training recordings"
    }
    rates = [each["tpr"][TPR_AT]["value"] for each in attacks.values()]
    known = [rate for rate in rates if rate is not None]
    trained = read(clone, f"measured/train@{cell}", "stages")  # of all cells there
    return {
        "accuracy": metrics["balanced_accuracy"],
        **{
            name: attacks[attack]["auc"]
            for name, attack in ATTACKS.items()
            if attack in attacks
        },
        **({"highest TPR at 1 %": {"value": max(known)}} if known else {}),
        **billed(energy["int8"]),
        TIME: {"value": trained["seconds"]},
    }


def billed(bill: dict[str, Any]) -> Figures:
    """Read energy and bytes of the int8 network; nothing where it has none."""
    if "counted" not in bill:
        return {}
    energy = bill["estimated"][INT8_HEADLINE]["energy_uj_per_window"]
    size = bill["counted"]["footprint_bytes"] + bill["counted"]["state_bytes"]
    return {"energy, µJ": {"value": energy}, "bytes": {"value": size}}


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
