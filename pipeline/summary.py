"""The table that `make repro` ends with: accuracy and energy of every cell."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline import files
from pipeline.evaluation.statistics import UNKNOWN_PERSONS
from pipeline.parallel import console
from pipeline.report.clock import warning
from pipeline.runs import INT8_HEADLINE


def show() -> None:
    """Print the cells of the last report, and where to look next."""
    details = files.load_json(files.folder("report", "details.json"))
    percent = f"{details['interval']['confidence']:.0%} interval"
    numbers = "balanced\naccuracy", percent, "\nµJ"
    rounded = "int8\naccuracy", "µJ with\nmemory"
    table = Table("cell", *numbers, *rounded, box=None, pad_edge=False, padding=(0, 1))
    for column in table.columns:
        column.no_wrap = True
        column.justify = "left" if column is table.columns[0] else "right"
    datasets = dict.fromkeys(cell["dataset"] for cell in details["cells"])
    out = Console(highlight=False)
    for dataset in datasets:
        cells = [cell for cell in details["cells"] if cell["dataset"] == dataset]
        if not cells[0]["metrics"]["subjects"]:
            out.print(f"{dataset}: {UNKNOWN_PERSONS}: no clinical result\n")
        if sentence := warning(cells):
            out.print(f"{dataset}: {sentence}\n", markup=False)
        for cell in cells:
            table.add_row(cell["cell"], *summary_numbers(cell))
        for row in without_signal(cells[0]):
            table.add_row(*row)
    out.print(table)
    console.print(
        "µJ: estimated for a window, 45 nm: float32 arithmetic; int8 with memory\n"
        "prior, clock: what the commonest class and the place in the recording give\n"
        f"Read the report:   {files.folder('report', 'index.html')}\n"
        "Compare the runs:  make ui\n"
        "Plug in your data: README.md"
    )


def without_signal(cell: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Write what needs no signal on a cell's data set: the prior and the best clock."""
    prior, clock = cell["metrics"]["prior"], cell["metrics"]["clock"]
    best = clock[clock["best"]]
    return [
        (f"{cell['dataset']} prior", f"{prior['value']:.3f}"),
        (f"{cell['dataset']} clock", f"{best['value']:.3f}", interval_words(best)),
    ]


def interval_words(estimate: Mapping[str, Any]) -> str:
    """Write the ends of an interval."""
    if estimate["low"] is None:
        return "absent"
    return f"{estimate['low']:.3f} to {estimate['high']:.3f}"


def summary_numbers(cell: Mapping[str, Any]) -> tuple[str, ...]:
    """Write a cell's accuracy, its interval and its energy; then those in int8."""
    accuracy = cell["metrics"]["balanced_accuracy"]
    interval = interval_words(accuracy)
    floats = f"{accuracy['value']:.3f}", interval, three_digits(cell["uj_per_window"])
    bill = cell["energy"]["int8"]
    if "absent" in bill:
        return *floats, "absent", "absent"
    accuracy = cell["metrics"]["int8"]["balanced_accuracy"]
    energy = bill["estimated"][INT8_HEADLINE]["energy_uj_per_window"]
    return *floats, f"{accuracy['value']:.3f}", three_digits(energy)


def three_digits(value: float) -> str:
    """Write three digits that count, or two where the table has no room for more."""
    text = f"{value:.3g}"
    return text if len(text) < 8 else f"{value:.1e}"
