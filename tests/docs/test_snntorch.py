"""The network of docs/snntorch.md, from its page to a stream of decisions."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import config, files
from pipeline.networks.parts import modules
from pipeline.profiling.profile import count_windows
from pipeline.training.cell import TrainedCell
from pipeline.training.settings import TrainingSettings
from pipeline.training.task import Task
from pipeline.training.train import train
from tests import raw_cell

PAGE = Path(__file__).parents[2] / "docs" / "snntorch.md"
SHORT = TrainingSettings(epochs=1, windows_per_class=8, batch=8, segment_s=0.8)


def block(language: str) -> str:
    """A block of code of the page."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The page's entry, in a checkout with its module."""
    place = tmp_path / "own" / "my_package" / "nets.py"
    place.parent.mkdir(parents=True)
    place.write_text(block("python"))
    monkeypatch.setattr(modules, "OWN", tmp_path / "own")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    from ruamel.yaml import YAML

    entry: dict[str, Any] = YAML(typ="safe").load(block("yaml"))
    return entry


def test_the_pages_network_trains_evaluates_and_is_counted(
    settings: dict[str, Any],
) -> None:
    params = config.Params(settings)
    network, neuron = (
        params.read(f"models.mine.{part}") for part in ("network", "neuron")
    )
    network.check(neuron)
    for number, name in enumerate(raw_cell.FOLDS[1]):
        raw_cell.record(name, number, raw_cell.DELTA)
    raw_cell.tables()
    windows = files.folder("windows", raw_cell.DATASET)
    table, folds = (
        files.load_table(windows / f"{name}.parquet") for name in ("windows", "folds")
    )
    task = Task(
        raw_cell.CELL,
        files.folder("spikes", raw_cell.SPIKES),
        table,
        folds[folds["fold"] == 1],
        raw_cell.LABELS,
        network,
        neuron,
        SHORT,
        seed=5,
        inputs={},
    )
    folder = files.folder("runs", raw_cell.CELL)
    lines = train(task, folder)
    assert "it has no integers, nor C" in lines[0]["quantized"]["absent"]
    about = {
        **raw_cell.NAMES,
        "labels": raw_cell.LABELS,
        "folds": lines,
        "settings": {
            "network": {"name": "snntorch", **network.model_dump()},
            "neuron": {"name": "leaky"},
        },
    }
    files.save_json(folder / "run.json", about)
    fold = TrainedCell.open(raw_cell.CELL).fold()
    predicted = files.load_table(folder / "predictions.parquet")
    _check_predictions(fold, task, predicted)
    counted = count_windows(fold.network, fold.load(fold.decisions("test")))
    assert [layer.name.rpartition(".")[2] for layer in counted.synapses] == [
        "fc1", "fc2", "recurrent"
    ]  # fmt: skip
    n_windows = len(fold.decisions("test"))
    assert counted.membrane_updates == n_windows * raw_cell.STEPS * (32 + 2)
    assert counted.effective_macs == 0 < counted.effective_acs


def _check_predictions(fold: Any, task: Task, predicted: pd.DataFrame) -> None:
    """Hold what was predicted against the trained module, stepped by hand."""
    module = fold.network.layers[0].unrolled.module
    row = predicted.iloc[3]
    window = fold.cell.table.set_index("window").loc[row["window"]]
    train_of = files.load_spikes(task.spikes / f"{window['recording']}.h5")
    bits = np.unpackbits(train_of.packed, axis=1)[:, window["segment_start"] :]
    steps = torch.from_numpy(bits.T.astype(np.float32))[:, None]
    with torch.no_grad():
        fired = torch.stack([module(step)[0] for step in steps])[:, 0]
    stop = window["stop"] - window["segment_start"]
    likely = fired[stop - raw_cell.STEPS : stop].sum(0).softmax(0)
    assert row["p_busy"] == pytest.approx(float(likely[1]), abs=1e-6)
