"""The report on networks in integers, from counted to emulated."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.plots.costs import spread_of_estimates
from pipeline.profiling.break_even import break_even
from pipeline.runs import INT8_HEADLINE

Plain = dict[str, Any]

MACHINE = "cortex_m4"
"""The emulated machine that the page shows; MLflow has all of them."""

TABLES = ("horowitz_45nm_int8", INT8_HEADLINE)
"""The cost tables that the page shows: arithmetic alone, and with memory."""


def shown(cells: Sequence[Plain], measured: Mapping[str, Plain]) -> Plain:
    """Gather what the page shows of a data set's cells."""
    return {
        "costs": spread_of_estimates({title(cell): estimates(cell) for cell in cells}),
        "tables": tables(cells),
        "device": [row(cell, measured[cell["cell"]]) for cell in cells],
        "break_even": [line for cell in cells if (line := compared(cell, cells))],
        "duty": [
            each for cell in cells for each in duties(cell, measured[cell["cell"]])
        ],
        "cutoffs": [line for cell in cells if (line := cut_short(cell))],
    }


def title(cell: Plain) -> str:
    """Name a cell within its data set."""
    return f"{cell['encoder']} · {cell['model']}"


def estimates(cell: Plain) -> dict[str, float]:
    """List a cell's microjoules a window by every cost table that bills it."""
    bills = [cell["energy"], cell["energy"]["int8"]]
    return {
        name: table["energy_uj_per_window"]
        for each in bills
        for name, table in each.get("estimated", {}).items()
        if "absent" not in table
    }


def tables(cells: Sequence[Plain]) -> dict[str, Plain]:
    """List the cost tables that some cell was billed by, with what they assume."""
    return {
        name: table
        for cell in cells
        for bill in (cell["energy"], cell["energy"]["int8"])
        for name, table in bill.get("estimated", {}).items()
    }


def row(cell: Plain, here: Plain) -> Plain:
    """Describe one cell's integer network; an absent bill gives the reason."""
    bill = cell["energy"]["int8"]
    if "absent" in bill:
        return {"title": title(cell), "absent": bill["absent"]}
    return {
        "title": title(cell),
        "metrics": cell["metrics"]["int8"],
        "counted": bill["counted"]["per_window"],
        "estimated": {
            name: bill["estimated"][name]["energy_uj_per_window"] for name in TABLES
        },
        "emulated": emulated(here),
    }


def emulated(here: Plain) -> Plain:
    """Give what the emulated machine did, or why nothing is known."""
    machines = here.get("emulated", {"absent": "not run yet: biospike measure CELL"})
    return dict(machines if "absent" in machines else machines[MACHINE])


def compared(cell: Plain, cells: Sequence[Plain]) -> str | None:
    """Describe how a spiking cell compares with its ANN; None if nothing compares."""
    twin, other = beside(cell, cells)
    if twin is None:
        return None
    bills = cell["energy"]["int8"], twin["energy"]["int8"]
    point = break_even(*bills, INT8_HEADLINE, other=other)
    return None if "absent" in point else f"{title(cell)}: {point['sentence']}."


def beside(cell: Plain, cells: Sequence[Plain]) -> tuple[Plain | None, str]:
    """Find the ANN that a spiking cell is compared with, and what to call it.

    The same network with rectified units; else that of another network, if there is
    one with hidden layers.
    """
    anns = [
        each
        for each in cells
        if each["encoder"] == cell["encoder"] and each["run"]["settings"]["neuron"]
        ["name"] == "relu" and each["run"]["settings"]["network"].get("units") != []
    ]  # fmt: skip
    if not cell["spiking"] or not anns:
        return None, ""
    same = [each for each in anns if each["cell"] == cell["matched_ann"]]
    if same:
        return same[0], "its matched int8 ANN"
    return anns[0], f"the int8 {anns[0]['model']}, another network"


def duties(cell: Plain, here: Plain) -> list[Plain]:
    """Give average powers: of the estimate with memory, and of the emulated machine.

    Of a network that runs on there are two of each: as if it restarted for every
    decision, and running on.
    """
    bills = {
        "45 nm with memory, estimated": cell["energy"],
        "Cortex-M4, emulated": emulated(here),
    }
    rows = []
    for of, bill in bills.items():
        anew, on = bill.get("duty"), bill.get("running", {}).get("duty")
        if anew:
            rows.append({"of": f"{of}, if it restarted" if on else of, **anew})
        if on:
            rows.append({"of": f"{of}, running on", **on})
    return [{"title": title(cell), **row} for row in rows]


def cut_short(cell: Plain) -> str | None:
    """Describe the effect of early decisions; None where none were asked for."""
    cutoff = cell["energy"].get("cutoff")
    if not cutoff:
        return None
    early, full = (cutoff["balanced_accuracy"][name] for name in ("with", "without"))
    return (
        f"{title(cell)}, decided early: {cutoff['steps_share']:.0%} of the steps, "
        f"balanced accuracy {early:.1%} instead of {full:.1%}."
    )
