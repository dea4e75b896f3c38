"""clock: what the place in the recording predicts, without any signal."""

from pipeline import files, unfinished
from pipeline.evaluation.clock import measure
from stages import Stage, run

SECTIONS = ("evaluation",)


def main(stage: Stage) -> str:
    """Judge the class prior and the clock of a data set."""
    tables = files.folder("windows", stage.label)
    earlier = files.load_json(tables / "settings.json")
    clock = measure(
        files.load_table(tables / "windows.parquet"),
        files.load_table(tables / "folds.parquet"),
        earlier["labels"],
        settings=stage.read("evaluation"),
        seed=earlier["seed"],
    )
    with unfinished.finishing(files.folder("clock", stage.label)) as folder:
        files.save_json(folder / "clock.json", clock.metrics)
        files.save_table(folder / "predictions.parquet", clock.predictions)
        files.save_csv(folder / "subjects.csv", clock.subjects)
    prior = clock.metrics["prior"]["balanced_accuracy"]
    best = clock.metrics["best"]
    return f"prior {prior:.3f}, clock {clock.value:.3f} ({best})"


if __name__ == "__main__":
    run(main, axes=("dataset",), sections=SECTIONS)
