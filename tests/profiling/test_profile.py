"""Profiles of small cells: repeatable, complete, and fit for JSON."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from pipeline.encoders.base import Encoder
from pipeline.encoders.delta import Delta
from pipeline.encoders.rate import Rate
from pipeline.files import dump_json
from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.parts.stack import Layer
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.profiling.cost_tables import tables_for
from pipeline.profiling.operations import count
from pipeline.profiling.profile import evenly, profile
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.neurons.leaky import IntegerLeaky
from pipeline.quantization.read_outs import IntegerHead
from pipeline.quantization.weights import Dense
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
    nets = [network(Leaky(), k) for k in range(2)]
    folds = [(nets[k], None, windows(n, k)) for k, n in enumerate((150, 30))]
    bill = profile(folds, Delta())
    parts = [
        count(net, w.spikes(torch.arange(len(w.first))), dt=0.01) for net, _, w in folds
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


def integers(seed: int = 0) -> IntegerNetwork:
    """A dense layer of two leaky neurons and a read-out."""
    rng = np.random.default_rng(seed)

    def weight(*shape: int) -> torch.Tensor:
        return torch.tensor(rng.integers(-127, 128, shape), dtype=torch.int8)

    values = {"beta": 20000, "bias": 0, "threshold": 90}
    tensors = {name: torch.full((2,), value) for name, value in values.items()}
    neurons = IntegerLeaky(tensors, dt=0.01, shift=0, reset="zero")
    ones = {name: torch.ones(3) for name in ("bias", "multiplier")}
    head = IntegerHead(weight(3, 2), ones, n_read=4, bins=1, shift=0, scale=1.0)
    return IntegerNetwork([Layer(Dense(weight(2, 4)), neurons)], head).eval()


def test_integer_networks_stand_beside() -> None:
    folds = [
        (network(Leaky(), k), integers(k), windows(n, k))
        for k, n in ((0, 150), (1, 30))
    ]
    bill = profile(folds, Delta())
    int8, floats = bill["int8"], bill["counted"]
    assert set(int8) == {"counted", "estimated"}
    assert int8["counted"]["n_windows"] == floats["n_windows"] == 180
    assert int8["counted"]["per_window"]["membrane_updates"] == 48 * 2
    assert int8["counted"]["footprint_bytes"] == 8 + 6 + 4 * (6 + 6)
    assert set(int8["estimated"]) == set(tables_for("int8"))
    assert set(bill["estimated"]) == set(tables_for("float32"))
    dump_json(bill)


def test_a_missing_integer_network_is_absent_with_its_reason() -> None:
    folds = [
        (network(Leaky()), integers(), windows()),
        (network(Leaky()), None, windows()),
    ]
    assert profile(folds, Delta(), absent="too wide")["int8"] == {"absent": "too wide"}


def test_a_second_is_a_window_over_its_length() -> None:
    counted = profile([(network(Leaky()), None, windows())], Delta())["counted"]
    for kind, both in counted["words_per_window"].items():
        for way, number in both.items():
            second = counted["words_per_second"][kind][way]
            assert second == pytest.approx(number / 0.48)
    for name, number in counted["per_window"].items():
        assert counted["per_second"][name] == pytest.approx(number / 0.48)


def test_words_of_layers_add_up_to_the_total() -> None:
    counted = profile([(network(Leaky()), None, windows())], Delta())["counted"]
    for kind, both in counted["words_per_window"].items():
        for way, number in both.items():
            layers = (layer["words"] for layer in counted["layers"].values())
            total = sum(words.get(kind, {}).get(way, 0) for words in layers)
            assert total == pytest.approx(number)


def test_layers_add_up_to_the_total() -> None:
    counted = profile([(network(Leaky()), None, windows())], Delta())["counted"]
    for name in ("effective_acs", "dense_operations", "membrane_updates"):
        total = sum(layer.get(name, 0) for layer in counted["layers"].values())
        assert total == pytest.approx(counted["per_window"][name])


def test_a_profile_repeats_to_the_byte() -> None:
    first, again = (
        dump_json(profile([(network(Leaky()), None, windows())], Delta()))
        for _ in range(2)
    )
    assert first == again


def test_the_ann_multiplies_where_the_snn_adds() -> None:
    spiking, graded = (
        profile([(network(neuron), None, windows())], Delta())["counted"]["per_window"]
        for neuron in (Leaky(), Relu())
    )
    assert spiking["effective_macs"] == 0
    assert graded["effective_macs"] > 0
    # The first convolution adds in both: its inputs are spikes.
    assert graded["effective_acs"] > 0
    assert graded["membrane_updates"] == 0


PRICED = {
    "energy_j_per_window": 288 * 0.9e-12,
    "energy_j_per_second": 288 * 0.9e-12 / 0.48,
}


class Silent(Delta):
    """Does not state its operations."""

    def operations(self) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize(
    ("encoder", "operations", "energy"),
    [
        (Delta(), {"addition": 3 * 2 * 48}, PRICED),
        (
            Rate(),
            {"addition": 192, "multiplication": 96, "random number": 96},
            {"absent": "the source gives no cost of: random number"},
        ),
        (Silent(), None, {"absent": "the encoder does not state its operations"}),
    ],
    ids=["delta", "rate", "silent"],
)
def test_the_encoder_is_counted_apart(
    encoder: Encoder[Any], operations: dict[str, int] | None, energy: dict[str, Any]
) -> None:
    bill = profile([(network(Leaky()), None, windows())], encoder)
    assert bill["counted"]["encoder_per_window"] == operations
    second = bill["counted"]["encoder_per_second"]
    assert second == (operations and {k: n / 0.48 for k, n in operations.items()})
    assert bill["estimated"]["horowitz_45nm_fp32"]["encoder"] == pytest.approx(energy)


@pytest.mark.parametrize(
    ("n_rows", "at_most", "expected"),
    [(5, 9, [0, 1, 2, 3, 4]), (9, 3, [0, 4, 8]), (9, 1, [0])],
)
def test_rows_at_equal_distances(
    n_rows: int, at_most: int, expected: list[int]
) -> None:
    table = pd.DataFrame({"window": range(n_rows)})
    assert evenly(table, at_most)["window"].tolist() == expected
