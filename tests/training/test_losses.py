"""Losses against their formulas."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import ConfigError
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.networks.parts.heads import At
from pipeline.networks.parts.stack import Stack
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.training.batches import Batch
from pipeline.training.losses import (
    check_loss,
    differentiate,
    hoyer_square,
    label_loss,
)
from pipeline.training.settings import SparsitySettings, TrainingSettings

TARGETS = torch.tensor([0, 2, 1, 1])


NEURON = Leaky(tau_mem_s=0.05, threshold=0.3)


def network(neuron: Any = None, **settings: Any) -> Stack:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        dense = Dense(units=(7, 5), dropout=0, **settings)
        return dense.build(Shape(30, 6, 3, 0.01), neuron or NEURON)


def spikes() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(30, 4, 6, generator=generator) < 0.3).float()


def batch(**decisions: Any) -> Batch:
    return Batch(spikes(), TARGETS, **decisions)


def loss(net: nn.Module, kind: str = "cross_entropy", **sparsity: Any) -> float:
    settings = TrainingSettings(loss=kind)
    return differentiate(net, batch(), settings, SparsitySettings(**sparsity))


def test_cross_entropy_is_of_the_windows_logits() -> None:
    net = network()
    expected = functional.cross_entropy(net(spikes()), TARGETS)
    assert loss(net) == expected.item()


def test_one_against_the_rest_adds_up_binary_cross_entropies() -> None:
    net = network()
    likely = net(spikes()).detach().double().sigmoid()
    right = torch.eye(3, dtype=torch.float64)[TARGETS]
    each = -(right * likely.log() + (1 - right) * (1 - likely).log()).sum(1)
    assert loss(net, "one_vs_rest") == pytest.approx(each.mean().item(), rel=1e-5)
    weights = torch.tensor([1.0, 0.5, 3.0, 0.0])
    at = At(torch.arange(4), torch.full((4,), 30))
    weighed = batch(at=at, weights=weights)
    got = label_loss(net, weighed, TrainingSettings(loss="one_vs_rest"))
    assert got.item() == pytest.approx(float(each @ weights.double() / 4.5), rel=1e-5)


@pytest.mark.parametrize("read_out", ["rates", "count", "membrane", "traces"])
def test_decisions_count_as_they_are_weighed(read_out: str) -> None:
    net = network(read_out=read_out)
    at = At(torch.tensor([0, 2, 2, 3]), torch.tensor([30, 30, 12, 7]))
    weights = torch.tensor([1.0, 0.5, 3.0, 0.0])
    logits = net.decide([spikes()], at)
    each = functional.cross_entropy(logits, TARGETS, reduction="none")
    settings = TrainingSettings()
    for weighed, expected in (
        (None, each.mean()),
        (weights, (each * weights).sum() / 4.5),
    ):
        got = label_loss(net, batch(at=at, weights=weighed), settings)
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("read_out", ["count", "membrane"])
def test_tet_is_the_mean_over_time(read_out: str) -> None:
    net = network(read_out=read_out)
    each = [functional.cross_entropy(o, TARGETS) for o in net.steps(spikes())]
    assert len(each) == 30
    assert loss(net, "tet") == pytest.approx(torch.stack(each).mean().item())


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


def test_hoyer_is_of_what_each_layer_puts_out_in_a_window() -> None:
    net = network()
    seen: list[Tensor] = []
    for layer in net.layers:
        layer.unrolled.register_forward_hook(lambda _m, _i, out: seen.append(out[0]))
    with torch.no_grad():
        net(spikes())
    each = [
        out[:, k].sum() ** 2 / (out[:, k] ** 2).sum() / out[:, k].numel()
        for out in seen
        for k in range(4)
    ]
    assert all(0 < value < 1 for value in each)
    got = loss(net, hoyer_weight=2) - loss(net)
    assert got == pytest.approx(2 * np.mean(each), rel=1e-4)


@pytest.mark.parametrize("neuron", [None, Relu()])
def test_hoyer_sees_windows_that_come_in_pieces(neuron: Any) -> None:
    at_once, pieces = network(neuron), network(neuron, recompute=True)
    got = [loss(net, hoyer_weight=2) for net in (at_once, pieces)]
    assert got[0] == pytest.approx(got[1], rel=1e-6)
    found, expected = ([p.grad for p in net.parameters()] for net in (pieces, at_once))
    torch.testing.assert_close(found, expected)


def test_hoyers_gradient_is_the_slope_of_its_formula() -> None:
    values = torch.tensor([0.3, -0.2, 1.5, -2.0], dtype=torch.float64)

    def penalty(a: Tensor) -> Tensor:
        return hoyer_square(a.abs().sum()[None], a.square().sum()[None], 4)

    values.requires_grad = True
    assert torch.autograd.gradcheck(penalty, values)
    (slope,) = torch.autograd.grad(penalty(values).sum(), values)
    a = values.detach()
    ratio = a.abs().sum() / a.square().sum()
    torch.testing.assert_close(slope, 2 / 4 * ratio * (a.sign() - a * ratio))
    assert penalty(torch.ones(4)).item() == 1
    assert penalty(torch.tensor([0.0, 3.0, 0.0, 0.0])).item() == 0.25
    assert penalty(torch.zeros(4)).item() == 0


def test_hoyer_keeps_down_what_nearly_fired() -> None:
    """The slope is 2/n a silent output, 0 a spike, and the surrogate's follows."""
    fired = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]])
    fired.requires_grad = True
    sizes = torch.where(fired < 0, -fired, fired).sum((0, 2))
    hoyer_square(sizes, fired.square().sum((0, 2)), 6).sum().backward()
    torch.testing.assert_close(fired.grad, (1 - fired.detach()) * 2 / 6)


@pytest.mark.parametrize("neuron", [Leaky(threshold=0.3), Relu()])
def test_hoyer_silences(neuron: Any) -> None:
    without, with_it = (_trained_activity(neuron, weight) for weight in (0, 0.5))
    assert 0 < with_it < 0.6 * without


def _trained_activity(neuron: Any, weight: float) -> int:
    """Train, and count the outputs that are not 0."""
    net = network(neuron)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(40):
        optimizer.zero_grad()
        loss(net, hoyer_weight=weight)
        optimizer.step()
    counts: list[int] = []
    for layer in net.layers:
        layer.unrolled.register_forward_hook(
            lambda _m, _i, out: counts.append(int(out[0].count_nonzero()))
        )
    net(spikes())
    return sum(counts)


def test_silence_costs_nothing() -> None:
    net = network(Leaky(threshold=50))
    assert loss(net, hoyer_weight=1) == loss(net)


def test_without_penalties_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError

    net = network()
    expected = loss(net)
    gradients = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    monkeypatch.setattr("pipeline.training.losses.penalties", refuse)
    got = differentiate(net, batch(), TrainingSettings())
    assert got == expected
    assert all(
        torch.equal(p.grad, g) for p, g in zip(net.parameters(), gradients, strict=True)
    )
