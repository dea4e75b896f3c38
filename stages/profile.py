"""profile: operations counted, energy estimated; latency and energy measured apart."""

from pipeline import files, tracking
from pipeline.profiling.profile import evenly, learning, measure, profile
from pipeline.runs import uj_per_window
from stages import Stage, left_out, run

SECTIONS = (
    "grid.skip",
    "encoders.{encoder}",
    "models.{model}.network",
    "models.{model}.neuron",
    "profiling",
)


def main(stage: Stage) -> str:
    """Count, estimate and measure what a cell's inference takes."""
    folder = files.folder("energy", stage.label)
    if skipped := left_out(stage, folder):
        return skipped
    from pipeline.training import batches
    from pipeline.training.train import load_network, weights_path

    dataset, encoder, _ = stage.names.values()
    runs = files.folder("runs", stage.label)
    labels = files.load_json(runs / "run.json")["labels"]
    settings = stage.read("profiling")
    windows = files.load_table(files.folder("windows", dataset) / "windows.parquet")
    predictions = files.load_table(runs / "predictions.parquet")
    folds = []
    for fold, tested in predictions.groupby("fold"):
        table = windows.merge(tested[["window"]], on="window").sort_values("window")
        network, _ = load_network(
            weights_path(runs, int(str(fold))),
            stage.read("models.{model}.network"),
            stage.read("models.{model}.neuron"),
        )
        spikes = files.folder("spikes", f"{dataset}-{encoder}")
        chosen = evenly(table, settings.windows_per_fold)
        folds.append((network, batches.load(spikes, chosen, labels)))
    energy = profile(folds, stage.read("encoders.{encoder}"))
    if bill := learning(*folds[0]):
        energy["learning"] = bill
    files.save_json(folder / "energy.json", energy)
    files.save_json(folder / "measured.json", measure(*folds[0], settings))
    tracking.publish(stage.label, "runs", "energy")
    return f"{uj_per_window(energy):.3g} µJ a window (estimated, 45 nm)"


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
