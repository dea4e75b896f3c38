"""profile: operations counted, energy estimated; latency measured apart."""

from pipeline import files
from pipeline.profiling import measured
from pipeline.profiling.bill import bill_cell
from pipeline.profiling.folds import Cell
from pipeline.profiling.measuring import latency
from pipeline.runs import chosen, uj_per_window
from pipeline.training.settings import SparsitySettings
from stages import Stage, run

SECTIONS = ("profiling",)


def main(stage: Stage) -> str:
    """Count and estimate what a cell's inference takes, and time it here."""
    dataset, encoder, _ = stage.names.values()
    folder = files.folder("runs", stage.label)
    trained = files.load_json(folder / "run.json")
    cell = Cell(
        runs=folder,
        windows=files.folder("windows", dataset),
        spikes=files.folder("spikes", f"{dataset}-{encoder}"),
        network=chosen(trained, "network"),
        neuron=chosen(trained, "neuron"),
    )
    settings = stage.read("profiling")
    folds = cell.folds(settings.windows_per_fold)
    energy = bill_cell(
        folds,
        files.load_table(cell.windows / "windows.parquet"),
        chosen(trained, "encoder"),
        SparsitySettings(**trained["settings"]["sparsity"]),
    )
    files.save_json(files.folder("energy", stage.label) / "energy.json", energy)
    here = latency(folds[0].network, folds[0].test, settings)
    measured.add(stage.label, trained["run_key"], here)
    return f"{uj_per_window(energy):.3g} µJ a window (estimated, 45 nm)"


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
