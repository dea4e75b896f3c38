"""Accuracy against energy of all runs of a data set, and their Pareto front."""

from pathlib import Path

from pipeline import files
from pipeline.errors import DataError
from pipeline.plots.tradeoff import names, pareto, tradeoff
from pipeline.report.page import refresh
from pipeline.tracking import sweep


def draw(dataset: str) -> Path:
    """Draw the runs that are comparable with a data set's newest one.

    Writes `data/tradeoffs/<dataset>.svg` and `.csv`, which no stage depends on, logs
    both to MLflow and puts the figure on the report's page.

    Returns
    -------
    path : Path
        Of the figure.

    Raises
    ------
    DataError
        MLflow has no two runs of the data set with accuracy and energy.
    """
    path = files.folder("tradeoffs", f"{dataset}.svg")
    points = sweep.comparable(sweep.points(dataset))
    points = points.dropna(subset=["balanced_accuracy", "energy_uj"])
    if len(points) < 2:
        raise DataError(
            f"MLflow, experiment {dataset}",
            f"{len(points)} finished runs with accuracy and int8 energy",
            expected="at least two settings to compare",
            remedy="dvc exp run --queue -S models.MODEL.sparsity.… (docs/energy.md)",
        )
    points = points.assign(
        name=names(points["settings"].tolist()), front=pareto(points)
    )
    drawn = tradeoff(points)
    with files.replacing(path) as partial:
        partial.write_text(drawn.svg, encoding="utf-8")
    table = points.drop(columns=["settings", "upstream", "data_digest"])
    files.save_csv(path.with_suffix(".csv"), table.sort_values("energy_uj"))
    sweep.keep(dataset, path, path.with_suffix(".csv"))
    refresh()
    return path
