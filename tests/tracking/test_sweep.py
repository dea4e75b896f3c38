"""What was tried on a data set is found again in MLflow."""

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
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with a store without runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for name in ("MLFLOW_TRACKING_URI", "BIOSPIKE_TRACKING", "DVC_STAGE"):
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
) -> None:
    """Let a cell be logged as the stages log it."""
    settings = {
        "seed": 1,
        "signal": {"sfreq": sfreq},
        "encoder": {"threshold": 0.1},
        "network": {"name": "dense", "units": [4]},
        "sparsity": {"hoyer_weight": hoyer_weight, "pruning": None},
    }
    inputs = {"data/spikes/ecg_demo-delta": spikes}
    run = {
        "run_key": runs.run_key(settings, inputs),
        "dataset": "ecg_demo",
        "encoder": "delta",
        "model": "lif",
        "settings": settings,
        "inputs": inputs,
        "folds": [],
    }
    files.save_json(files.folder("runs", CELL) / "run.json", run)
    estimate = {"value": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}
    overall = ("balanced_accuracy", "macro_f1", "accuracy", "auroc")
    metrics = {
        **dict.fromkeys(overall, estimate),
        "classes": {},
        "interval": {"method": "BCa"},
        "folds": [{"fold": 0, "windows": 9, "accuracy": 0.5}],
    }
    files.save_json(files.folder("metrics", CELL) / "metrics.json", metrics)
    kinds = ["metrics"]
    if energy:
        table = {"energy_uj_per_window": accuracy / 4, "source": "Horowitz"}
        counted = {"per_window": {"effective_acs": 12.5}}
        bill = {"counted": counted, "estimated": {runs.HEADLINE: table}}
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
    assert found["balanced_accuracy"].tolist() == [0.75, 0.8, 0.7]
    np.testing.assert_allclose(found["high"] - found["low"], 0.2)
    np.testing.assert_allclose(found["energy_uj"], [np.nan, 0.2, 0.175])
    assert found["energy_int8_uj"].isna().all()
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
    assert kept["balanced_accuracy"].tolist() == [0.8, 0.7]
    older = sweep.comparable(found.iloc[2:].reset_index(drop=True))
    assert older["balanced_accuracy"].tolist() == [0.6]
    assert sweep.comparable(found.head(0)).empty
