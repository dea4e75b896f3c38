"""All paired tests of a data set, in tables with a forest plot."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline import files
from pipeline.report import clock
from pipeline.report.answers import grouped, turned
from pipeline.report.forest import placed

Plain = dict[str, Any]

FEW = 15
"""Pairs that stand in one table; of more, those without the best model stand aside."""


def shown(
    cells: Sequence[Plain], tests: Sequence[Plain], top: str | None
) -> list[Plain]:
    """Table the tests of a data set, those of its most accurate cell first.

    Parameters
    ----------
    cells : sequence of dict
        The data set's, as `findings.gather` gives them.
    tests : sequence of dict
        The paired tests between them.
    top : str or None
        Name of the most accurate one.

    Returns
    -------
    groups : list of dict
        `forest`, as `placed` gives it; `aside`, whether it is shown on demand, and its
        `title`; `of_clock`, whether it has the leads over the clock, which are on a
        scale of their own.
    """
    best = {(c["encoder"], c["model"]) for c in cells if c["cell"] == top}
    rows = [_row(test, best) for test in tests]
    leads = clock.leads(cells)
    first = [row for row in rows if row["of_best"]]
    others = [row for row in rows if not row["of_best"]]
    if len(rows) <= FEW:
        first, others = [*first, *others], []
    title = f"The other {len(others)} pairs of models"
    groups: list[Plain] = [
        {"forest": placed(first), "aside": False, "of_clock": False, "title": ""},
        {"forest": placed(others), "aside": True, "of_clock": False, "title": title},
        {"forest": placed(leads), "aside": False, "of_clock": True, "title": ""},
    ]
    return [group for group in groups if group["forest"]["rows"]]


def table(tests: Sequence[Plain]) -> str:
    """List the tests as CSV, for a reader who computes with them."""
    columns = ["encoder", "difference", "low", "high", "p", "p_holm", "subjects"]
    rows = [
        {"first": test["models"][0], "second": test["models"][1]}
        | {key: test[key] for key in (*columns, "reason")}
        for test in tests
    ]
    return files.csv_text(pd.DataFrame(rows))


def _row(test: Plain, best: set[tuple[str, str]]) -> Plain:
    """Write a test as a row; the best model stands first in it."""
    first, second = test["models"]
    group = None
    if test["p_holm"] is not None:
        if (test["encoder"], second) in best:
            test, first, second = {**test, **turned(test)}, second, first
        group = grouped(test["difference"], test["p_holm"])
    of_best = (test["encoder"], first) in best
    return {**test, "title": f"{first} − {second}", "group": group, "of_best": of_best}
