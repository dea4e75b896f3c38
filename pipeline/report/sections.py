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
    courses,
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
    known, confidence = found["datasets"][dataset], found["interval"]["confidence"]
    classes = class_names(found, dataset, labels)
    detailed = most_accurate(cells, most)
    best = findings.best_cell(cells)
    here = {
        cell["cell"]: measured.load(cell["cell"], cell["run"]["run_key"])
        for cell in cells
    }
    return {
        "name": dataset,
        **known,
        "labels": labels,
        "names": classes,
        "cells": cells,
        "detailed": detailed,
        "matrices": most_accurate(detailed, max(1, MOST_ENTRIES // len(labels) ** 2)),
        **answered(found, dataset, cells),
        "best": best,
        "decisions": decisions.shown(best["cell"], classes),
        "card": card.shown(known, best, confidence=confidence),
        "caveats": card.caveats(known, best),
        "warning": clock.warning(cells),
        "cold": cold.lines(cells),
        "clocks": clock.shown(known["clock"]),
        "measured": here,
        "meters": meters(here),
        **device.shown(cells, here),
        "front": tradeoffs.of_cells(cells),
        "tradeoff": tradeoffs.shown(dataset),
        **by_person(dataset, cells, known["clock"]["best"]),
        **by_epoch(detailed),
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
    known, confidence = found["datasets"][dataset], found["interval"]["confidence"]
    rows = [
        {"title": device.title(cell), "spiking": cell["spiking"]}
        | cell["metrics"]["balanced_accuracy"]
        for cell in cells
    ]
    its = known["clock"][known["clock"]["best"]]["balanced_accuracy"]["value"]
    guessed = chance(cells)
    answer = answers.shown(cells, known["tests"], confidence=confidence)
    return {
        "answer": answer,
        "forest": forest.placed(answer["rows"]),
        "pairs": pairs.shown(cells, known["tests"], answer["cell"]),
        "pairs_data": pairs.table(known["tests"]),
        "chance": guessed,
        "clock_value": its,
        "scores_picture": scores(rows, chance=guessed, clock=its),
    }


def chance(cells: Sequence[Plain]) -> float:
    """Give what guessing reaches on the data set of some cells."""
    value: float = cells[0]["metrics"]["prior"]["value"]
    return value


def by_person(dataset: str, cells: Sequence[Plain], best_clock: str) -> Plain:
    """Picture what the most accurate cells and the best clock reach on each person."""
    by_clock = findings.clock_subjects(dataset, best_clock)
    marked = most_accurate(cells, MOST_MARKED)
    tables = {device.title(cell): findings.subjects(cell["cell"]) for cell in marked}
    drawn = None
    if len(by_clock):
        its = by_clock.rename(TITLES[best_clock])
        drawn = figures.subjects(tables, its, chance(cells))
    return {"marked": len(marked), "subjects_picture": drawn}


def by_epoch(detailed: Sequence[Plain]) -> Plain:
    """Picture how cells learned, and count the steps that training left out."""
    curves = {device.title(cell): findings.history(cell["cell"]) for cell in detailed}
    return {
        "learning_picture": courses.learning(curves, chance(detailed)),
        "gradient_picture": courses.gradients(curves),
        "rate_picture": courses.firing_rates(curves),
        "skipped": findings.skipped(curves),
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
