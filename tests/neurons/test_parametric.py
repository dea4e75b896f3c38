"""PLIF against its equations, one step at a time."""

import math

import pytest
import torch

from pipeline.neurons.parametric import Parametric
from pipeline.testing import check_neuron

DT = 0.01


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_it_follows_the_papers_charge_fire_reset(reset: str) -> None:
    generator = torch.Generator().manual_seed(1)
    currents = 1 + torch.randn(200, 4, generator=generator)
    layer = Parametric(tau_mem_s=0.02, reset=reset).build((4,), dt=DT)
    spikes, membrane = layer.run(currents[:, None])
    share, v, expected = 1 - math.exp(-DT / 0.02), torch.zeros(4), []
    for current in currents:
        charged = v + share * (current - v)
        fired = (charged > 1).float()
        v = charged * (1 - fired) if reset == "zero" else charged - fired
        expected.append(fired)
    assert torch.equal(spikes[:, 0], torch.stack(expected))
    assert 0.05 < spikes.mean() < 0.95
    torch.testing.assert_close(membrane[0], v)


def test_a_constant_current_is_what_the_membrane_tends_to() -> None:
    for tau in (0.01, 0.2):
        layer = Parametric(tau_mem_s=tau).build((1,), dt=DT)
        _, membrane = layer.run(torch.full((400, 1, 1), 0.9))
        assert membrane.item() == pytest.approx(0.9, rel=1e-4)


def test_one_time_constant_a_layer_is_learned_and_nothing_else() -> None:
    layer = Parametric(learned_per="layer").build((7,), dt=DT)
    assert {k: v.numel() for k, v in layer.learned.items()} == {"log_tau": 1}


def test_both_resets_keep_the_contract() -> None:
    check_neuron(Parametric(reset="subtract", learned_per="neuron"))
