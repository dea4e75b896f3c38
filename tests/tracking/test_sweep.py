"""What was tried on a data set is found again in MLflow."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import files, runs, tracking
from pipeline.plots.tradeoff import names
from pipeline.tracking import sweep

# MLflow and what it imports warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")

CELL = "ecg_demo-delta-lif"


@pytest.fixture
def home(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with a store without runs."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for name in ("MLFLOW_TRACKING_URI", "BIOSPIKE_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def client() -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking.store_uri())


def write_cell(
    accuracy: float,
    hoyer_weight: float = 0.0,
    *,
    spikes: str = "ab",
    sfreq: int = 100,
    energy: bool = True,
    finished: bool = True,
    cut: float | None = None,
    model: str = "lif",
) -> None:
    """Let a cell be logged as the stages log it."""
    settings: dict[str, Any] = {
        "seed": 1,
        "signal": {"sfreq": sfreq},
        "encoder": {"name": "delta", "threshold": 0.1},
        "network": {"name": "dense", "units": [4]},
        "sparsity": {"hoyer_weight": hoyer_weight, "pruning": None},
    }
    if cut:
        settings["sparsity"]["cutoff"] = {"agreement": 0.99}
    inputs = {
        f"data/code/train/{model}.json": f"code of {model}",
        "data/spikes/ecg_demo-delta/r1.h5": spikes,
    }
    run = {
        "run_key": runs.run_key(settings, inputs),
        "dataset": "ecg_demo",
        "encoder": "delta",
        "model": model,
        "settings": settings,
        "inputs": inputs,
        "folds": [],
    }
    files.save_json(files.folder("runs", CELL) / "run.json", run)
    estimate = {"value": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}
    overall = ("balanced_accuracy", "macro_f1", "accuracy", "auroc")
    rounded = {name: value - 0.05 for name, value in estimate.items()}
    metrics = {
        **dict.fromkeys(overall, estimate),
        "int8": dict.fromkeys(overall[:3], rounded),
        "classes": {},
        "prior": {"value": 0.5, "low": None, "high": None},
        "clock": {"best": "trees", "near": False, "difference": 0.1, "p": 0.25},
        "interval": {"method": "BCa"},
        "folds": [{"fold": 0, "windows": 9, "accuracy": 0.5}],
    }
    files.save_json(files.folder("metrics", CELL) / "metrics.json", metrics)
    kinds = ["metrics"]
    if energy:
        table = {"energy_uj_per_window": accuracy / 4, "source": "Horowitz"}
        counted = {"per_window": {"effective_acs": 12.5}}
        int8 = {"energy_uj_per_window": accuracy / 8, "source": "Horowitz"}
        bill = {
            "counted": counted,
            "estimated": {runs.HEADLINE: table},
            "int8": {"counted": counted, "estimated": {runs.INT8_HEADLINE: int8}},
        }
        if cut:
            tables = {"with": {runs.INT8_HEADLINE: {"energy_uj_per_window": cut}}}
            accuracies = {"with": accuracy - 0.15, "without": accuracy - 0.05}
            bill["cutoff"] = {
                "steps_share": 0.5,
                "balanced_accuracy": accuracies,
                "estimated": tables,
            }
        files.save_json(files.folder("energy", CELL) / "energy.json", bill)
        kinds.append("energy")
    assert tracking.publish(CELL, *kinds)
    if finished:
        (logged,) = _runs(f"tags.run_key = '{run['run_key']}'")
        client().set_terminated(logged.info.run_id)


def _runs(which: str) -> Any:
    experiment = client().get_experiment_by_name("ecg_demo")
    return client().search_runs([experiment.experiment_id], which)


def test_a_sweep_is_read_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sweep.points("ecg_demo").empty
    write_cell(0.7)
    write_cell(0.8, 0.1)
    write_cell(0.75, 0.2, energy=False)
    write_cell(0.6, 0.3, finished=False)
    monkeypatch.setattr(sweep, "AT_ONCE", 2)
    found = sweep.points("ecg_demo")
    assert found["cell"].tolist() == [CELL] * 3
    # Of the network in integers, in accuracy and in energy.
    np.testing.assert_allclose(found["balanced_accuracy"], [0.7, 0.75, 0.65])
    np.testing.assert_allclose(found["low"], [0.6, 0.65, 0.55])
    np.testing.assert_allclose(found["high"], [0.8, 0.85, 0.75])
    np.testing.assert_allclose(found["energy_uj"], [np.nan, 0.1, 0.0875])
    expected = ["hoyer weight 0.2", "hoyer weight 0.1", "as it is"]
    assert names(found["settings"].tolist()) == expected
    assert found["settings"][0]["model"] == "lif"
    assert found["settings"][0]["encoder.threshold"] == "0.1"
    assert not any(key.startswith("signal") for key in found["settings"][0])
    assert found["run_key"].is_unique
    assert sweep.comparable(found).equals(found)


def test_only_runs_of_the_same_windows_and_spikes_are_comparable(home: Path) -> None:
    write_cell(0.5, 0.1, sfreq=200)
    write_cell(0.6, 0.1, spikes="cd")
    write_cell(0.7)
    write_cell(0.8, 0.1)
    found = sweep.points("ecg_demo")
    assert len(found) == 4
    kept = sweep.comparable(found)
    np.testing.assert_allclose(kept["balanced_accuracy"], [0.75, 0.65])
    older = sweep.comparable(found.iloc[2:].reset_index(drop=True))
    np.testing.assert_allclose(older["balanced_accuracy"], [0.55])
    assert sweep.comparable(found.head(0)).empty


def test_runs_of_other_models_are_comparable(home: Path) -> None:
    """They are made of the same spikes, though each has code of its own."""
    write_cell(0.7)
    write_cell(0.8, model="ann")
    found = sweep.points("ecg_demo")
    assert found["model"].tolist() == ["ann", "lif"]
    assert sweep.comparable(found).equals(found)


def test_a_run_that_decides_early_is_known_by_that(home: Path) -> None:
    write_cell(0.8)
    write_cell(0.8, cut=0.03)
    early, full = sweep.points("ecg_demo").to_dict("records")
    assert early["energy_uj"] == 0.03
    assert early["balanced_accuracy"] == pytest.approx(0.65)
    # Few windows were counted: no interval of all test windows stands beside it.
    assert np.isnan(early["low"])
    assert np.isnan(early["high"])
    assert full["energy_uj"] == pytest.approx(0.1)


def test_a_figure_is_kept_in_one_run_that_is_no_point(home: Path) -> None:
    write_cell(0.7)
    for text in ("first", "second"):
        (home / "front.svg").write_text(text)
        (home / "front.csv").write_text("a,b")
        sweep.keep("ecg_demo", home / "front.svg", home / "front.csv")
    (run,) = _runs(f"tags.kind = '{sweep.KIND}'")
    assert run.info.status == "FINISHED"
    kept = {item.path for item in client().list_artifacts(run.info.run_id)}
    assert kept == {"front.svg", "front.csv"}
    path = client().download_artifacts(run.info.run_id, "front.svg")
    assert Path(path).read_text() == "second"
    assert len(sweep.points("ecg_demo")) == 1
    with pytest.raises(LookupError, match="no experiment emg_demo"):
        sweep.keep("emg_demo", home / "front.svg")
