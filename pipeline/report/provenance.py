"""How the report was made: from which code, with which versions, when and where."""

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pipeline import checkout, files

Plain = dict[str, Any]

PACKAGES = ("biospike", "torch", "snntorch")
STAGES = (
    "code",
    "fetch",
    "ingest",
    "prepare",
    "clock",
    "encode",
    "train",
    "evaluate",
    "profile",
)
"""Whose durations are shown, in their order."""


def shown(cells: Sequence[Plain], measured: Mapping[str, Plain]) -> Plain:
    """Gather how a report was made.

    Its date is that of the newest run, so that a page made again from the same runs has
    the same bytes.

    Parameters
    ----------
    cells : sequence of dict
    measured : mapping
        What was measured of each cell on this machine, by name.

    Returns
    -------
    made : dict
        `newest_run`, `commit`, `dirty`, `versions`, `machines`, `commands`,
        `durations` and `digests`.
    """
    commit, dirty = checkout.revision()
    return {
        "newest_run": newest(cells),
        "commit": commit,
        "dirty": dirty,
        "versions": versions(),
        "machines": machines(measured),
        "durations": durations(cells),
        "digests": digests(cells),
        "commands": [*([f"git checkout {commit}"] if commit else []), "make repro"],
    }


def durations(cells: Sequence[Plain]) -> list[Plain]:
    """Add up how long the stages took that made the cells, when each last ran here.

    The stage `report` is left out: it has not ended when the page is written.

    Returns
    -------
    rows : list of dict
        `stage`, `runs` and `seconds`, in the order of the stages; a stage that never
        ran here is absent.
    """
    labels = {""}
    for cell in cells:
        words = cell["cell"].split("-")
        labels |= {"-".join(words[:n]) for n in (1, 2, 3)}
    noted: dict[str, list[float]] = {}
    for path in sorted(files.folder("measured", "stages").glob("*.json")):
        stage, _, label = path.stem.partition("@")
        if stage in STAGES and label in labels:
            noted.setdefault(stage, []).append(files.load_json(path)["seconds"])
    return [
        {"stage": stage, "runs": len(noted[stage]), "seconds": sum(noted[stage])}
        for stage in STAGES
        if stage in noted
    ]


def digests(cells: Sequence[Plain]) -> list[Plain]:
    """List what identifies each run: its key, and the bytes of what it predicted."""
    return [
        {
            "cell": cell["cell"],
            "run_key": cell["run"]["run_key"],
            "predictions": files.file_digest(
                files.folder("runs", cell["cell"]) / "predictions.parquet"
            ),
        }
        for cell in cells
    ]


def newest(cells: Sequence[Plain]) -> str:
    """Write when the newest run was written to this disk."""
    runs = (files.folder("runs", cell["cell"]) / "run.json" for cell in cells)
    seconds = max(run.stat().st_mtime for run in runs)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def versions() -> dict[str, str]:
    """List the versions of Python and the packages that decide a result."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def machines(measured: Mapping[str, Plain]) -> list[str]:
    """List the machines that the runs were profiled on, each once."""
    lines = [", ".join(here["machine"].values()) for here in measured.values() if here]
    return list(dict.fromkeys(lines))
