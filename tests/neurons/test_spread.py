"""Time constants that a layer's neurons are spread over, and resets with a gradient."""

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from pipeline.components import available, find
from pipeline.neurons.adaptive import Adaptive
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.parts.spiking import MEMBRANES_S, middle
from pipeline.neurons.parts.starts import Spread
from pipeline.testing import check_neuron

DT = 0.01
RESETTING = [
    name
    for name in available("neurons")
    if "reset_gradient" in find("neurons", name).model_fields
]
WITH_MEMBRANES = [
    name
    for name in available("neurons")
    if "tau_mem_s" in find("neurons", name).model_fields
]


def _taus(layer: Any) -> torch.Tensor:
    return layer.quantities()["tau_mem_s"].flatten()


def test_a_range_is_spread_evenly_in_its_logarithm() -> None:
    taus = _taus(Leaky(tau_mem_s=(0.01, 1.0)).build((10,), dt=DT))
    steps = taus.log().diff()
    torch.testing.assert_close(steps, torch.full((9,), math.log(100) / 10))
    assert 0.01 < taus[0] < taus[-1] < 1.0
    assert taus.log().mean().exp().item() == pytest.approx(0.1)


def test_what_shares_a_time_constant_has_the_geometric_mean() -> None:
    model = Leaky(tau_mem_s=(0.01, 1.0), learned_per="layer")
    assert _taus(model.build((10,), dt=DT)).tolist() == pytest.approx([0.1])
    assert middle((0.01, 1.0)) == pytest.approx(0.1)
    assert middle(0.3) == 0.3


def test_positions_of_a_channel_start_alike() -> None:
    model = Leaky(tau_mem_s=(0.01, 1.0), learned_per="neuron")
    taus = model.build((4, 3), dt=DT).quantities()["tau_mem_s"]
    assert taus.shape == (4, 3)
    assert (taus == taus[:, :1]).all()
    assert len(set(taus[:, 0].tolist())) == 4


def test_one_number_is_for_all() -> None:
    taus = _taus(Leaky(tau_mem_s=0.05).build((10,), dt=DT))
    torch.testing.assert_close(taus, torch.full((10,), 0.05))


def test_two_ranges_are_combined_and_not_parallel() -> None:
    model = Adaptive(tau_mem_s=(0.01, 0.1), tau_recovery_s=(0.1, 1.0))
    quantities = model.build((64,), dt=DT).quantities()
    logs = [quantities[n].log() for n in ("tau_mem_s", "tau_recovery_s")]
    assert abs(torch.corrcoef(torch.stack(logs))[0, 1]) < 0.1
    assert sorted(Spread(0, 1, mixed=True).over(7)) == list(Spread(0, 1).over(7))


def test_a_range_begins_with_its_lower_end() -> None:
    with pytest.raises(ValidationError, match="the lower end first"):
        Leaky(tau_mem_s=(0.5, 0.01))


@pytest.mark.parametrize("name", WITH_MEMBRANES)
def test_membranes_differ_unless_a_number_is_set(name: str) -> None:
    model = find("neurons", name)
    taus = _taus(model().build((8,), dt=DT))
    assert len(set(taus.tolist())) == 8
    assert (taus >= MEMBRANES_S[0]).all()
    assert (taus <= MEMBRANES_S[1]).all()


def test_who_has_a_gradient_through_the_reset() -> None:
    always_or_none = {
        "complementary",
        "izhikevich",
        "parallel",
        "relu",
        "resonate",
        "sigma_delta",
    }
    assert set(available("neurons")) - set(RESETTING) == always_or_none


@pytest.mark.parametrize("flows", [True, False])
@pytest.mark.parametrize("name", RESETTING)
def test_both_gradients_are_those_of_single_steps(name: str, flows: bool) -> None:
    model = find("neurons", name)
    resets: list[dict[str, Any]] = [{}]
    if "reset" in model.model_fields:
        resets = [{"reset": "zero"}, {"reset": "subtract"}]
    if "reset_delay" in model.model_fields:
        resets += [{**each, "reset_delay": False} for each in resets]
    for reset in resets:
        check_neuron(model(**reset, reset_gradient=flows))


@pytest.mark.parametrize("name", RESETTING)
def test_the_reset_changes_gradients_and_nothing_else(name: str) -> None:
    model = find("neurons", name)
    generator = torch.Generator().manual_seed(3)
    outputs, gradients = [], []
    for flows in (True, False):
        layer = model(reset_gradient=flows).build((6,), dt=DT)
        shape = 80, 2, 6 * layer.model.inputs
        currents = 0.5 + torch.randn(shape, generator=generator.manual_seed(3))
        spikes, *_ = layer.run(currents.requires_grad_())
        (gradient,) = torch.autograd.grad(spikes.sum(), currents)
        outputs.append(spikes)
        gradients.append(gradient)
    assert torch.equal(*outputs)
    assert not torch.allclose(*gradients)
