"""evaluate: what the predictions are worth, with intervals over subjects."""

from collections.abc import Mapping
from typing import Any

from pipeline import files, unfinished
from pipeline.evaluation.evaluate import evaluate, evaluate_pooled
from stages import Stage, run

SECTIONS = ("evaluation",)


def main(stage: Stage) -> str:
    """Judge a cell's predictions."""
    runs = files.folder("runs", stage.label)
    trained = files.load_json(runs / "run.json")
    labels, seed = trained["labels"], trained["settings"]["seed"]
    settings = stage.read("evaluation")
    predictions = files.load_table(runs / "predictions.parquet")
    unjudged = trained["unjudged"]
    judged = evaluate(predictions, labels, settings, seed=seed, unjudged=unjudged)
    metrics = judged.metrics
    if (runs / "quantized.parquet").exists():
        predictions = files.load_table(runs / "quantized.parquet")
        metrics["int8"] = evaluate_pooled(predictions, labels, settings, seed=seed)
    with unfinished.finishing(files.folder("metrics", stage.label)) as folder:
        files.save_json(folder / "metrics.json", metrics)
        files.save_csv(folder / "subjects.csv", judged.subjects)
        files.save_csv(folder / "confusion.csv", judged.confusion)
    accuracy = metrics["balanced_accuracy"]["value"]
    n_subjects = metrics["subjects"]
    without = "".join(f", without {label}" for label in metrics["absent"])
    return (
        f"balanced accuracy {accuracy:.3f} over {n_subjects} subjects{without}"
        f"{_one_class(metrics)}"
    )


def _one_class(metrics: Mapping[str, Any]) -> str:
    """Name the class if all windows are predicted as one, of a fold or of all."""
    if label := metrics["only_predicted"]:
        return f"; every window is predicted as {label}: nothing was learned"
    folds = [str(fold["fold"]) for fold in metrics["folds"] if fold["only_predicted"]]
    named = f"fold{'s' * (len(folds) > 1)} {', '.join(folds)}"
    return f"; one class alone is predicted in {named}" if folds else ""


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
