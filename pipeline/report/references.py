"""The models that the best one of a data set is compared with."""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.report.findings import best_cell

Plain = dict[str, Any]


def rivals_of(top: Plain, cells: Iterable[Plain]) -> list[Plain]:
    """List the cells that are tested against one: the others of its encoder."""
    return [
        cell
        for cell in cells
        if cell["encoder"] == top["encoder"] and cell["cell"] != top["cell"]
    ]


def references(top: Plain, cells: Sequence[Plain]) -> list[tuple[Plain, str]]:
    """Choose the models that the best one is compared with, each with its role.

    They share its encoder, for no others are tested against it: the ANN, the same
    network if there is one; leaky neurons in a network that has an ANN beside it; the
    linear read-out; and, where the best one has no spikes, the best one that has.
    """
    rivals = rivals_of(top, cells)
    roles = {
        "ANN": sorted(
            filter(_is_ann, rivals), key=lambda c: c["cell"] != top["matched_ann"]
        ),
        "LIF": sorted(
            (c for c in rivals if c["spiking"] and _neuron(c) == "leaky"),
            key=lambda c: c["matched_ann"] is None,
        ),
        "linear read-out": [c for c in rivals if _is_linear(c)],
        "highest with spikes": best_spiking(rivals) if not top["spiking"] else [],
    }
    found: dict[str, tuple[Plain, str]] = {}
    for role, those in roles.items():
        for cell in those[:1]:
            found.setdefault(cell["cell"], (cell, role))
    return list(found.values())


def _neuron(cell: Plain) -> str:
    return str(cell["run"]["settings"]["neuron"]["name"])


def _is_linear(cell: Plain) -> bool:
    return bool(cell["run"]["settings"]["network"].get("units") == [])


def _is_ann(cell: Plain) -> bool:
    return not cell["spiking"] and not _is_linear(cell)


def best_spiking(cells: Sequence[Plain]) -> list[Plain]:
    """Give the most accurate of the cells that spike, if any does."""
    spiking = [cell for cell in cells if cell["spiking"]]
    return [best_cell(spiking)] if spiking else []
