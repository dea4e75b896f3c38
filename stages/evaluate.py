"""evaluate: what the predictions are worth, with intervals over subjects."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline import files, seeds, unfinished
from pipeline.evaluation.clock import without_signal
from pipeline.evaluation.evaluate import (
    EvaluationSettings,
    cold,
    evaluate,
    evaluate_pooled,
)
from pipeline.evaluation.lead import lead
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
    evaluated = evaluate(predictions, labels, settings, seed=seed, unjudged=unjudged)
    metrics = evaluated.metrics | {"cold": cold(predictions, labels)}
    metrics |= _beside(stage, predictions, labels, settings, seed)
    if (runs / "quantized.parquet").exists():
        predictions = files.load_table(runs / "quantized.parquet")
        metrics["int8"] = evaluate_pooled(predictions, labels, settings, seed=seed)
    place = files.folder("metrics", stage.label)
    with unfinished.finishing(place) as folder:
        files.save_json(folder / "metrics.json", metrics)
        files.save_csv(folder / "subjects.csv", evaluated.subjects)
        files.save_csv(folder / "confusion.csv", evaluated.confusion)
    files.save_values(place.with_name(f"{stage.label}.json"), headline(metrics))
    accuracy = metrics["balanced_accuracy"]["value"]
    over = f"over {metrics['subjects']} subjects"
    if metrics["interval"]["method"] is None:
        over = f"without an interval ({metrics['interval']['reason']})"
    without = "".join(f", without {label}" for label in metrics["absent"])
    near = ""
    if metrics["clock"]["near"]:
        best = metrics["clock"][metrics["clock"]["best"]]["value"]
        near = f"; not shown to be better than the clock alone ({best:.3f})"
    return (
        f"balanced accuracy {accuracy:.3f} {over}{without}{_one_class(metrics)}{near}"
    )


def headline(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Give the few numbers that `dvc metrics` and `dvc exp show` list of a cell.

    They are the balanced accuracy with its interval, the macro F1, and the balanced
    accuracy of the integer network. A number that is not known is left out.
    """
    accuracy = metrics["balanced_accuracy"]
    integers = metrics.get("int8", {}).get("balanced_accuracy", {})
    values = {
        "balanced_accuracy": accuracy["value"],
        "low": accuracy["low"],
        "high": accuracy["high"],
        "macro_f1": metrics["macro_f1"]["value"],
        "int8": integers.get("value"),
    }
    known = ((name, value) for name, value in values.items() if value is not None)
    return {name: round(value, 4) for name, value in known}


def _one_class(metrics: Mapping[str, Any]) -> str:
    """Name the class if all windows are predicted as one, of a fold or of all."""
    if label := metrics["only_predicted"]:
        return f"; every window is predicted as {label}: nothing was learned"
    folds = [str(fold["fold"]) for fold in metrics["folds"] if fold["only_predicted"]]
    named = f"fold{'s' * (len(folds) > 1)} {', '.join(folds)}"
    return f"; one class alone is predicted in {named}" if folds else ""


def _beside(
    stage: Stage,
    predictions: pd.DataFrame,
    labels: list[str],
    settings: EvaluationSettings,
    seed: int,
) -> dict[str, Any]:
    """Set the prior and the clock of the data set, and the code, beside the cell."""
    folder = files.folder("clock", stage.names["dataset"])
    clock = files.load_json(folder / "clock.json")
    table = files.load_table(folder / "predictions.parquet")
    rng = seeds.generator(seed, "lead", stage.label)
    found = lead(predictions, table, clock["best"], labels, settings, rng)
    beside = without_signal(clock)
    return {
        "prior": beside.pop("prior"),
        "clock": beside | found,
        "encoding": _encoding(stage),
    }


def _encoding(stage: Stage) -> dict[str, Any]:
    """Read what the code costs and keeps, as all models of its spikes have it."""
    dataset, encoder, _ = stage.names.values()
    folder = files.folder("encoding", f"{dataset}-{encoder}")
    summary = files.load_json(folder / "summary.json")
    return {key: summary[key] for key in summary if key != "excerpt"}


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
