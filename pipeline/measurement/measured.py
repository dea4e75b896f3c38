"""Measurements of a trained run on machines: kept for good, apart from the outputs.

`data/measured/<cell>/<run_key>.json` belongs to no stage, so that nothing removes it.
Its name contains the key of the measured run, so that no other run shows its figures.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import files


def path(cell: str, run_key: str) -> Path:
    """Name the file of a run's measurements."""
    return files.folder("measured", cell) / f"{run_key[:16]}.json"


def load(cell: str, run_key: str) -> dict[str, Any]:
    """Read the measurements of a run; empty if there are none."""
    there = path(cell, run_key)
    return files.load_json(there) if there.exists() else {}


def add(cell: str, run_key: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Add new measurements to those of a run, and return all of them.

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


def save_times(cell: str, run_key: str, times: Mapping[str, Any]) -> None:
    """Keep when a run was trained, as `pipeline.training.progress.times` gives it."""
    files.save_json(_times(cell, run_key), times)


def load_times(cell: str, run_key: str) -> dict[str, Any]:
    """Read when a run was trained; empty if it was not trained here."""
    there = _times(cell, run_key)
    return files.load_json(there) if there.exists() else {}


def _times(cell: str, run_key: str) -> Path:
    return path(cell, run_key).with_suffix(".times.json")
