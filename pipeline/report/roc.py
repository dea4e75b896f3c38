"""The report's figure of attacks on membership: whom they find and wrongly suspect."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.plots.style import COLOURS, FAINT, Picture, panels_of, picture
from pipeline.privacy.results import PERSON
from pipeline.privacy.words import TITLES, WAYS

Plain = dict[str, Any]


def curves(attacks: Sequence[Plain]) -> Picture | None:
    """Show the ROC of every attack on persons, a panel a query; None without any."""
    table = _table(attacks)
    if table.empty:
        return None
    queries = table.groupby(["queries", "query"], sort=False)
    with panels_of(len(queries), height=2.1, most=2) as (figure, panels):
        for axes, (names, asked) in zip(panels, queries, strict=True):
            axes.plot([0, 100], [0, 100], color=FAINT, lw=0.8)
            for colour, title in zip(COLOURS, TITLES.values(), strict=False):
                each = asked[asked["attack"] == title]
                places = each["false_positive_percent"], each["true_positive_percent"]
                look: dict[str, Any] = {"color": colour, "lw": 1, "label": title}
                axes.plot(*places, drawstyle="steps-post", **look)
            axes.set_title(", ".join(map(str, names)), fontsize=7)
            axes.set(xlabel="false positives, %", ylabel="true positives, %")
        lines = panels[0].get_lines()[1:]
        figure.legend(handles=lines, loc="outside upper left", ncols=4, frameon=False)
        alt = f"ROC of {', '.join(TITLES.values())}, a panel for each kind of query."
        return picture(figure, alt, table)


def _table(attacks: Sequence[Plain]) -> pd.DataFrame:
    """Put the curves of the attacks on persons below each other."""
    tables = [
        pd.DataFrame(
            {
                "queries": row["queries"],
                "query": WAYS[row["way"]],
                "attack": TITLES[row["attack"]],
                "false_positive_percent": 100 * np.linspace(0, 1, len(row["curve"])),
                "true_positive_percent": 100 * np.asarray(row["curve"]),
            }
        )
        for row in attacks
        if row.get("level") == PERSON and "curve" in row
    ]
    return pd.concat(tables) if tables else pd.DataFrame()
