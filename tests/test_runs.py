"""A run can be made again from what stands in `run.json`."""

import json
from typing import Any

import pytest

from pipeline import runs
from pipeline.encoders.delta import Delta
from pipeline.errors import ConfigError, DataError
from pipeline.networks.competitive import Competitive
from pipeline.networks.dense import Dense
from pipeline.neurons.relu import Relu
from pipeline.plasticity.pair import Pair


def run(**settings: Any) -> dict[str, Any]:
    """What is read back of `run.json`; the encoder's entry has a name of its own."""
    return json.loads(json.dumps({"encoder": "fine", "settings": settings}))


RUN = run(
    encoder={"name": "delta", "threshold": 0.25},
    network={"name": "dense", "units": [4, 3], "bins": 2},
    neuron={"name": "relu"},
)


@pytest.mark.parametrize(
    ("part", "component"),
    [
        ("encoder", Delta(threshold=0.25)),
        ("network", Dense(units=(4, 3), bins=2)),
        ("neuron", Relu()),
    ],
)
def test_a_runs_components_are_those_of_its_settings(part: str, component: Any) -> None:
    assert runs.chosen(RUN, part) == component
    assert runs.chosen(RUN, part) == component  # the run is as it was


def test_rules_within_a_network_are_built_again() -> None:
    network = Competitive(rules=(Pair(a_plus=0.015, a_minus=0.02),))
    plain = {"name": "competitive", **network.model_dump(mode="json")}
    assert runs.chosen(run(network=plain), "network") == network


def test_a_component_that_is_no_longer_there_is_named() -> None:
    with pytest.raises(ConfigError, match="there is no 'detla'"):
        runs.chosen(run(encoder={"name": "detla"}), "encoder")


def test_a_run_of_an_older_version_is_to_be_trained_again() -> None:
    old = {"dataset": "d", "encoder": "e", "model": "m"}
    old["settings"] = {"encoder": {"threshold": 0.25}}
    with pytest.raises(DataError, match=r"settings\.encoder: has no name") as caught:
        runs.chosen(old, "encoder")
    assert caught.value.remedy == "dvc repro train@d-e-m"
