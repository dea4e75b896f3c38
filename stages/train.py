"""train: one network a fold, and its predictions of the fold's test windows."""

from pipeline import entries, files, unfinished
from pipeline.measurement import measured
from pipeline.parallel import start_importing
from pipeline.roles import unjudged
from pipeline.runs import run_key
from pipeline.tracking.following import following
from pipeline.training import progress
from stages import Stage, run

SECTIONS = ("models.{model}", "training")

MODEL = tuple(
    f"models.{{model}}.{part}" for part in ("network", "neuron", "sparsity", "privacy")
)


def main(stage: Stage) -> str:
    """Train a cell's model on every fold."""
    start_importing("stages", "pipeline.training.train")
    from pipeline.training.task import Task
    from pipeline.training.train import train

    dataset, encoder, model = stage.names.values()
    windows = files.folder("windows", dataset)
    spikes = files.folder("spikes", f"{dataset}-{encoder}")
    names = "windows.parquet", "folds.parquet", "settings.json"
    code = entries.code_path(stage.name, stage.names)
    inputs = files.file_digests(spikes, *(windows / name for name in names), code)
    earlier = files.load_json(windows / "settings.json")
    encoding = files.load_json(spikes / "settings.json")
    parts = tuple((name, n_features) for name, n_features in encoding.pop("parts"))
    settings = earlier | encoding | stage.settings(*MODEL, "training")
    task = Task(
        name=stage.label,
        spikes=spikes,
        windows=files.load_table(windows / "windows.parquet"),
        folds=files.load_table(windows / "folds.parquet"),
        labels=tuple(earlier["labels"]),
        network=stage.read("models.{model}.network"),
        neuron=stage.read("models.{model}.neuron"),
        settings=stage.read("training"),
        sparsity=stage.read("models.{model}.sparsity"),
        privacy=stage.read("models.{model}.privacy"),
        seed=earlier["seed"],
        inputs=inputs,
        memory_s=earlier["windows"].get("memory_s"),
        parts=parts,
    )
    key = run_key(settings, inputs)
    about = {
        "run_key": key,
        "dataset": dataset,
        "encoder": encoder,
        "model": model,
        "labels": list(task.labels),
        "settings": settings,
        "inputs": inputs,
        "unjudged": unjudged(task.windows, task.folds),
    }
    with unfinished.finishing(files.folder("runs", stage.label)) as folder:
        with following(stage.label, about, folder):
            folds = train(task, folder)
        times = progress.times(folder)
        made = {**about, "n_folds": len(folds), "folds": folds}
        files.save_json(folder / "run.json", made)
    if times:
        measured.save_times(stage.label, key, times)
    epochs = sum(fold["epochs"] for fold in folds)
    return f"{len(folds)} folds, {epochs} epochs"


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
