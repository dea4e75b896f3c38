"""What an epoch draws, and how the best epoch is kept."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from pipeline.errors import ConfigError, PipelineError
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.networks.parts.layers import Unrolled
from pipeline.neurons.leaky import Leaky
from pipeline.training import fitting
from pipeline.training.batches import (
    Windows,
    as_many_of_each_class,
    some_of_each_class,
)
from pipeline.training.fitting import fit, parameter_groups, predict
from pipeline.training.settings import TrainingSettings

N_STEPS, DT = 6, 0.5


def _windows(targets: list[int]) -> Windows:
    """Make windows whose first feature fires only in class 1, and one of noise."""
    rng = np.random.default_rng(0)
    labels = np.repeat(targets, N_STEPS)
    trains = np.stack([labels == 1, rng.random(len(labels)) < 0.5], axis=1)
    first = torch.arange(len(targets)) * N_STEPS
    steps = torch.from_numpy(trains.astype(np.uint8))
    return Windows(steps, first, torch.tensor(targets), N_STEPS, DT)


class Means(nn.Module):
    """The smallest network: a linear read-out of mean rates."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        nn.init.zeros_(self.linear.weight)

    def forward(self, spikes: torch.Tensor) -> torch.Tensor:
        return self.linear(spikes.mean(0))


counts = st.lists(st.integers(1, 30), min_size=1, max_size=4)


@given(counts=counts, wanted=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_an_epoch_has_as_many_of_every_class_equally_often(
    counts: list[int], wanted: int
) -> None:
    targets = list(itertools.chain(*([k] * n for k, n in enumerate(counts))))
    windows = _windows(targets)
    rows = as_many_of_each_class(windows, wanted, np.random.default_rng(1))
    drawn = torch.bincount(rows, minlength=len(targets))
    assert torch.bincount(windows.targets[rows]).tolist() == [wanted] * len(counts)
    for k in windows.classes:
        of_class = drawn[windows.targets == k]
        assert of_class.max() - of_class.min() <= 1


def test_epochs_draw_anew_and_judges_stay_in_order() -> None:
    windows, rng = _windows([0] * 50 + [1] * 3), np.random.default_rng(2)
    first, second = (as_many_of_each_class(windows, 10, rng) for _ in range(2))
    assert first.sort().values.tolist() != second.sort().values.tolist()
    judges = some_of_each_class(windows, 10, rng)
    assert torch.bincount(windows.targets[judges]).tolist() == [10, 3]
    assert judges.tolist() == sorted(set(judges.tolist()))


def test_it_learns_what_can_be_learned() -> None:
    train = _windows([0, 1] * 40)
    network = Means()
    chosen = TrainingSettings(
        epochs=10, windows_per_class=40, batch=16, learning_rate=0.3
    )
    history = list(fit(network, train, train, chosen, np.random.default_rng(0)))
    assert history[-1].train_loss < history[0].train_loss
    assert history[-1].validation_balanced_accuracy == 1
    right = predict(network, train, torch.arange(80)).argmax(1) == train.targets
    assert right.all()


def _fake_accuracies(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    script = iter(values)
    judge = "pipeline.training.fitting.balanced"
    monkeypatch.setattr(judge, lambda *_: (0.0, next(script)))


def test_the_best_epoch_is_kept_and_patience_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _fake_accuracies(monkeypatch, [0.5, 0.9, 0.7, 0.9, 0.8, 0.95])
    network = Means()
    chosen = TrainingSettings(epochs=9, windows_per_class=8, patience=3)
    train = _windows([0, 1] * 8)
    epochs = fit(network, train, train, chosen, np.random.default_rng(0))
    weights = [network.linear.weight.detach().clone() for _ in epochs]
    assert len(weights) == 5
    assert torch.equal(network.linear.weight, weights[1])
    assert not torch.equal(weights[1], weights[4])


def test_validation_of_one_class_keeps_the_last_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The best for one class is a network that always answers it."""
    _fake_accuracies(monkeypatch, [1.0, 0.9, 0.8, 0.7])
    network = Means()
    chosen = TrainingSettings(epochs=4, windows_per_class=8, patience=1)
    train, judges = _windows([0, 1] * 8), _windows([1] * 8)
    epochs = fit(network, train, judges, chosen, np.random.default_rng(0))
    weights = [network.linear.weight.detach().clone() for _ in epochs]
    assert len(weights) == 4
    assert torch.equal(network.linear.weight, weights[3])
    assert not torch.equal(weights[0], weights[3])


def test_a_rare_class_counts_as_much_as_a_frequent_one() -> None:
    train = _windows([0, 1] * 8)
    validation = _windows([0] * 30 + [1])
    network = Means()
    nn.init.constant_(network.linear.bias, 0.0)
    with torch.no_grad():
        network.linear.bias[0] = 1e-3
    chosen = TrainingSettings(
        epochs=1, windows_per_class=1, learning_rate=1e-12, weight_decay=0
    )
    (epoch,) = fit(network, train, validation, chosen, np.random.default_rng(0))
    assert epoch.validation_balanced_accuracy == 0.5
    assert epoch.validation_loss == pytest.approx(np.log(2), abs=1e-3)
    assert epoch.spike_rate is None


def test_the_spike_rate_is_in_hertz_a_neuron() -> None:
    """A membrane that gains two thresholds a step fires at every step: 1 / dt."""
    leaky = Unrolled(Leaky(tau_mem_s=0.05), 2, dt=DT)
    always = nn.Sequential(Constant(2.0), leaky, Outputs(), Means())
    train = _windows([0, 1] * 4)
    chosen = TrainingSettings(epochs=1, windows_per_class=4)
    (epoch,) = fit(always, train, train, chosen, np.random.default_rng(0))
    assert epoch.spike_rate == pytest.approx(1 / DT)
    assert epoch.layer_rates == pytest.approx((1 / DT,))


def test_every_layer_has_its_rate() -> None:
    network = Dense(units=(4, 3), bins=2).build(
        Shape(6, 2, 2, DT), Leaky(threshold=0.1)
    )
    train = _windows([0, 1] * 8)
    chosen = TrainingSettings(epochs=1, windows_per_class=8, learning_rate=1e-9)
    (epoch,) = fit(network, train, train, chosen, np.random.default_rng(0))
    network.eval()
    rates, outputs = [], train.spikes(torch.arange(16))
    with torch.no_grad():
        for layer in network.layers:
            outputs = layer(outputs, None)[0]
            rates.append(float(outputs.mean()) / DT)
    assert rates[0] != rates[1]
    assert epoch.layer_rates == pytest.approx(tuple(rates), rel=1e-4)
    assert epoch.spike_rate == pytest.approx(np.average(rates, weights=(4, 3)))


class Outputs(nn.Module):
    """Takes the outputs from what neurons give."""

    def forward(self, given: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return given[0]


class Constant(nn.Module):
    """The same current at every step."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, spikes: torch.Tensor) -> torch.Tensor:
        return torch.full_like(spikes, self.value)


def _dense(**neuron: object) -> nn.Module:
    leaky = Leaky.model_validate(neuron)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Dense(units=(4,), read_out="membrane").build(Shape(6, 2, 2, DT), leaky)


def test_dynamics_have_their_own_rates_and_no_decay() -> None:
    network = _dense(learning_rates={"log_tau": 5.0, "log_threshold": 0})
    chosen = TrainingSettings(learning_rate=0.01, weight_decay=0.3)
    weights, usual, faster = parameter_groups(network, chosen)
    named = dict(network.named_parameters())
    dynamics = "layers.0.unrolled.neurons.learned."
    assert [(g["max_lr"], g["weight_decay"]) for g in (weights, usual, faster)] == [
        (0.01, 0.3),
        (0.01, 0.0),
        (0.05, 0.0),
    ]
    (tau,) = faster["params"]
    assert tau is named[f"{dynamics}log_tau"]
    (read_out,) = usual["params"]
    assert read_out is named["head.membranes.learned.log_tau"]
    assert len(weights["params"]) == len(named) - 3
    assert not named[f"{dynamics}log_threshold"].requires_grad


def test_a_frozen_parameter_stays_and_the_others_learn() -> None:
    network = _dense(learning_rates={"log_threshold": 0}, threshold=0.5)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    train = _windows([0, 1] * 8)
    chosen = TrainingSettings(epochs=2, windows_per_class=8, batch=4, learning_rate=0.1)
    list(fit(network, train, train, chosen, np.random.default_rng(0)))
    same = [n for n, p in network.named_parameters() if torch.equal(p, before[n])]
    assert same == ["layers.0.unrolled.neurons.learned.log_threshold"]


def test_the_gradients_norm_is_of_the_mean_loss_before_clipping() -> None:
    train = _windows([0, 1] * 8)
    network = Means()
    network.linear.weight.data.fill_(30.0)
    network.linear.bias.data[0] = 9.0
    logits = network(train.spikes(torch.arange(16)))
    functional.cross_entropy(logits, train.targets).backward()
    expected = sum(float(p.grad.square().sum()) for p in network.parameters()) ** 0.5
    chosen = TrainingSettings(epochs=1, windows_per_class=8)
    (epoch,) = fit(network, train, train, chosen, np.random.default_rng(0))
    assert expected > 0.5
    assert epoch.gradient_norm == pytest.approx(expected, rel=1e-5)
    assert epoch.skipped == 0


def _poisoned(monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> list[float]:
    """Let the gradient of some steps be infinite; collects the norms of the others."""
    original, norms = fitting.differentiate, []
    call = itertools.count()

    def poisoned(network: nn.Module, *rest: Any) -> float:
        loss = original(network, *rest)
        gradients = [p.grad for p in network.parameters()]
        if next(call) in steps:
            gradients[0][0, 0] = math.inf
        else:
            norms.append(float(torch.cat([g.flatten() for g in gradients]).norm()))
        return loss

    monkeypatch.setattr(fitting, "differentiate", poisoned)
    return norms


def test_steps_without_a_finite_gradient_are_not_taken_but_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    norms = _poisoned(monkeypatch, {0, 5})
    train, network = _windows([0, 1] * 40), Means()
    first = network.linear.weight.detach().clone()
    chosen = TrainingSettings(epochs=10, windows_per_class=32, batch=16)
    epochs = fit(network, train, train, chosen, np.random.default_rng(0))
    history = list(epochs)
    assert [epoch.skipped for epoch in history] == [1, 1] + [0] * 8
    assert history[0].gradient_norm == pytest.approx(np.median(norms[:3]), rel=1e-5)
    assert all(math.isfinite(epoch.train_loss) for epoch in history)
    assert torch.isfinite(network.linear.weight).all()
    assert not torch.equal(network.linear.weight, first)


def test_too_many_steps_without_a_finite_gradient_end_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _poisoned(monkeypatch, {3, 7, 11})
    train = _windows([0, 1] * 40)
    chosen = TrainingSettings(epochs=10, windows_per_class=32, batch=16)
    epochs = fit(Means(), train, train, chosen, np.random.default_rng(0))
    with pytest.raises(PipelineError, match="not finite in 3 of 40 steps") as error:
        list(epochs)
    assert "at most 5%" in str(error.value)


def test_a_loss_that_the_network_cannot_give_is_refused_at_once() -> None:
    train = _windows([0, 1] * 8)
    epochs = fit(
        Means(), train, train, TrainingSettings(loss="tet"), np.random.default_rng(0)
    )
    with pytest.raises(ConfigError, match=r"training\.loss: tet"):
        next(iter(epochs))
