"""profile: operations counted, energy estimated; latency measured apart."""

from pipeline import files, tracking
from pipeline.profiling.bill import bill_cell
from pipeline.profiling.folds import Cell
from pipeline.profiling.measuring import latency
from pipeline.runs import uj_per_window
from stages import Stage, left_out, run

SECTIONS = (
    "grid.skip",
    "encoders.{encoder}",
    "models.{model}",
    "profiling",
)


def main(stage: Stage) -> str:
    """Count and estimate what a cell's inference takes, and time it here."""
    folder = files.folder("energy", stage.label)
    if skipped := left_out(stage, folder):
        return skipped
    dataset, encoder, _ = stage.names.values()
    cell = Cell(
        runs=files.folder("runs", stage.label),
        windows=files.folder("windows", dataset),
        spikes=files.folder("spikes", f"{dataset}-{encoder}"),
        network=stage.read("models.{model}.network"),
        neuron=stage.read("models.{model}.neuron"),
    )
    settings = stage.read("profiling")
    folds = cell.folds(settings.windows_per_fold)
    energy = bill_cell(
        folds,
        files.load_table(cell.windows / "windows.parquet"),
        stage.read("encoders.{encoder}"),
        stage.read("models.{model}.sparsity"),
    )
    files.save_json(folder / "energy.json", energy)
    measured = latency(folds[0].network, folds[0].test, settings)
    files.save_json(folder / "measured.json", measured)
    tracking.publish(stage.label, "runs", "energy")
    return f"{uj_per_window(energy):.3g} µJ a window (estimated, 45 nm)"


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
