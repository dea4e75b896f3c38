"""Numbers from the snapshots that are taken while synapses learn.

`weights` and `units` are a cell's `weights.parquet` and `units.parquet`.
"""

from typing import Any

import numpy as np
import pandas as pd

WEAK, STRONG = 0.1, 0.9
"""Weights below and above these shares of the largest allowed have parted."""


def counted(values: "pd.Series[Any]", word: str) -> str:
    """Write how many different values there are, such as `3 folds`."""
    return f"{values.nunique()} {word}{'' if values.nunique() == 1 else 's'}"


def aligned(table: pd.DataFrame) -> pd.DataFrame:
    """Set the number of each snapshot so that all folds have the same number of them.

    A fold with fewer shows some twice. Adds `snapshot`, and `mean_s`: how much signal
    the folds had learned by then, in the mean.
    """
    times = {fold: rows["windows"].unique() for fold, rows in table.groupby("fold")}
    most = max(map(len, times.values()))
    picked = [
        pd.DataFrame({"snapshot": range(most), "windows": _spread(seen, most)}).assign(
            fold=int(str(fold))
        )
        for fold, seen in times.items()
    ]
    joined = pd.concat(picked).merge(table, on=["fold", "windows"])
    joined["mean_s"] = joined.groupby("snapshot")["learned_s"].transform("mean")
    return joined


def _spread(seen: np.ndarray, most: int) -> np.ndarray:
    """Pick so many snapshots, from the first to the last."""
    at = np.rint(np.linspace(0, len(seen) - 1, most)).astype(int)
    spread: np.ndarray = np.sort(seen)[at]
    return spread


def parted(weights: pd.DataFrame) -> pd.DataFrame:
    """Sum the share of weak and of strong weights, by fold and windows learned."""
    # Edges such as 0.9 are not exact.
    weak = weights["high"] < WEAK + 1e-6
    strong = weights["low"] > STRONG - 1e-6
    marked = weights.assign(
        weak=weights["share"].where(weak, 0.0),
        strong=weights["share"].where(strong, 0.0),
    )
    return marked.groupby(["fold", "windows"], as_index=False)[["weak", "strong"]].sum()


def ends(table: pd.DataFrame, column: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pick every fold's first and last snapshot that has a value."""
    known = table.dropna(subset=column)
    seen = known.groupby("fold")["windows"]
    first = known[known["windows"] == seen.transform("min")]
    return first, known[known["windows"] == seen.transform("max")]


def time_unit(seconds: float) -> tuple[str, float]:
    """Choose the unit of a time axis, and what seconds are divided by."""
    if seconds < 600:
        return "s", 1.0
    return ("min", 60.0) if seconds < 3 * 3600 else ("h", 3600.0)
