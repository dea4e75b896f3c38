"""The folds that test, and the windows that they leave out, from `folds.parquet`.

And what stands for a person whom nobody knows.
"""

from typing import Any

import pandas as pd

UNJUDGED = "unjudged"
"""Role of windows that a fold would test, had it windows to train their class."""

UNKNOWN = ""
"""Subject of recordings of which nobody knows who was recorded."""


def known(subjects: pd.Series) -> pd.Series:
    """Blank subjects whom nobody knows, so that no count of persons has them."""
    return subjects.mask(subjects == UNKNOWN)


def trained_folds(folds: pd.DataFrame) -> list[int]:
    """List the folds that have more than unjudged windows."""
    return sorted(map(int, folds.loc[folds["role"] != UNJUDGED, "fold"].unique()))


def unjudged(windows: pd.DataFrame, folds: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the windows that are not tested, for their fold does not train their class.

    Parameters
    ----------
    windows, folds : DataFrame
        The tables of one data set.

    Returns
    -------
    counts : list of dict
        fold, label and windows.
    """
    rows = folds[folds["role"] == UNJUDGED].merge(windows, on="window")
    counts = rows.groupby(["fold", "label"]).size().rename("windows").reset_index()
    return [{str(k): v for k, v in row.items()} for row in counts.to_dict("records")]
