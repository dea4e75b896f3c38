"""The evaluate stage judges a cell's network, and the same in integers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import config, files
from pipeline.evaluation.clock import measure
from pipeline.evaluation.evaluate import evaluate
from stages import Stage
from stages import evaluate as module

PARAMS = Path(__file__).parents[1] / "params.yaml"
CELL, LABELS = "ecg_demo-delta-lif", ["N", "V"]


def predictions(right: float) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    truth = np.arange(200) % 2
    predicted = np.where(rng.random(200) < right, truth, 1 - truth)
    columns = {
        "window": np.arange(200),
        "fold": 0,
        "subject": [f"s{k}" for k in np.arange(200) // 2 % 10],
        "label": np.array(LABELS)[truth],
        "cold": np.arange(200) < 6,
        "predicted": np.array(LABELS)[predicted],
    }
    shares = {
        "p_N": np.where(predicted, 0.1, 0.9),
        "p_V": np.where(predicted, 0.9, 0.1),
    }
    return pd.DataFrame(columns | shares)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_TRACKING", "off")
    folder = files.folder("runs", CELL)
    # The run's own seed counts, whatever params.yaml has become since.
    run = {"labels": LABELS, "settings": {"seed": 7}, "unjudged": []}
    files.save_json(folder / "run.json", run)
    files.save_table(folder / "predictions.parquet", predictions(0.9))
    write_clock(in_order=False)
    summary = {"snr_db": 12.5, "excerpt": {"recording": "r1"}}
    path = files.folder("encoding", "ecg_demo-delta") / "summary.json"
    files.save_json(path, summary)
    names = dict(zip(("dataset", "encoder", "model"), CELL.split("-"), strict=True))
    return Stage("evaluate", names, module.SECTIONS, config.load(PARAMS))


def write_clock(in_order: bool) -> None:
    """A clock of the same windows, whose labels have an order or none."""
    windows = predictions(1.0)[["window", "subject", "label"]]
    onset_s = windows["window"] // 20 + 50.0 * (windows["label"] == "V")
    other = np.random.default_rng(0).permutation(onset_s)
    windows["onset_s"] = onset_s if in_order else other
    windows = windows.assign(recording=windows["subject"], reason="")
    tested = windows[["window"]].assign(fold=0, role="test")
    trained = windows.assign(window=windows["window"] + 200)
    folds = pd.concat([tested, trained[["window"]].assign(fold=0, role="train")])
    windows = pd.concat([windows, trained])
    settings = config.load(PARAMS).read("evaluation")
    found = measure(windows, folds, LABELS, settings=settings, seed=7)
    folder = files.folder("clock", "ecg_demo")
    files.save_json(folder / "clock.json", found.metrics)
    files.save_table(folder / "predictions.parquet", found.predictions)


def metrics() -> dict:
    return files.load_json(files.folder("metrics", CELL) / "metrics.json")


def test_integers_stand_beside_the_network(stage: Stage) -> None:
    path = files.folder("runs", CELL) / "quantized.parquet"
    files.save_table(path, predictions(0.7))
    line = module.main(stage)
    found = metrics()
    settings = stage.read("evaluation")
    for scores, right in ((found, 0.9), (found["int8"], 0.7)):
        expected = evaluate(predictions(right), LABELS, settings, seed=7)
        for name in ("balanced_accuracy", "macro_f1", "accuracy"):
            assert scores[name] == expected.metrics[name]
    assert set(found["int8"]) == {"balanced_accuracy", "macro_f1", "accuracy"}
    rows = predictions(0.9)[:6]
    right = (rows["label"] == rows["predicted"]).groupby(rows["label"]).mean()
    assert found["cold"] == {"decisions": 6, "balanced_accuracy": right.mean()}
    assert f"balanced accuracy {found['balanced_accuracy']['value']:.3f}" in line
    subjects = pd.read_csv(files.folder("metrics", CELL) / "subjects.csv")
    assert subjects["windows"].sum() == 200
    assert subjects["accuracy"].mean() == pytest.approx(
        found["accuracy"]["value"], abs=1e-5
    )


def test_dvc_lists_five_numbers_of_a_cell(stage: Stage) -> None:
    path = files.folder("runs", CELL) / "quantized.parquet"
    files.save_table(path, predictions(0.7))
    module.main(stage)
    listed = files.folder("metrics", CELL).with_name(f"{CELL}.json")
    found, numbers = metrics(), json.loads(listed.read_text())
    accuracy = found["balanced_accuracy"]
    assert numbers == {
        "balanced_accuracy": round(accuracy["value"], 4),
        "low": round(accuracy["low"], 4),
        "high": round(accuracy["high"], 4),
        "macro_f1": round(found["macro_f1"]["value"], 4),
        "int8": round(found["int8"]["balanced_accuracy"]["value"], 4),
    }


def test_a_number_that_is_not_known_is_not_listed() -> None:
    unknown = {"value": None, "low": None, "high": None}
    known = {"value": 0.5, "low": None, "high": None}
    found = {"balanced_accuracy": known, "macro_f1": unknown}
    assert module.headline(found) == {"balanced_accuracy": 0.5}


def test_a_class_that_no_fold_judges_is_named(stage: Stage) -> None:
    path = files.folder("runs", CELL) / "run.json"
    unjudged = [{"fold": 0, "label": "F", "windows": 12}]
    run = {**files.load_json(path), "labels": [*LABELS, "F"], "unjudged": unjudged}
    files.save_json(path, run)
    table = predictions(0.9).assign(p_F=0.0)
    files.save_table(path.parent / "predictions.parquet", table)
    assert module.main(stage).endswith("over 10 subjects, without F")
    found = metrics()
    assert found["unjudged"] == unjudged
    assert "12 test windows" in found["absent"]["F"]
    assert "12 test windows" in found["folds"][0]["absent"]["F"]


def test_a_cell_without_integers_has_no_metrics_of_them(stage: Stage) -> None:
    module.main(stage)
    assert "int8" not in metrics()


def test_what_the_code_keeps_stands_beside_the_cell(stage: Stage) -> None:
    module.main(stage)
    assert metrics()["encoding"] == {"snr_db": 12.5}


def test_a_constant_prediction_is_reported(stage: Stage) -> None:
    path = files.folder("runs", CELL) / "predictions.parquet"
    assert "predicted" not in module.main(stage)
    files.save_table(path, predictions(0.9).assign(predicted="V"))
    assert "; every window is predicted as V: nothing was learned" in module.main(stage)
    table = predictions(0.9).assign(fold=np.arange(200) // 100)
    table.loc[table["fold"] == 1, "predicted"] = "N"
    files.save_table(path, table)
    clock = files.folder("clock", "ecg_demo") / "predictions.parquet"
    in_folds = files.load_table(clock).assign(fold=np.arange(200) // 100)
    files.save_table(clock, in_folds)
    assert "; one class alone is predicted in fold 1" in module.main(stage)


def test_a_model_that_is_better_than_the_clock_is_near_nothing(stage: Stage) -> None:
    assert "clock" not in module.main(stage)
    found = metrics()
    assert found["prior"]["value"] == 0.5
    assert not found["clock"]["near"]
    assert found["clock"]["difference"] > 0.2
    assert found["clock"]["subjects"] == 10
    best = found["clock"][found["clock"]["best"]]["value"]
    accuracy = found["balanced_accuracy"]["value"]
    assert found["clock"]["difference"] == pytest.approx(accuracy - best)


def test_a_clock_that_knows_the_order_comes_near(stage: Stage) -> None:
    write_clock(in_order=True)
    printed = module.main(stage)
    assert metrics()["clock"]["near"]
    assert printed.endswith("not shown to be better than the clock alone (1.000)")
