"""Single wrong decisions, drawn from the traces that the stage `profile` wrote."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline import files
from pipeline.plots import decision as plot
from pipeline.plots.style import Picture

Plain = dict[str, Any]
MOST_PICTURES = 3
"""The most pictures of a cell: each takes some 200 kB of the page."""


def shown(cell: str, names: Mapping[str, str]) -> Plain | None:
    """Draw the surest error of each class, and list all decisions that were traced.

    Parameters
    ----------
    cell : str
    names : mapping of str to str
        Names of the classes by label.

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
    return {"cell": cell, "pictures": _drawn(cell, chosen, names), "traced": traced}


def _drawn(cell: str, chosen: list[Plain], names: Mapping[str, str]) -> list[Picture]:
    table = files.load_table(files.folder("traces", cell) / "lines.parquet")
    return [
        plot.draw(
            _named(table[table["window"] == each["window"]], each, names),
            each["title"],
            each["alt"],
            _moments(each),
        )
        for each in chosen
    ]


def _moments(each: Plain) -> plot.Moments:
    others = [(o["onset_s"], o["truth"], o["predicted"]) for o in each["others"]]
    return plot.Moments(each["onset_s"], others)


def _named(table: pd.DataFrame, each: Plain, names: Mapping[str, str]) -> pd.DataFrame:
    """Name the classes of the evidence; mark the truth and what was decided."""
    roles = {each["predicted"]: ", decided", each["truth"]: ", truth"}
    title = {label: f"{name}{roles.get(label, '')}" for label, name in names.items()}
    evidence = table["panel"] == "evidence"
    return table.assign(row=table["row"].where(~evidence, table["row"].replace(title)))
