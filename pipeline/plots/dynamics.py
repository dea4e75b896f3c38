"""Figures of the learned dynamics of a cell's neurons.

A cell whose neurons learn no dynamics has neither `learned.parquet` nor
`portraits.parquet`, and no picture.
"""

from pathlib import Path

import pandas as pd

from pipeline import files
from pipeline.plots.portraits import maps, phase_planes
from pipeline.plots.quantities import courses, time_constants
from pipeline.plots.style import Picture

LEARNED, PORTRAITS = "learned.parquet", "portraits.parquet"


def load(folder: Path, name: str) -> pd.DataFrame | None:
    """Read one of the two tables of a run's folder; None if there is none."""
    path = folder / name
    return files.load_table(path) if path.exists() else None


def of_run(folder: Path) -> dict[str, Picture]:
    """Draw what the neurons of a cell's run learned, as far as its files hold it.

    Parameters
    ----------
    folder : Path
        The cell's run.

    Returns
    -------
    pictures : dict of str to Picture
        Some of `time_constants`, `maps`, `phase_planes` and `courses`.
    """
    drawn: dict[str, Picture | None] = {}
    learned, portraits = load(folder, LEARNED), load(folder, PORTRAITS)
    if learned is not None:
        drawn |= {"time_constants": time_constants(learned)}
    if portraits is not None:
        drawn |= {"maps": maps(portraits), "phase_planes": phase_planes(portraits)}
    if learned is not None:
        drawn |= {"courses": courses(learned)}
    return {name: each for name, each in drawn.items() if each is not None}
