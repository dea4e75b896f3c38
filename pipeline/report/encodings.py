"""What the report shows of each code: its costs, and what of the signal is left."""

from collections.abc import Sequence

from pipeline import files
from pipeline.plots.excerpt import of_code
from pipeline.report.findings import Plain


def shown(dataset: str, cells: Sequence[Plain]) -> list[Plain]:
    """Gather a row and a picture of each encoder.

    Parameters
    ----------
    dataset : str
    cells : sequence of dict
        Of that data set, as `findings.cell_findings` gives them. All cells of an
        encoder have the same code; one that was evaluated before codes were measured
        shows nothing.
    """
    codes = {
        cell["encoder"]: cell["metrics"]["encoding"]
        for cell in cells
        if "encoding" in cell["metrics"]
    }
    return [
        {"encoder": encoder, **code, **_excerpt(dataset, encoder)}
        for encoder, code in codes.items()
    ]


def _excerpt(dataset: str, encoder: str) -> Plain:
    """Picture a few seconds, and name their channel and recording."""
    path = files.folder("encoding", f"{dataset}-{encoder}") / "summary.json"
    about: Plain = files.load_json(path)["excerpt"]
    return {**about, "picture": of_code(dataset, encoder)}
