"""The content of a data set's section on the page, beside the findings."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline import files
from pipeline.evaluation.clock import TITLES
from pipeline.measurement import measured
from pipeline.plots.scores import scores
from pipeline.plots.style import Picture
from pipeline.report import (
    answers,
    card,
    clock,
    cold,
    decisions,
    device,
    dynamics,
    encodings,
    figures,
    findings,
    forest,
    pairs,
    plasticity,
    privacy,
    tradeoffs,
)
from pipeline.runs import flatten

Plain = dict[str, Any]

MOST_ENTRIES = 10_000
"""Entries of all confusion matrices of a data set."""
MOST_MARKED = 6
"""Models in the figure of persons: of more, some would share a mark."""


def section(found: Plain, dataset: str, most: int) -> Plain:
    """Gather what the page shows of one data set beside the findings.

    Parameters
    ----------
    found : dict
        As `findings.gather` gives it.
    dataset : str
    most : int
        Cells that are shown in detail, the most accurate.
    """
    cells = [cell for cell in found["cells"] if cell["dataset"] == dataset]
    labels = cells[0]["labels"]
    classes = class_names(found, dataset, labels)
    names = {cell["cell"]: device.title(cell) for cell in cells}
    detailed = most_accurate(cells, most)
    n_matrices = max(1, MOST_ENTRIES // len(labels) ** 2)
    tables = {
        names[cell["cell"]]: findings.subjects(cell["cell"])
        for cell in most_accurate(cells, MOST_MARKED)
    }
    curves = {names[cell["cell"]]: findings.history(cell["cell"]) for cell in detailed}
    here = {
        cell["cell"]: measured.load(cell["cell"], cell["run"]["run_key"])
        for cell in cells
    }
    chance = cells[0]["metrics"]["prior"]["value"]
    without_signal = found["datasets"][dataset]["clock"]
    best_clock = without_signal["best"]
    by_clock = findings.clock_subjects(dataset, best_clock)
    return {
        "name": dataset,
        **found["datasets"][dataset],
        "labels": labels,
        "names": classes,
        "cells": cells,
        "detailed": detailed,
        "matrices": most_accurate(detailed, n_matrices),
        "marked": len(tables),
        **answered(found, dataset, cells),
        "best": (best := findings.best_cell(cells)),
        "decisions": decisions.shown(best["cell"], classes),
        "card": card.shown(
            found["datasets"][dataset],
            best,
            confidence=found["interval"]["confidence"],
        ),
        "chance": chance,
        "warning": clock.warning(cells),
        "cold": cold.lines(cells),
        "clocks": clock.shown(without_signal),
        "clock_value": without_signal[best_clock]["balanced_accuracy"]["value"],
        "measured": here,
        "meters": meters(here),
        **device.shown(cells, here),
        "front": tradeoffs.of_cells(cells),
        "tradeoff": tradeoffs.shown(dataset),
        "subjects_picture": figures.subjects(
            tables, by_clock.rename(TITLES[best_clock]), chance
        )
        if len(by_clock)
        else None,
        "learning_picture": figures.learning(curves, chance),
        "gradient_picture": figures.gradients(curves),
        "skipped": findings.skipped(curves),
        "dynamics": [each for cell in detailed if (each := dynamics.shown(cell))],
        "plasticity": [each for cell in detailed if (each := plasticity.shown(cell))],
        "example": example(dataset, cells, classes),
        "encodings": encodings.shown(dataset, cells),
        "privacy": privacy.shown(dataset, cells),
        "settings": settings_table(detailed),
        "scheme": cells[0]["run"]["settings"].get("folds", {}).get("scheme"),
    }


def most_accurate(cells: Sequence[Plain], most: int) -> list[Plain]:
    """Choose the most accurate cells, in their order."""
    ranked = sorted(
        cells, key=lambda c: -(c["metrics"]["balanced_accuracy"]["value"] or 0.0)
    )
    chosen = {cell["cell"] for cell in ranked[:most]}
    return [cell for cell in cells if cell["cell"] in chosen]


def answered(found: Plain, dataset: str, cells: Sequence[Plain]) -> Plain:
    """Gather what the page shows first: the answer, and all models in a picture."""
    here, confidence = found["datasets"][dataset], found["interval"]["confidence"]
    rows = [
        {"title": device.title(cell), "spiking": cell["spiking"]}
        | cell["metrics"]["balanced_accuracy"]
        for cell in cells
    ]
    clock = here["clock"][here["clock"]["best"]]["balanced_accuracy"]["value"]
    chance = cells[0]["metrics"]["prior"]["value"]
    answer = answers.shown(cells, here["tests"], confidence=confidence)
    return {
        "answer": answer,
        "forest": forest.placed(answer["rows"]),
        "pairs": pairs.shown(cells, here["tests"], answer["cell"]),
        "pairs_data": pairs.table(here["tests"]),
        "scores_picture": scores(rows, chance=chance, clock=clock),
    }


def class_names(found: Plain, dataset: str, labels: Sequence[str]) -> dict[str, str]:
    """Give the name of each class: that of the card, or its label."""
    known = found["datasets"][dataset]["label_names"]
    return {label: known.get(label, label) for label in labels}


def example(dataset: str, cells: Sequence[Plain], names: Mapping[str, str]) -> Picture:
    """Picture the middle window of each class, with the spikes of each encoder."""
    path = files.folder("windows", dataset) / "windows.parquet"
    windows = files.load_table(path).query("reason == ''")
    of_labels = (windows[windows["label"] == label] for label in cells[0]["labels"])
    chosen = [rows.iloc[len(rows) // 2].to_dict() for rows in of_labels if len(rows)]
    chosen = [row | {"label": names[row["label"]]} for row in chosen]
    encoders = list(dict.fromkeys(cell["encoder"] for cell in cells))
    return figures.example(dataset, encoders, chosen[: figures.MOST_WINDOWS])


def meters(measurements: Mapping[str, Plain]) -> list[str]:
    """Report, for each meter, what it measured or why not."""
    lines: dict[str, None] = {}
    for here in measurements.values():
        for name, meter in here.get("meters", {}).items():
            reason = meter.get("absent", "").removeprefix(name).lstrip()
            result = f"absent, {reason}" if reason else "measured"
            lines[f"Meter {name}: {result}"] = None
    return list(lines)


def settings_table(cells: Sequence[Plain]) -> dict[str, list[str]]:
    """Tabulate the settings of a data set's cells, those that all share once."""
    flat = [flatten(cell["run"]["settings"]) for cell in cells]
    keys = dict.fromkeys(key for each in flat for key in each)
    table = {}
    for key in keys:
        values = [_plain_text(each[key]) if key in each else "–" for each in flat]
        table[key] = values if len(set(values)) > 1 else values[:1]
    return table


def _plain_text(value: object) -> str:
    return value if isinstance(value, str) else files.dump_json(value)
