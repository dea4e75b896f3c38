"""Cells of a clone of this checkout: trained, evaluated, audited, and read."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def cloned(folder: Path, describe: Callable[[dict[str, Any]], None]) -> None:
    """Clone this checkout, unless it is there, and change its `params.yaml`."""
    if folder.exists():
        return
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    yaml, path = YAML(), folder / "params.yaml"
    params = yaml.load(path)
    describe(params)
    yaml.dump(params, path)


def make(folder: Path, stage: str, cell: str) -> None:
    """Make a stage of a cell, with all that it needs, unless it is made."""
    dvc = Path(sys.executable).with_name("dvc")
    _run(folder, [str(dvc), "repro", f"{stage}@{cell}"])


def audit(folder: Path, cell: str) -> None:
    """Audit a cell, unless it is done."""
    if not audited(folder, cell):
        _run(folder, [sys.executable, "-m", "pipeline", "audit", cell])


def _run(folder: Path, command: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder), "VIRTUAL_ENV": sys.prefix}
    subprocess.run(command, cwd=folder, env=environment, check=True)


def audited(folder: Path, cell: str) -> bool:
    """Whether there is an audit of the run that there is."""
    found, run = (read(folder, kind, cell) for kind in ("audits/audit", "runs/run"))
    return bool(found and run and found["run_key"] == run["run_key"])


def read(folder: Path, kind: str, cell: str) -> dict[str, Any]:
    """Read a file of a cell; empty if it is not there."""
    place, name = kind.split("/")
    path = folder / "data" / place / cell / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def of_persons(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Go through an audit's attacks on persons that have a result."""
    for row in found["attacks"]:
        if row.get("level") == "person" and "auc" in row:
            yield row


def interval(each: dict[str, float]) -> str:
    """Write a value with its interval."""
    return f"{each['value']:.3f} ({each['low']:.3f} to {each['high']:.3f})"
