"""The profile stage bills a cell, and times it apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import config, files
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky
from pipeline.profiling.folds import Cell, Fold
from pipeline.quantization.quantize import quantize
from pipeline.training.batches import Windows
from stages import Stage, profile

PARAMS = Path(__file__).parents[1] / "params.yaml"
CELL, STEPS = "ecg_demo-delta-lif", 20


def fold() -> Fold:
    rng = np.random.default_rng(0)
    trains = torch.from_numpy((rng.random((10 * STEPS, 2)) < 0.3).astype(np.uint8))
    some = Windows(trains, torch.arange(10) * STEPS, torch.arange(10) % 2, STEPS, 0.01)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = Dense(units=(4,), bins=2).build(Shape(STEPS, 2, 2, 0.01), Leaky())
    whole = quantize(built.eval(), some.spikes(torch.arange(10)))
    return Fold(built, whole, "", some, some)


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An empty checkout but for its windows; lists the cells that are loaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_TRACKING", "off")
    windows = pd.DataFrame({"recording": "r", "onset_s": [0.0, 0.5, 1.0]})
    path = files.folder("windows", "ecg_demo") / "windows.parquet"
    files.save_table(path, windows)
    loaded: list[Any] = []

    def folds(self: Cell, windows_per_fold: int) -> list[Fold]:
        loaded.append((self, windows_per_fold))
        return [fold()]

    monkeypatch.setattr(Cell, "folds", folds)
    return loaded


def stage(sections: tuple[str, ...] = profile.SECTIONS) -> Stage:
    names = dict(zip(("dataset", "encoder", "model"), CELL.split("-"), strict=True))
    return Stage("profile", names, sections, config.load(PARAMS))


def test_bill_and_times_are_two_files(seen: list[Any]) -> None:
    said = profile.main(stage())
    ((cell, windows_per_fold),) = seen
    assert windows_per_fold == 16
    assert cell.runs == files.folder("runs", CELL)
    assert cell.spikes == files.folder("spikes", "ecg_demo-delta")
    assert cell.neuron == stage().read("models.{model}.neuron")
    folder = files.folder("energy", CELL)
    energy = files.load_json(folder / "energy.json")
    assert set(energy) == {"counted", "estimated", "int8", "duty", "assumptions"}
    assert energy["duty"]["windows_per_s"] == 2
    measured = files.load_json(folder / "measured.json")
    assert set(measured) == {"latency", "machine"}
    assert measured["latency"]["repeats"] == 3
    assert "µJ a window (estimated, 45 nm)" in said


def test_the_bill_repeats_to_the_byte(seen: list[Any]) -> None:
    path = files.folder("energy", CELL) / "energy.json"
    profile.main(stage())
    before = path.read_bytes()
    profile.main(stage())
    assert path.read_bytes() == before


def test_a_models_cutoff_is_billed(
    seen: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = config.Params.plain

    def changed(self: config.Params, section: str) -> Any:
        cut = section == "models.lif.sparsity"
        return {"cutoff": {"agreement": 0.5}} if cut else plain(self, section)

    monkeypatch.setattr(config.Params, "plain", changed)
    profile.main(stage())
    energy = files.load_json(files.folder("energy", CELL) / "energy.json")
    assert energy["cutoff"]["asked"] == 0.5
