"""Losses against their formulas."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import ConfigError
from pipeline.networks._stack import Stack
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.training.losses import check_loss, differentiate
from pipeline.training.settings import TrainingSettings

TARGETS = torch.tensor([0, 2, 1, 1])


def network(neuron: Any = None, **settings: Any) -> Stack:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        dense = Dense(units=(7, 5), dropout=0, **settings)
        return dense.build(Shape(30, 6, 3, 0.01), neuron or Leaky(threshold=0.3))


def spikes() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(30, 4, 6, generator=generator) < 0.3).float()


def loss(net: nn.Module, **settings: Any) -> float:
    return differentiate(net, spikes(), TARGETS, TrainingSettings(**settings))


def test_cross_entropy_is_of_the_windows_logits() -> None:
    net = network()
    expected = functional.cross_entropy(net(spikes()), TARGETS)
    assert loss(net) == expected.item()


@pytest.mark.parametrize("read_out", ["count", "membrane"])
def test_tet_is_the_mean_over_time(read_out: str) -> None:
    net = network(read_out=read_out)
    each = [functional.cross_entropy(o, TARGETS) for o in net.steps(spikes())]
    assert len(each) == 30
    assert loss(net, loss="tet") == pytest.approx(torch.stack(each).mean().item())


def test_tet_asks_for_logits_at_every_step() -> None:
    tet = TrainingSettings(loss="tet")
    check_loss(network(read_out="count"), tet)
    check_loss(network(), TrainingSettings())
    for net in (network(), nn.Linear(2, 2)):
        with pytest.raises(ConfigError, match="no logits at every step"):
            check_loss(net, tet)


@pytest.mark.parametrize("recompute", [False, True])
def test_the_penalty_is_of_each_layers_mean_rate(recompute: bool) -> None:
    net = network(recompute=recompute)
    seen: list[Tensor] = []
    plain = network()
    for layer in plain.layers:
        layer.unrolled.register_forward_hook(lambda _m, _i, out: seen.append(out[0]))
    with torch.no_grad():
        plain(spikes())
    rates = [float(out.sum()) / (out.shape[2] * 4 * 0.3) for out in seen]
    assert all(rate > 0 for rate in rates)
    expected = np.mean([(rate / 20 - 1) ** 2 for rate in rates])
    got = loss(net, rate_weight=3, rate_target_hz=20) - loss(net)
    assert got == pytest.approx(3 * expected, rel=1e-4)
    found = _gradients(net)
    torch.testing.assert_close(found, _gradients(plain))
    assert all(gradient.any() for gradient in found)


def _gradients(net: nn.Module) -> list[Tensor]:
    net.zero_grad()
    loss(net, rate_weight=3, rate_target_hz=20)
    return [p.grad.clone() for p in net.parameters() if p.grad is not None]


@pytest.mark.parametrize("target_hz", [2.0, 60.0])
def test_layers_learn_the_rate_that_is_asked_for(target_hz: float) -> None:
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss(net, rate_weight=10, rate_target_hz=target_hz)
        optimizer.step()
    penalty = loss(net, rate_weight=10, rate_target_hz=target_hz) - loss(net)
    assert penalty < 10 * 0.1


def test_silent_neurons_are_woken() -> None:
    net = network(Leaky(threshold=50))
    loss(net, rate_weight=1)
    for layer in net.layers:
        assert (layer.weights.bias.grad < 0).all()


def test_nothing_that_spikes_is_penalised_by_nothing() -> None:
    net = network(Relu())
    assert loss(net, rate_weight=3) == loss(net)
