"""The profile stage bills a cell, and times it apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import config, files
from pipeline.encoders.delta import Delta
from pipeline.measurement import measured
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky
from pipeline.profiling.bill import bill_cell
from pipeline.profiling.folds import Fold
from pipeline.quantization.quantize import quantize
from pipeline.training.batches import Windows
from pipeline.training.cell import TrainedCell
from pipeline.training.settings import SparsitySettings
from stages import Stage, profile

PARAMS = Path(__file__).parents[1] / "params.yaml"
CELL, STEPS, RUN_KEY = "ecg_demo-delta-lif", 20, "ab" * 32
SETTINGS: dict[str, Any] = {
    "network": {"name": "dense", "units": [4], "bins": 2},
    "neuron": {"name": "leaky", "tau_mem_s": 0.03},
    "encoder": {"name": "delta", "threshold": 0.25},
    "sparsity": {},
}
"""Of the run; those in params.yaml are others."""


def fold() -> Fold:
    rng = np.random.default_rng(0)
    trains = torch.from_numpy((rng.random((10 * STEPS, 2)) < 0.3).astype(np.uint8))
    some = Windows(trains, torch.arange(10) * STEPS, torch.arange(10) % 2, STEPS, 0.01)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = Dense(units=(4,), bins=2).build(Shape(STEPS, 2, 2, 0.01), Leaky())
    integers = quantize(built.eval(), some.spikes(torch.arange(10)))
    return Fold(built, integers, "", some, some)


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A checkout of one run and its windows; lists the cells that are loaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_TRACKING", "off")
    windows = pd.DataFrame({"recording": "r", "onset_s": [0.0, 0.5, 1.0]})
    path = files.folder("windows", "ecg_demo") / "windows.parquet"
    files.save_table(path, windows)
    write_run(SETTINGS)
    loaded: list[Any] = []
    traced: list[Any] = []

    def load_folds(cell: TrainedCell, windows_per_fold: int) -> list[Fold]:
        loaded.append((cell, windows_per_fold))
        return [fold()]

    monkeypatch.setattr(profile, "load_folds", load_folds)
    monkeypatch.setattr(profile, "write_surest", traced.append)
    monkeypatch.setattr(profile, "write_example", traced.append)
    return loaded


def write_run(settings: dict[str, Any]) -> None:
    names = dict(zip(("dataset", "encoder", "model"), CELL.split("-"), strict=True))
    run = {**names, "run_key": RUN_KEY, "settings": settings}
    files.save_json(files.folder("runs", CELL) / "run.json", run)


def stage() -> Stage:
    names = dict(zip(("dataset", "encoder", "model"), CELL.split("-"), strict=True))
    return Stage("profile", names, profile.SECTIONS, config.load(PARAMS))


def test_bill_and_times_are_two_files(seen: list[Any]) -> None:
    line = profile.main(stage())
    ((cell, windows_per_fold),) = seen
    assert windows_per_fold == 16
    assert cell.folder == files.folder("runs", CELL)
    assert cell.spikes == files.folder("spikes", "ecg_demo-delta")
    assert cell.windows == files.folder("windows", "ecg_demo")
    folder = files.folder("energy", CELL)
    assert [path.name for path in folder.iterdir()] == ["energy.json"]
    energy = files.load_json(folder / "energy.json")
    assert set(energy) == {"counted", "estimated", "int8", "duty", "assumptions"}
    assert energy["duty"]["windows_per_s"] == 2
    here = measured.load(CELL, RUN_KEY)
    assert set(here) == {"latency", "machine"}
    assert here["latency"]["repeats"] == 3
    assert "µJ a window (estimated, 45 nm, counted as if it started anew" in line
    network = {**SETTINGS["network"], "restart": "windows"}
    write_run({**SETTINGS, "network": network})
    assert "µJ a window (estimated, 45 nm)" in profile.main(stage())


def test_the_parts_of_a_cell_are_those_of_its_run(
    seen: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    billed: list[Any] = []

    def bill(folds: Any, windows: Any, encoder: Any, sparsity: Any) -> Any:
        billed.extend([encoder, sparsity])
        return bill_cell(folds, windows, encoder, sparsity)

    monkeypatch.setattr(profile, "bill_cell", bill)
    profile.main(stage())
    ((cell, _),) = seen
    assert cell.network == Dense(units=(4,), bins=2)
    assert cell.neuron == Leaky(tau_mem_s=0.03)
    assert billed == [Delta(threshold=0.25), SparsitySettings()]


def test_what_biospike_measured_is_kept(seen: list[Any]) -> None:
    meters = {"nvml": {"energy_j_per_window": 0.25}}
    old = {"meters": meters, "latency": {"repeats": 1}}
    measured.add(CELL, RUN_KEY, old)
    measured.add(CELL, "of another run", old)
    profile.main(stage())
    here = measured.load(CELL, RUN_KEY)
    assert here["meters"] == meters
    assert here["latency"]["repeats"] == 3
    assert measured.load(CELL, "of another run") == old


def test_the_bill_repeats_to_the_byte(seen: list[Any]) -> None:
    path = files.folder("energy", CELL) / "energy.json"
    profile.main(stage())
    before = path.read_bytes()
    profile.main(stage())
    assert path.read_bytes() == before


def test_a_models_cutoff_is_billed(seen: list[Any]) -> None:
    write_run({**SETTINGS, "sparsity": {"cutoff": {"agreement": 0.5}}})
    profile.main(stage())
    energy = files.load_json(files.folder("energy", CELL) / "energy.json")
    assert energy["cutoff"]["asked"] == 0.5
