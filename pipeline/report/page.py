"""One page a clinician can read, and the same findings as JSON.

The page stands alone: its pictures are inside, it asks nothing of the network and runs
no script. It is not part of what must repeat byte for byte, for it shows what this
machine measured; `details.json` and `plots` do repeat.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.evaluation.clock import TITLES
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.measurement import measured
from pipeline.plots.runs import draw
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
    explained,
    figures,
    findings,
    forest,
    pairs,
    plasticity,
    plotted,
    provenance,
    tradeoffs,
)
from pipeline.report.downloads import download
from pipeline.report.findings import Names, Plain
from pipeline.runs import flatten
from pipeline.templates import fill

NARROW = "\u202f"
"""Narrow space, between a number and its unit, where a line must not break."""
STYLE = "style.css.j2"
"""Included by the page; named here, so that digests of the report's code count it."""


def make_report(
    cells: Sequence[Names],
    cards: Mapping[str, Mapping[str, Any]],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> Plain:
    """Write the report of the grid's cells.

    Writes `details.json`, all findings; `plots`, the tables of `dvc plots`; and
    `index.html`.

    Parameters
    ----------
    cells : sequence of (dataset, encoder, model)
        The cells that ran, in the order of the grid.
    cards : mapping of str to mapping
        Title, modality, home, licence and citation of each data set.
    settings : EvaluationSettings
        How the tests between models are made.
    seed : int
        Seed of those tests.

    Returns
    -------
    details : dict
        The findings.

    Raises
    ------
    DataError
        A cell lacks a file that a stage should have made.
    """
    folder = files.DATA / "report"
    found = findings.gather(cells, cards, settings, seed=seed)
    files.save_json(folder / "details.json", found)
    plotted.write(found["cells"], folder / "plots")
    refresh()
    return found


def refresh() -> bool:
    """Write the page again, with what was measured since; False if there is none."""
    folder = files.DATA / "report"
    if not (folder / "details.json").exists():
        return False
    details = files.load_json(folder / "details.json")
    draw([files.folder("runs", cell["cell"]) for cell in details["cells"]])
    page = render(details)
    with files.replacing(folder / "index.html") as partial:
        partial.write_text(page, encoding="utf-8")
    return True


def render(found: Plain) -> str:
    """Write the page."""
    # JSON sorts the data sets; the cells keep the order of the grid.
    datasets = dict.fromkeys(cell["dataset"] for cell in found["cells"])
    sections = [section(found, dataset) for dataset in datasets]
    most = {"channels": figures.MOST_CHANNELS, "windows": figures.MOST_WINDOWS}
    here = {name: each for s in sections for name, each in s["measured"].items()}
    content = {
        "findings": found,
        "sections": sections,
        "most": most,
        "parts": explained.shown(found["cells"]),
        "made": provenance.shown(found["cells"], here),
        "style": STYLE,
        "OUTCOMES": answers.OUTCOMES,
    }
    return fill(Path(__file__).with_name("page.html.j2"), FILTERS, content)


def section(found: Plain, dataset: str) -> Plain:
    """Gather what the page shows of one data set beside the findings."""
    cells = [cell for cell in found["cells"] if cell["dataset"] == dataset]
    labels = cells[0]["labels"]
    classes = class_names(found, dataset, labels)
    names = {cell["cell"]: device.title(cell) for cell in cells}
    tables = {title: findings.subjects(cell) for cell, title in names.items()}
    curves = {title: findings.history(cell) for cell, title in names.items()}
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
        "dynamics": [each for cell in cells if (each := dynamics.shown(cell))],
        "plasticity": [each for cell in cells if (each := plasticity.shown(cell))],
        "example": example(dataset, cells, classes),
        "encodings": encodings.shown(dataset, cells),
        "settings": settings_table(cells),
        "scheme": cells[0]["run"]["settings"].get("folds", {}).get("scheme"),
    }


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


def percent(value: float | None) -> str:
    """Write a share with one digit, such as `87.1`; nothing is a dash."""
    return "–" if value is None else f"{100 * value:.1f}"


def interval(estimate: Mapping[str, Any]) -> str:
    """Write the ends of an interval, such as `82.0–91.4`."""
    if estimate["low"] is None:
        return "no interval" if estimate["value"] is not None else ""
    return f"{percent(estimate['low'])}–{percent(estimate['high'])}"


def number(value: float | None) -> str:
    """Write a number with three digits that count, thousands apart."""
    if value is None:
        return "–"
    if 0 < abs(value) < 0.001:
        return f"{value:.2e}".replace("-", "−")  # no line breaks after a minus
    leading = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    integral = isinstance(value, int) or value == 0
    digits = 0 if integral else max(0, 3 - leading)
    return f"{value:,.{digits}f}".replace(",", NARROW)


def years(days: float | None) -> str:
    """Write how long a battery lasts; beyond ten years its own age decides."""
    if days is None:
        return "–"
    return "over 10" if days > 10 * 365 else number(days / 365)


def p_value(value: float | None) -> str:
    """Write a p value as journals do."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(value: int, word: str) -> str:
    """Write how many there are, such as `1 subject` or `12 subjects`."""
    return f"{number(value)} {word}{'' if value == 1 else 's'}"


def is_web(address: str | None) -> bool:
    """Whether an address may be a link: no other than one on the web runs nothing."""
    return str(address).startswith(("https://", "http://"))


FILTERS: dict[str, Callable[..., Any]] = {
    "is_web": is_web,
    "percent": percent,
    "interval": interval,
    "number": number,
    "p_value": p_value,
    "download": download,
    "points": answers.points,
    "years": years,
    "count": count,
}
