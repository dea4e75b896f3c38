"""Profiles of small cells: repeatable, complete, and fit for JSON."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from pipeline.encoders.base import Encoder
from pipeline.encoders.delta import Delta
from pipeline.encoders.rate import Rate
from pipeline.errors import MeasurementError
from pipeline.files import dump_json
from pipeline.meters.base import Meter
from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.profiling.operations import count
from pipeline.profiling.profile import (
    ProfilingSettings,
    evenly,
    measure,
    median_s,
    metered,
    profile,
)
from pipeline.training.batches import Windows

SHAPE = Shape(n_steps=48, n_features=4, n_classes=3, dt=0.01)


def network(neuron: Leaky | Relu, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Convolutional(channels=(5, 6), bins=2).build(SHAPE, neuron).eval()


def windows(n_windows: int = 150, seed: int = 0) -> Windows:
    rng = np.random.default_rng(seed)
    trains = torch.from_numpy((rng.random((n_windows + 48, 4)) < 0.3).astype(np.uint8))
    first = torch.arange(n_windows)
    return Windows(trains, first, torch.zeros_like(first), 48, 0.01)


def test_the_bill_is_of_all_windows_of_all_folds() -> None:
    folds = [(network(Leaky(), k), windows(n, k)) for k, n in enumerate((150, 30))]
    bill = profile(folds, Delta())
    parts = [
        count(net, w.spikes(torch.arange(len(w.first))), dt=0.01) for net, w in folds
    ]
    acs = sum(part.effective_acs for part in parts)
    assert bill["counted"]["n_windows"] == 180
    assert bill["counted"]["per_window"]["effective_acs"] == acs / 180
    assert bill["counted"]["per_second"]["effective_acs"] == pytest.approx(
        acs / 180 / 0.48
    )
    updates = bill["counted"]["per_window"]["membrane_updates"]
    assert updates == 12 * 5 + 6 * 6
    joules = (0.9 * acs / 180 + 4.6 * updates) * 1e-12
    estimated = bill["estimated"]["horowitz_45nm_fp32"]
    assert estimated["energy_j_per_window"] == pytest.approx(joules)


def test_layers_add_up_to_the_whole() -> None:
    counted = profile([(network(Leaky()), windows())], Delta())["counted"]
    for name in ("effective_acs", "dense_operations", "membrane_updates"):
        total = sum(layer.get(name, 0) for layer in counted["layers"].values())
        assert total == pytest.approx(counted["per_window"][name])


def test_a_profile_repeats_to_the_byte() -> None:
    first, again = (
        dump_json(profile([(network(Leaky()), windows())], Delta())) for _ in range(2)
    )
    assert first == again


def test_the_ann_multiplies_where_the_snn_adds() -> None:
    spiking, graded = (
        profile([(network(neuron), windows())], Delta())["counted"]["per_window"]
        for neuron in (Leaky(), Relu())
    )
    assert spiking["effective_macs"] == 0
    assert graded["effective_macs"] > 0
    # The first convolution adds in both: its inputs are spikes.
    assert graded["effective_acs"] > 0
    assert graded["membrane_updates"] == 0


class Silent(Delta):
    """Does not say what it does."""

    def operations(self) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize(
    ("encoder", "operations", "energy"),
    [
        (Delta(), {"addition": 3 * 2 * 48}, {"energy_j_per_window": 288 * 0.9e-12}),
        (
            Rate(),
            {"addition": 192, "multiplication": 96, "random number": 96},
            {"absent": "the source gives no cost of a random number"},
        ),
        (Silent(), None, {"absent": "the encoder does not state its operations"}),
    ],
    ids=["delta", "rate", "silent"],
)
def test_the_encoder_is_counted_apart(
    encoder: Encoder[Any], operations: object, energy: dict[str, Any]
) -> None:
    bill = profile([(network(Leaky()), windows())], encoder)
    assert bill["counted"]["encoder_per_window"] == operations
    assert bill["estimated"]["horowitz_45nm_fp32"]["encoder"] == pytest.approx(energy)


def test_measurements_say_what_is_absent() -> None:
    settings = ProfilingSettings(latency_repeats=3, meter_s=0.01)
    threads = torch.get_num_threads()
    measured = measure(network(Leaky()), windows(), settings)
    latency = measured["latency"]
    assert latency["median_ms_per_window"] > 0
    factor = latency["median_ms_per_window"] / 480
    assert latency["real_time_factor"] == pytest.approx(factor)
    assert set(measured["meters"]["rapl"]) in (
        {"absent"},
        {"energy_j_per_window", "windows"},
    )
    assert torch.get_num_threads() == threads
    dump_json(measured)


def test_the_median_leaves_out_the_warm_up_and_one_slow_run() -> None:
    naps = iter([0.1, 0.1, 0.1, 0.1, 0.0, 0.0])
    assert median_s(lambda: time.sleep(next(naps)), 3) < 0.05


class Fake(Meter):
    """Measures two joules, or fails."""

    works: bool = True

    def unavailable(self) -> str | None:
        return None

    def measure(self, work: Callable[[], None]) -> float:
        work()
        if not self.works:
            raise MeasurementError("the counter", "stopped")
        return 2.0


def test_a_meters_joules_are_shared_by_the_windows() -> None:
    done: list[int] = []
    result = metered(Fake(), lambda: done.append(1), 8)
    assert result == {"energy_j_per_window": 0.25, "windows": 8}
    assert len(done) == 8


def test_a_failed_measurement_is_absent_never_zero() -> None:
    result = metered(Fake(works=False), lambda: None, 8)
    assert result == {"absent": "the counter stopped"}


@pytest.mark.parametrize(
    ("n_rows", "at_most", "expected"),
    [(5, 9, [0, 1, 2, 3, 4]), (9, 3, [0, 4, 8]), (9, 1, [0])],
)
def test_rows_at_equal_distances(
    n_rows: int, at_most: int, expected: list[int]
) -> None:
    table = pd.DataFrame({"window": range(n_rows)})
    assert evenly(table, at_most)["window"].tolist() == expected
