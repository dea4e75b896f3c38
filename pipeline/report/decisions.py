"""Single wrong decisions, drawn from the traces that the stage `profile` wrote."""

from typing import Any

from pipeline import files
from pipeline.plots import decision as plot
from pipeline.plots.style import Picture

Plain = dict[str, Any]
MOST_PICTURES = 3
"""Of a cell: each takes some 200 kB of the page."""


def shown(cell: str) -> Plain | None:
    """Draw the surest error of each class, and list all decisions that were traced.

    Returns
    -------
    decisions : dict or None
        `cell`, `pictures` with a Picture each, and `traced`, a dict each; None if the
        cell has no traces.
    """
    path = files.folder("traces", cell) / "decisions.json"
    if not path.exists():
        return None
    traced: list[Plain] = files.load_json(path)["decisions"]
    surest: dict[str, Plain] = {}
    for each in traced:
        if not each["is_right"]:
            surest.setdefault(each["truth"], each)
    chosen = list(surest.values())[:MOST_PICTURES]
    return {"cell": cell, "pictures": _drawn(cell, chosen), "traced": traced}


def _drawn(cell: str, chosen: list[Plain]) -> list[Picture]:
    table = files.load_table(files.folder("traces", cell) / "lines.parquet")
    return [
        plot.draw(table[table["window"] == each["window"]], each["title"], each["alt"])
        for each in chosen
    ]
