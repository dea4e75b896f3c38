"""train: one network a fold, and its predictions of the fold's test windows."""

from pipeline import files, tracking
from pipeline.runs import digests, run_key
from stages import Stage, left_out, run

SECTIONS = (
    "seed",
    "grid.skip",
    "datasets.{dataset}.labels",
    "datasets.{dataset}.source",
    "datasets.{dataset}.reader",
    "datasets.{dataset}.signal",
    "datasets.{dataset}.windows",
    "datasets.{dataset}.folds",
    "encoders.{encoder}",
    "models.{model}",
    "training",
)

TOLD = (
    *(s for s in SECTIONS if s not in ("grid.skip", "models.{model}")),
    *(f"models.{{model}}.{part}" for part in ("network", "neuron", "sparsity")),
)
"""What `run.json` tells of the settings."""


def main(stage: Stage) -> str:
    """Train a cell's model on every fold."""
    folder = files.folder("runs", stage.label)
    if skipped := left_out(stage, folder):
        return skipped
    from pipeline.training.task import Task
    from pipeline.training.train import train

    dataset, encoder, model = stage.names.values()
    inputs = digests(stage.dependencies())
    windows = files.folder("windows", dataset)
    task = Task(
        name=stage.label,
        spikes=files.folder("spikes", f"{dataset}-{encoder}"),
        windows=files.load_table(windows / "windows.parquet"),
        folds=files.load_table(windows / "folds.parquet"),
        labels=stage.read("datasets.{dataset}.labels"),
        network=stage.read("models.{model}.network"),
        neuron=stage.read("models.{model}.neuron"),
        settings=stage.read("training"),
        sparsity=stage.read("models.{model}.sparsity"),
        seed=stage.read("seed"),
        inputs=inputs,
    )
    folds = train(task, folder)
    settings = {
        section.rpartition(".")[2].strip("{}"): stage.resolved(section)
        for section in TOLD
    }
    about = {
        "run_key": run_key(settings, inputs),
        "dataset": dataset,
        "encoder": encoder,
        "model": model,
        "labels": list(task.labels),
        "n_folds": len(folds),
        "settings": settings,
        "inputs": inputs,
        "folds": folds,
    }
    files.save_json(folder / "run.json", about)
    tracking.publish(stage.label, "runs")
    epochs = sum(fold["epochs"] for fold in folds)
    return f"{len(folds)} folds, {epochs} epochs"


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
