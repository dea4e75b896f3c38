"""What machines measured of a trained run: kept for good, apart from what repeats.

`data/measured/<cell>/<run_key>.json` belongs to no stage, so that nothing removes it;
its name says which run was measured, so that another one's figures are never shown.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import files


def path(cell: str, run_key: str) -> Path:
    """Name the file of a run's measurements."""
    return files.folder("measured", cell) / f"{run_key[:16]}.json"


def load(cell: str, run_key: str) -> dict[str, Any]:
    """Read what was measured of a run; empty if nothing was."""
    there = path(cell, run_key)
    return files.load_json(there) if there.exists() else {}


def add(cell: str, run_key: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Add what was measured now to what is known of a run, and give all of it.

    Parameters
    ----------
    cell : str
    run_key : str
        The run's, as `run.json` has it.
    parts : mapping
        `latency`, `machine`, `meters`, `emulated` or `imported`; each replaces what was
        known of it.

    Returns
    -------
    measured : dict
        As it stands in the file.
    """
    measured = {**load(cell, run_key), **parts}
    files.save_json(path(cell, run_key), measured)
    return measured
