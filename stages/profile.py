"""profile: operations counted, energy estimated, latency measured, decisions traced."""

from pipeline import files
from pipeline.decisions.stored import write_example, write_surest
from pipeline.measurement import measured
from pipeline.measurement.latency import latency
from pipeline.profiling.bill import bill_cell
from pipeline.profiling.folds import load_folds
from pipeline.runs import uj_per_window
from pipeline.training.cell import TrainedCell
from pipeline.training.settings import SparsitySettings
from stages import Stage, run

SECTIONS = ("profiling",)


def main(stage: Stage) -> str:
    """Count and estimate what a cell's inference takes, time it, and trace it."""
    cell, settings = TrainedCell.open(stage.label), stage.read("profiling")
    folds = load_folds(cell, settings.windows_per_fold)
    sparsity = SparsitySettings(**cell.run["settings"]["sparsity"])
    energy = bill_cell(folds, cell.table, cell.encoder, sparsity)
    files.save_json(files.folder("energy", stage.label) / "energy.json", energy)
    write_surest(cell)
    write_example(cell)
    here = latency(folds[0].network, folds[0].test, settings)
    measured.add(stage.label, cell.run["run_key"], here)
    runs_on = cell.network.restarts != "windows"
    counted = ", counted as if it started anew with each" if runs_on else ""
    return f"{uj_per_window(energy):.3g} µJ a window (estimated, 45 nm{counted})"


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
