"""The params of a run are what its entries state."""

from typing import Any

from pipeline.components import find
from pipeline.tracking.params import stated, upstream_digest
from pipeline.training.settings import TrainingSettings


def test_defaults_are_left_out_and_the_rest_is_flat() -> None:
    encoder: Any = find("encoders", "delta")
    delta = encoder(threshold=0.25).model_dump(mode="json")
    training = TrainingSettings(epochs=7).model_dump(mode="json")
    pruning = {"share": 0.5, "epochs": 3}
    settings = {
        "seed": 1,
        "reader": {"name": "wfdb"},
        "encoder": {"name": "delta", **delta},
        "network": {"name": "dense", "units": [4]},
        "neuron": {"name": "gone", "reset": "subtract", "map": {"/": 1}},
        "training": training,
        "sparsity": {"pruning": pruning, "hoyer_weight": 0.0},
    }
    assert stated(settings) == {
        "seed": 1,
        "encoder.name": "delta",
        "encoder.threshold": 0.25,
        "network.name": "dense",
        "network.units": [4],
        "neuron.name": "gone",
        "neuron.reset": "subtract",
        "neuron.map": {"/": 1},
        "training.epochs": 7,
        "sparsity.pruning.share": 0.5,
        "sparsity.pruning.epochs": 3,
    }


def test_what_defines_the_windows_has_a_digest() -> None:
    some = {"seed": 1, "windows": {"tmin": -2.0}, "encoder": {"name": "delta"}}
    assert upstream_digest(some) == upstream_digest(some | {"seed": 2, "encoder": {}})
    assert upstream_digest(some) != upstream_digest(some | {"values": {"map": "aami"}})
