"""Which cells spike, and which stand beside each other."""

from typing import Any

import pytest

from pipeline.report import findings

DENSE = {"name": "dense", "units": [128, 64]}
LINEAR = {"name": "dense", "units": []}
STRIDED = {"name": "convolutional", "channels": [24]}


def cell(name: str, network: dict[str, Any], neuron: str) -> dict[str, Any]:
    """The part of a cell's findings that identifies it."""
    settings = {"network": network, "neuron": {"name": neuron}}
    return {
        "cell": name,
        "dataset": "ecg",
        "encoder": "delta",
        "spiking": findings._spikes(settings),
        "run": {"settings": settings},
        "uj_per_window": float(len(name)),
    }


@pytest.mark.parametrize(
    ("network", "neuron", "spiking"),
    [
        (DENSE, "leaky", True),
        (STRIDED, "leaky", True),
        (DENSE, "relu", False),
        (LINEAR, "relu", False),
        (LINEAR, "leaky", False),
    ],
)
def test_only_neurons_spike(
    network: dict[str, Any], neuron: str, spiking: bool
) -> None:
    assert cell("a", network, neuron)["spiking"] is spiking


def test_a_linear_read_out_is_the_twin_of_nothing() -> None:
    lif, ann = cell("lif", DENSE, "leaky"), cell("a", DENSE, "relu")
    linear, other = cell("linear", LINEAR, "relu"), cell("x", STRIDED, "leaky")
    matched = findings._with_matched([lif, linear, other, ann])
    twins = {each["cell"]: each["matched_ann"] for each in matched}
    assert twins == {"lif": "a", "linear": None, "x": None, "a": None}
    assert [each["ann_uj_per_window"] for each in matched] == [1.0, None, None, None]
