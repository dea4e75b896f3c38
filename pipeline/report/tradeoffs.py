"""The figures of accuracy against energy, for the page."""

from pipeline import files
from pipeline.plots.style import Picture


def shown(dataset: str) -> Picture | None:
    """Give a data set's figure, if one was drawn."""
    path = files.folder("tradeoffs", f"{dataset}.svg")  # no stage depends on it
    if not path.exists():
        return None
    alt = f"Balanced accuracy against estimated energy of runs on {dataset}"
    return Picture(path.read_text(encoding="utf-8"), alt)
