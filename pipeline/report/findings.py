"""The contents of the report, gathered from the files of the grid's cells.

Everything here is plain JSON and repeats byte for byte; what depends on the machine is
read apart, by `measured`.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import files, seeds
from pipeline.evaluation.comparison import COLUMNS, compare
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.evaluation.statistics import Test, holm
from pipeline.evaluation.subgroups import subgroups
from pipeline.report.dynamics import learned
from pipeline.roles import known
from pipeline.runs import uj_per_window

Names = tuple[str, str, str]
"""Data set, encoder and model of a cell."""

Plain = dict[str, Any]


def gather(
    cells: Sequence[Names],
    cards: Mapping[str, Mapping[str, Any]],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> Plain:
    """Gather what the report shows of all cells and their data sets."""
    each = [cell_findings(names, settings, seed=seed) for names in cells]
    found = _with_matched(each)
    datasets = list(dict.fromkeys(names[0] for names in cells))
    return {
        "cells": found,
        "datasets": {
            dataset: {
                **dict(cards[dataset]),
                **recordings(dataset),
                **windows(dataset),
                "detector": detector(dataset),
                "clock": files.load_json(clock_file(dataset, "clock.json")),
                "tests": tests(
                    [names for names in cells if names[0] == dataset],
                    settings,
                    seed=seed,
                ),
            }
            for dataset in datasets
        },
        "interval": settings.model_dump(),
    }


def best_cell(cells: Sequence[Plain]) -> Plain:
    """Find the most accurate spiking cell; the most accurate, if none spikes."""
    spiking = [cell for cell in cells if cell["spiking"]]
    return max(
        spiking or cells,
        key=lambda cell: cell["metrics"]["balanced_accuracy"]["value"] or 0.0,
    )


def cell_findings(names: Names, settings: EvaluationSettings, *, seed: int) -> Plain:
    """Read what is known of a cell: its run, metrics, energy and what it learned."""
    name = "-".join(names)
    run = files.load_json(files.folder("runs", name) / "run.json")
    energy = files.load_json(files.folder("energy", name) / "energy.json")
    return {
        "cell": name,
        **dict(zip(("dataset", "encoder", "model"), names, strict=True)),
        "spiking": _spikes(run["settings"]),
        "labels": run["labels"],
        "run": {key: run[key] for key in ("run_key", "settings", "folds")},
        "metrics": files.load_json(files.folder("metrics", name) / "metrics.json"),
        "energy": energy,
        "uj_per_window": uj_per_window(energy),
        "learned": learned(name),
        "subgroups": subgroups(
            files.load_table(files.folder("runs", name) / "predictions.parquet"),
            files.load_table(_recordings(names[0])).query("status == 'used'"),
            run["labels"],
            settings,
            seed=seed,
        ),
    }


def _spikes(settings: Mapping[str, Any]) -> bool:
    """Whether a model has neurons, and they spike."""
    has_neurons = bool(settings["network"].get("units") != [])
    return has_neurons and bool(settings["neuron"]["name"] != "relu")


def _with_matched(cells: list[Plain]) -> list[Plain]:
    """Set the energy of the same network with ReLU beside each spiking cell."""
    anns = {_topology(cell): cell for cell in cells if not cell["spiking"]}
    twins = [anns.get(_topology(cell), {}) if cell["spiking"] else {} for cell in cells]
    return [
        {**cell, "matched_ann": twin.get("cell")}
        | {"ann_uj_per_window": twin.get("uj_per_window")}
        for cell, twin in zip(cells, twins, strict=True)
    ]


def _topology(cell: Plain) -> str:
    settings = cell["run"]["settings"]
    made = [settings.get(part) for part in ("network", "sparsity")]
    return files.dump_json([cell["dataset"], cell["encoder"], *made])


def _recordings(dataset: str) -> Path:
    return files.folder("recordings", dataset) / "recordings.parquet"


def recordings(dataset: str) -> Plain:
    """Count subjects, recordings and files; list recordings that are not used."""
    folder = files.folder("recordings", dataset)
    table = files.load_table(_recordings(dataset))
    used = table[table["status"] == "used"]
    missing = table[table["status"] != "used"].sort_values(["status", "subject"])
    quality = ["flat_share", "clipped_share", "line_noise_share"]
    return {
        "subjects": int(known(used["subject"]).nunique()),
        "recordings": len(used),
        "hours": float(used["duration_s"].sum() / 3600),
        "sfreq": sorted({float(rate) for rate in used["sfreq"]}),
        "channels": sorted({int(number) for number in used["n_channels"]}),
        "unlabelled": _unlabelled(used["left_out"]),
        "files": files.load_json(folder / "files.json"),
        "label_names": files.load_json(folder / "labels.json"),
        "quality": {name: _number(used[name].max()) for name in quality},
        "numbers": _ranges(used["numbers"]),
        "missing": missing[["status", "subject", "recording", "reason"]].to_dict(
            "records"
        ),
    }


def _ranges(numbers: pd.Series) -> dict[str, list[float]]:
    """Give the least and the largest of each number that a data set states."""
    table = pd.DataFrame(map(json.loads, numbers)).dropna(axis="columns", how="all")
    return {
        str(name): [float(table[name].min()), float(table[name].max())]
        for name in table
    }


def _unlabelled(left_out: pd.Series) -> dict[str, int]:
    """Add up why annotations of a data set are left out."""
    return dict(sum(map(Counter, map(json.loads, left_out)), Counter[str]()))


def windows(dataset: str) -> Plain:
    """Count the windows that are used, and the others by label and reason."""
    table = files.load_table(files.folder("windows", dataset) / "windows.parquet")
    used = table[table["reason"] == ""]
    spared = table[table["reason"] != ""]
    kinds = spared["reason"].map(lambda reason: re.sub(r"\d+(\.\d+)?", "…", reason))
    counts = Counter(zip(kinds, spared["label"], strict=True))
    return {
        "windows": {str(k): int(n) for k, n in used["label"].value_counts().items()},
        "not_used": [
            {"reason": reason, "label": label, "windows": n}
            for (reason, label), n in sorted(counts.items())
        ],
    }


def detector(dataset: str) -> Plain | None:
    """Pool the beat detector's agreement with the annotations; None without one."""
    path = files.folder("windows", dataset) / "beats.parquet"
    if not path.exists():
        return None
    table = files.load_table(path)
    totals = table[["annotated", "detected", "true_positives"]].sum()
    annotated, detected, true = (int(n) for n in totals)
    return {
        "annotated": annotated,
        "detected": detected,
        "sensitivity": true / annotated if annotated else None,
        "positive_predictivity": true / detected if detected else None,
        "lowest_sensitivity": _number(table["sensitivity"].min()),
        "lowest_positive_predictivity": _number(table["positive_predictivity"].min()),
    }


def clock_file(dataset: str, name: str) -> Path:
    """Name a file of what the stage `clock` found."""
    return files.folder("clock", dataset) / name


def _number(value: float) -> float | None:
    """JSON has no NaN: what was not measured is null."""
    return None if pd.isna(value) else float(value)


def tests(
    cells: Sequence[Names], settings: EvaluationSettings, *, seed: int
) -> list[Plain]:
    """Test every pair of models that share a data set's encoder.

    p values are corrected over all pairs of the data set (Holm).
    """
    pairs = [
        (first, second)
        for first, second in combinations(sorted(cells), 2)
        if first[:2] == second[:2]
    ]
    predicted = {names: _predicted(names) for names in set(chain(*pairs))}
    found = [_test(pair, predicted, settings, seed=seed) for pair in pairs]
    sound = [test.p for test in found if test.p is not None]
    corrected = iter(holm(sound))
    return [
        {
            "encoder": first[1],
            "models": [first[2], second[2]],
            **asdict(test if test.p is None else replace(test, p_holm=next(corrected))),
        }
        for (first, second), test in zip(pairs, found, strict=True)
    ]


def _predicted(names: Names) -> tuple[pd.DataFrame, list[str]]:
    """Read what a cell predicted, as far as tests need it, and its classes."""
    folder = files.folder("runs", "-".join(names))
    table = files.load_table(folder / "predictions.parquet")[COLUMNS]
    return table, files.load_json(folder / "run.json")["labels"]


def _test(
    pair: tuple[Names, Names],
    predicted: Mapping[Names, tuple[pd.DataFrame, list[str]]],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> Test:
    """Compare two cells on the windows that both predicted."""
    (ours, labels), (theirs, _) = (predicted[names] for names in pair)
    first, second = pair
    rng = seeds.generator(seed, "test", *first, second[2])
    return compare(ours, theirs, labels, settings, rng)


def subjects(cell: str) -> pd.DataFrame:
    """Read a cell's table of subjects."""
    path = files.folder("metrics", cell) / "subjects.csv"
    return pd.read_csv(path, converters={"subject": str})


def clock_subjects(dataset: str, classifier: str) -> pd.Series:
    """Read how well one of the clock's classifiers does on each subject."""
    path = clock_file(dataset, "subjects.csv")
    table = pd.read_csv(path, dtype={"subject": str})
    return table.set_index("subject")[classifier]


def history(cell: str) -> pd.DataFrame:
    """Read a cell's learning curves."""
    return pd.read_csv(files.folder("runs", cell) / "history.csv")


def skipped(curves: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """Count the steps that training did not take, of models of which it left any."""
    counts = {
        title: int(curve.get("skipped", pd.Series(0)).sum())
        for title, curve in curves.items()
    }
    return {title: count for title, count in counts.items() if count}
