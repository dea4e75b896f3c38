"""The energy of a data set's best models, in the sentences of its answer."""

from collections.abc import Sequence
from typing import Any

from pipeline.report import device
from pipeline.report.references import best_spiking, rivals_of
from pipeline.runs import INT8_HEADLINE

Plain = dict[str, Any]


def sentences(top: Plain, level: Sequence[Plain], cells: Sequence[Plain]) -> str:
    """Write what the best cells take, as far as it is known.

    Parameters
    ----------
    top : dict
        The most accurate cell.
    level : sequence of dict
        The cells that no test finds different from it, with its own.
    cells : sequence of dict
        All cells of the data set.
    """
    return " ".join(filter(None, [cheapest(top, level), against_ann(top, cells)]))


def cheapest(top: Plain, level: Sequence[Plain]) -> str:
    """Name the cell that takes least energy of those that no test finds different.

    Empty if there is one cell alone, or the energy of the best is unknown.
    """
    bills = {cell["model"]: int8_energy(cell) for cell in level}
    known = {model: spent for model, spent in bills.items() if spent}
    if len(known) < 2 or top["model"] not in known:
        return ""
    least = min(known, key=lambda model: known[model])
    spent = f"an estimated {_short(known[least])} µJ a window in int8 with memory"
    if least == top["model"]:
        return f"Of these models it also takes the least energy, {spent}."
    times = known[top["model"]] / known[least]
    return (
        f"Of these models {least} takes the least energy, {spent}; "
        f"{top['model']} takes {_short(times)} times that."
    )


def against_ann(top: Plain, cells: Sequence[Plain]) -> str:
    """Compare a spiking cell's energy in int8 with its ANN's; empty if one is unknown.

    It is the best cell itself, where that one has spikes; else the best of its encoder
    that has the same network without spikes beside it, or any.
    """
    spiking = [cell for cell in rivals_of(top, cells) if cell["spiking"]]
    matched = [cell for cell in spiking if cell["matched_ann"]]
    for cell in [top] if top["spiking"] else best_spiking(matched or spiking):
        ann, _ = device.beside(cell, cells)
        spent, other = int8_energy(cell), int8_energy(ann) if ann else None
        if ann is None or spent is None or not other:
            return ""
        network = (
            "the same network without spikes"
            if cell["matched_ann"] == ann["cell"]
            else "another network, without spikes"
        )
        return (
            f"In int8, {cell['model']} takes an estimated {_short(spent / other)} "
            f"times the energy of {ann['model']} ({network}; memory included)."
        )
    return ""


def _short(value: float) -> str:
    """Write two digits that count, such as `0.016` or `120`."""
    return f"{float(f'{value:.2g}'):g}"


def int8_energy(cell: Plain) -> float | None:
    """Give the estimated energy of a window, int8 with memory, if there is one."""
    table = cell["energy"]["int8"].get("estimated", {}).get(INT8_HEADLINE, {})
    spent: float | None = table.get("energy_uj_per_window")
    return spent
