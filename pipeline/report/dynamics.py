"""The learned dynamics of a cell's neurons, for the page: numbers and figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline import files
from pipeline.plots import dynamics as plots
from pipeline.plots.quantities import in_units, kept_values, start_values
from pipeline.plots.runs import pictures

Plain = dict[str, Any]

CAPTIONS = {
    "time_constants": (
        "How the learned time constants spread, all folds together (wide spreads on a "
        "logarithmic scale); the dashed line is where learning started."
    ),
    "maps": (
        "What a membrane becomes in one step without input: a line a fold for the "
        "median neuron, the middle half of the neurons shaded. Dashed: the neuron that "
        "learning started from. On the grey line a membrane stays as it is; beyond 1 "
        "the neuron has fired and is reset."
    ),
    "phase_planes": (
        "Where the median neuron goes without input: arrows for the folds' median, "
        "their length the square root of the speed, and in every fold the lines on "
        "which one variable stays. The membrane is in thresholds. Both rest where the "
        "lines cross."
    ),
    "courses": (
        "Every learned quantity by layer after each epoch: the median, a line a fold, "
        "with the middle half of the neurons shaded."
    ),
}


def learned(cell: str) -> list[Plain]:
    """Tabulate what a cell's neurons started with and learned, by layer and quantity.

    Over the neurons of all folds, with the weights that were kept; empty if the neurons
    learn no dynamics.
    """
    table = plots.load(files.folder("runs", cell), plots.LEARNED)
    if table is None:
        return []
    before, kept = start_values(table), kept_values(table)
    rows = []
    for layer, quantity in kept[["layer", "quantity"]].drop_duplicates().to_numpy():
        first, values = (
            each.loc[
                (each["layer"] == layer) & (each["quantity"] == quantity), "value"
            ].to_numpy(dtype=float)
            for each in (before, kept)
        )
        low, middle, high = map(float, np.quantile(values, [0.25, 0.5, 0.75]))
        rows.append(
            {
                "layer": int(layer),
                "quantity": str(quantity),
                "values": len(values),
                "start": float(np.median(first)),
                "low": low,
                "median": middle,
                "high": high,
            }
        )
    return rows


def shown(cell: Plain) -> Plain | None:
    """Gather what the page shows of a cell; None if its neurons learn no dynamics."""
    if not cell["learned"]:
        return None
    drawn = pictures(files.folder("runs", cell["cell"])).dynamics
    return {
        "cell": cell["cell"],
        "title": f"{cell['encoder']} · {cell['model']}",
        "sentence": sentence(cell["learned"]),
        "rows": [_row(entry) for entry in cell["learned"]],
        "pictures": [
            {
                "name": name,
                "picture": drawn[name],
                "caption": caption,
                "aside": name == "courses",
            }
            for name, caption in CAPTIONS.items()
            if name in drawn
        ],
    }


def sentence(rows: Sequence[Plain]) -> str:
    """Describe how the time constants changed; empty if there are none."""
    changes = [
        f"{in_units(row['quantity'])[0].partition(',')[0]} of layer {row['layer']} "
        f"from {digits(1000 * row['start'])} to {digits(1000 * row['median'])} ms"
        for row in rows
        if row["quantity"].startswith("tau") and row["quantity"].endswith("_s")
    ]
    return f"Learning moved the median {'; '.join(changes)}." if changes else ""


def _row(entry: Plain) -> Plain:
    """Write a row's numbers in the reader's units."""
    title, scale = in_units(entry["quantity"])
    numbers = {
        name: digits(scale * entry[name]) for name in ("start", "low", "median", "high")
    }
    return {
        "layer": entry["layer"],
        "title": title,
        "values": entry["values"],
    } | numbers


def digits(value: float) -> str:
    """Write a number with three digits that count, such as `−0.0123`."""
    no_fraction = abs(value) >= 100
    return (f"{value:.0f}" if no_fraction else f"{value:.3g}").replace("-", "−")
