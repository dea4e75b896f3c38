"""evaluate: what the predictions are worth, with intervals over subjects."""

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
    return f"balanced accuracy {accuracy:.3f} over {n_subjects} subjects{without}"


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
