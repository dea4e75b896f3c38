"""Where the figures of accuracy against energy lie, for the page to show."""

from pathlib import Path

from pipeline import files
from pipeline.plots.style import Picture


def folder() -> Path:
    """Give the folder, made if it is not there; no stage depends on it."""
    place = files.DATA / "tradeoffs"
    place.mkdir(parents=True, exist_ok=True)
    return place


def shown(dataset: str) -> Picture | None:
    """Give a data set's figure, if one was drawn."""
    path = files.DATA / "tradeoffs" / f"{dataset}.svg"
    if not path.exists():
        return None
    told = f"Balanced accuracy against estimated energy of runs on {dataset}"
    return Picture(path.read_text(encoding="utf-8"), told)
