"""Every component keeps the contract of its kind, the day its file is added."""

import pytest

from pipeline import testing
from pipeline.components import available, find


@pytest.mark.parametrize("name", available("encoders"))
def test_encoder(name: str) -> None:
    testing.check_encoder(find("encoders", name)())


@pytest.mark.parametrize("name", available("meters"))
def test_meter(name: str) -> None:
    testing.check_meter(find("meters", name)())


@pytest.mark.parametrize("name", available("neurons"))
def test_neuron(name: str) -> None:
    testing.check_neuron(find("neurons", name)())


@pytest.mark.parametrize("name", available("plasticity"))
def test_rule(name: str) -> None:
    testing.check_rule(find("plasticity", name)())
