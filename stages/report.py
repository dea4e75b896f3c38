"""report: one page a clinician can read, and the same findings as JSON."""

from pipeline import files, tracking
from pipeline.grid import Grid
from pipeline.parallel import start_importing
from pipeline.report.page import make_report
from stages import Stage, run

SECTIONS = ("seed", "grid", "evaluation")


def main(stage: Stage) -> str:
    """Gather the findings of the grid's cells into one page."""
    start_importing("stages", "pipeline.plots.runs", "matplotlib.figure")
    grid: Grid = stage.read("grid")
    cards = {
        dataset: files.load_json(files.DATA / "cards" / f"{dataset}.json")
        for dataset in grid.dataset
        if (files.DATA / "cards" / f"{dataset}.json").exists()
    }
    cells = grid.cells()
    found = make_report(cells, cards, stage.read("evaluation"), seed=stage.read("seed"))
    for cell in found["cells"]:
        if not tracking.publish(cell["cell"]):
            break  # a store that does not answer is asked once
    absent = f", {len(found['absent'])} absent" if found["absent"] else ""
    path = files.folder("report", "index.html")
    return f"{len(found['cells'])} cells{absent}, {path}"


if __name__ == "__main__":
    run(main, axes=(), sections=SECTIONS)
