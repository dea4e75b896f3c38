"""What is profiled of each fold, as it lies in a cell's folders."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import files
from pipeline.errors import DataError
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky
from pipeline.profiling.folds import load_folds
from pipeline.quantization.quantize import quantize
from pipeline.spikes import pack
from pipeline.training.cell import TrainedCell
from pipeline.training.quantizing import Quantized, save_quantized

STEPS, LABELS = 10, ["N", "V"]
NETWORK, NEURON = Dense(units=(4,), bins=2), Leaky(threshold=0.2)


def network(seed: int) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return NETWORK.build(Shape(STEPS, 2, 2, 0.01), NEURON).eval()


@pytest.fixture
def cell(tmp_path: Path) -> TrainedCell:
    """Two folds of 30 windows, 12 of them tested in either; window n has n spikes.

    Fold 2 has no network in integers.
    """
    bits = np.zeros((2, 30 * STEPS), bool)
    for n in range(30):
        bits[:, n * STEPS : (n + 1) * STEPS] = np.arange(2 * STEPS).reshape(2, -1) < n
    spikes = pack(bits, dt=0.01, delay_s=0.0, features=("+", "-"))
    files.save_spikes(tmp_path / "spikes" / "r.h5", spikes)
    start = np.arange(30) * STEPS
    windows = pd.DataFrame({"window": np.arange(30), "recording": "r", "label": "N"})
    windows = windows.assign(start=start, stop=start + STEPS)
    windows = windows.assign(segment_start=0, segment_stop=30 * STEPS)
    files.save_table(tmp_path / "windows/windows.parquet", windows.iloc[::-1])
    roles = [("test", range(12)), ("validation", range(12, 20))]
    rows = [
        (fold, (n + 15 * (fold == 2)) % 30, role)
        for fold in (1, 2)
        for role, some in [*roles, ("train", range(20, 30))]
        for n in some
    ]
    table = pd.DataFrame(rows, columns=["fold", "window", "role"])
    files.save_table(tmp_path / "windows/folds.parquet", table)
    settings = {
        "network": {"name": "dense", **NETWORK.model_dump()},
        "neuron": {"name": "leaky", **NEURON.model_dump()},
    }
    run = {
        "labels": LABELS,
        "folds": [{"fold": 1}, {"fold": 2}],
        "settings": settings,
    }
    folder = tmp_path / "runs"
    files.save_json(folder / "run.json", run)
    meta = {"shape": asdict(Shape(STEPS, 2, 2, 0.01))}
    for fold in (1, 2):
        built = network(fold)
        path = folder / f"fold-{fold}.safetensors"
        files.save_weights(path, built.state_dict(), meta=meta)
        spikes = torch.ones(STEPS, 4, 2)
        integers = Quantized(quantize(built, spikes), 1.0, 1.0)
        none = Quantized(None, 1.0, absent="layer 1: exponentials")
        save_quantized(
            folder / f"fold-{fold}.int8.safetensors",
            integers if fold == 1 else none,
            {},
        )
    data, spikes = tmp_path / "windows", tmp_path / "spikes"
    return TrainedCell("demo-delta-lif", run, folder, data, spikes)


def spikes_of(windows: object) -> list[int]:
    """Count the spikes of each window, which are its number."""
    rows = torch.arange(len(windows.first))  # type: ignore[attr-defined]
    found = windows.spikes(rows).sum((0, 2))  # type: ignore[attr-defined]
    return [int(n) for n in found]


def test_each_fold_has_its_own_networks_and_windows(cell: TrainedCell) -> None:
    first, second = load_folds(cell, 100)
    spikes = torch.ones(STEPS, 3, 2)
    for fold, seed in ((first, 1), (second, 2)):
        with torch.no_grad():
            assert torch.equal(fold.network(spikes), network(seed)(spikes))
        assert not fold.network.training
    assert first.integers is not None
    assert first.absent == ""
    assert second.integers is None
    assert second.absent == "layer 1: exponentials"
    assert spikes_of(first.test) == list(range(12))
    assert spikes_of(first.validation) == list(range(12, 20))
    most = 2 * STEPS
    assert spikes_of(second.test) == [min(n, most) for n in range(15, 27)]
    assert sorted(spikes_of(second.validation)) == [0, 1, 2, 3, 4, most, most, most]


def test_so_many_test_windows_are_taken_at_equal_distances(cell: TrainedCell) -> None:
    first, _ = load_folds(cell, 3)
    assert spikes_of(first.test) in ([0, 5, 11], [0, 6, 11])
    assert len(first.validation.first) == 8  # a cutoff is calibrated on all of them


def test_windows_that_run_on_are_taken_with_what_comes_before(
    cell: TrainedCell,
) -> None:
    """Three of the slowest time constants, half a second: silence, and windows."""
    first, _ = load_folds(cell, 2)
    assert first.running is not None
    assert (first.running.warm, first.running.anew_per_s) == (150, 0)
    assert spikes_of(first.running.windows) == [0, sum(range(12))]


def test_a_network_that_restarts_has_no_spans(cell: TrainedCell) -> None:
    cell.run["settings"]["network"]["restart"] = "windows"
    assert [fold.running for fold in load_folds(cell, 2)] == [None, None]


def test_a_memory_that_ends_starts_anew(cell: TrainedCell) -> None:
    cell.run["settings"]["windows"] = {"memory_s": 4.0}
    first, _ = load_folds(cell, 2)
    assert first.running is not None
    assert first.running.anew_per_s == 0.25


def test_a_fold_whose_file_is_lost_is_named(cell: TrainedCell) -> None:
    (cell.folder / "fold-2.int8.safetensors").unlink()
    with pytest.raises(DataError, match=r"fold-2\.int8\.safetensors"):
        load_folds(cell, 3)
