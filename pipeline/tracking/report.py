"""The report in MLflow: in a run beside the cells of a data set, which link to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.tracking.entries import keep_beside
from pipeline.tracking.view import NOTE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KIND = "report"
"""The tag of the run that keeps the page."""
LINKED = "[The report]"
"""How a note of ours begins; another's is left as it is."""


def attach(client: "MlflowClient", parent: "Run") -> None:
    """Keep the page as it is now, if it is about this run of a cell, and link to it."""
    folder = files.DATA / "report"
    page = folder / "index.html"
    if not (page.exists() and _is_about(folder / "details.json", parent.data.tags)):
        return
    place = parent.info.experiment_id
    kept = keep_beside(client, place, KIND, "report", (page,), files.file_digest(page))
    link = f"#/experiments/{place}/runs/{kept}/artifacts/{page.name}"
    note, known = f"{LINKED}({link})", parent.data.tags.get(NOTE, "")
    if known != note and (not known or known.startswith(LINKED)):
        client.set_tag(parent.info.run_id, NOTE, note)


def _is_about(details: Path, tags: Mapping[str, str]) -> bool:
    if not details.exists():
        return False
    cells = files.load_json(details)["cells"]
    return tags["run_key"] in (cell["run"]["run_key"] for cell in cells)
