"""A data set's cold decisions, in words; models with the same share a line."""

from collections.abc import Sequence
from typing import Any

from pipeline.report import device
from pipeline.report.answers import listed

Plain = dict[str, Any]


def lines(cells: Sequence[Plain]) -> list[str]:
    """Describe the cold decisions of the cells that have any."""
    titles: dict[str, list[str]] = {}
    for cell in cells:
        cold = cell["metrics"].get("cold", {})
        if cold.get("decisions"):
            titles.setdefault(_described(cold), []).append(device.title(cell))
    return [f"{listed(names)}: {text}" for text, names in titles.items()]


def _described(cold: Plain) -> str:
    accuracy = cold.get("absent") or f"{100 * cold['balanced_accuracy']:.1f} %"
    many = "decision comes" if cold["decisions"] == 1 else "decisions come"
    return (
        f"{cold['decisions']} {many} so early that part of the interval lies before "
        f"the signal begins; balanced accuracy of these: {accuracy}."
    )
