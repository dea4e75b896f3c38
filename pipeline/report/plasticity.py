"""The weights that a cell's synapses learned, for the page: numbers and figures."""

from typing import Any

from pipeline import files
from pipeline.plots import accesses
from pipeline.plots import plasticity as plots
from pipeline.plots.runs import pictures
from pipeline.plots.snapshots import ends, parted
from pipeline.report.dynamics import digits

Plain = dict[str, Any]

CAPTIONS = {
    "fields": (
        "What the most active units of the first fold learned to wait for, the most "
        "active first: the weight of every feature at every delay, as a share of the "
        "largest allowed. Time runs to the right and ends with the unit's spike; ON "
        "(+) stands above OFF (−). “Moved” is how far a weight is from where it "
        "started, in the mean over the image."
    ),
    "weights": (
        "How all weights spread while they were learned, the mean over folds. Colours "
        "follow the square root of the share, so that few weights show too."
    ),
    "homeostasis": (
        "How often the units fired between two looks at them, and their thresholds: "
        "the units of all folds, with the median of each fold."
    ),
}
A_STEP = {
    "weight_words_read": "weight words read",
    "weight_words_written": "weight words written",
    "index_words_read": "index words read",
    "row_bursts": "runs of memory",
    "state_words_read": "state words read",
    "state_words_written": "state words written",
}
KEPT = {"per_synapse": "a synapse", "per_neuron": "a neuron"}
"""Columns of the bill: what is touched in a step, and the bytes that are kept."""


def shown(cell: Plain) -> Plain | None:
    """Gather what the page shows of a cell; None if its synapses learn otherwise.

    Raises
    ------
    DataError
        Some of the files that local learning leaves are there, not all.
    """
    folder = files.folder("runs", cell["cell"])
    tables, learning = plots.load(folder), cell["energy"].get("learning")
    if tables is None and learning is None:
        return None
    drawn = pictures(folder).plasticity
    return {
        "cell": cell["cell"],
        "title": f"{cell['encoder']} · {cell['model']}",
        "sentence": sentence(tables) if tables else "",
        "pictures": [
            {"name": name, "picture": drawn[name], "caption": caption}
            for name, caption in CAPTIONS.items()
            if name in drawn
        ],
        "bill": bill(learning) if learning else None,
    }


def sentence(tables: plots.Tables) -> str:
    """Describe how weights and rates changed: the mean and the median over folds."""
    first, last = ends(parted(tables.weights), "weak")
    weak, strong = (
        f"{_percent(first[name].mean())} to {_percent(last[name].mean())} %"
        for name in ("weak", "strong")
    )
    weights = (
        f"Learning took the share of weights below a tenth of the largest allowed "
        f"from {weak}, and of those above nine tenths from {strong}."
    )
    return f"{weights} {_rates(tables)}".strip()


def _rates(tables: plots.Tables) -> str:
    """Describe how the rates changed; empty if none is known."""
    if tables.units["rate_hz"].isna().all():
        return ""
    first, last = (each["rate_hz"] for each in ends(tables.units, "rate_hz"))
    return (
        f"The median unit fired at {digits(first.median())} Hz when learning began and "
        f"at {digits(last.median())} Hz at its end; {int((last == 0).sum())} of "
        f"{len(last)} units were silent by then."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def bill(learning: Plain) -> Plain:
    """Tabulate what learning touches and keeps, by scheme, and compare the schemes."""
    counted, kept = learning["per_step"], learning["bytes"]
    titles = accesses.schemes(counted | kept)
    columns = _there(A_STEP, counted), _there(KEPT, kept)
    rows = [
        {
            "title": title,
            "numbers": [
                *(counted.get(key, {}).get(name) for name in columns[0]),
                *(kept.get(key, {}).get(name) for name in columns[1]),
            ],
        }
        for key, title in titles.items()
    ]
    return {
        "columns": [list(named.values()) for named in columns],
        "rows": rows,
        "picture": accesses.accesses(learning),
        "comparisons": accesses.comparisons(learning),
        "assumptions": [_readable(line, titles) for line in learning["assumptions"]],
        **{key: learning[key] for key in ("n_steps", "n_pre", "n_post", "theta")},
        **{key: learning[key] for key in ("pre_rate_hz", "post_rate_hz")},
    }


def _readable(line: str, titles: dict[str, str]) -> str:
    """Replace the keys of schemes, such as `dense`, by their names for the reader."""
    for key, title in titles.items():
        line = line.replace(f"`{key}`", f"“{title}”")
    return line


def _there(names: dict[str, str], schemes: Plain) -> dict[str, str]:
    """Keep the names that any scheme has a number for."""
    return {
        key: title
        for key, title in names.items()
        if any(key in each for each in schemes.values())
    }
