"""Folds in integers: what rounding costs, and how learning on mends it."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from pipeline import files
from pipeline.errors import DataError
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.dense import Dense
from pipeline.networks.parts.stack import Stack
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.complementary import Complementary
from pipeline.neurons.dendritic import Dendritic
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.quantize import checked, quantize
from pipeline.training import quantizing, tuning
from pipeline.training.batches import Windows, some_of_each_class
from pipeline.training.fitting import balanced
from pipeline.training.quantizing import (
    Quantized,
    quantize_fold,
    save_quantized,
)
from pipeline.training.settings import TrainingSettings
from pipeline.training.trained import load_quantized

N_STEPS, DT = 10, 0.01
SHAPE = Shape(n_steps=N_STEPS, n_features=3, n_classes=2, dt=DT)
SETTINGS = TrainingSettings(windows_per_class=60, batch=8, learning_rate=0.5)


def _windows(n: int, seed: int) -> Windows:
    """Make windows in which feature 1 or 2 fires, by class; feature 0 never does."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % 2
    spikes = np.zeros((n, N_STEPS, 3), np.uint8)
    for window, target in enumerate(targets):
        spikes[window, :, 1 + target] = rng.random(N_STEPS) < 0.7
    return Windows(
        torch.from_numpy(spikes.reshape(-1, 3)),
        torch.arange(n) * N_STEPS,
        torch.from_numpy(targets),
        N_STEPS,
        DT,
    )


TRAIN, VALIDATION = _windows(60, 1), _windows(80, 2)


def _coarse(neuron: Any = None, read_out: Any = "rates") -> Stack:
    """Make a network whose weights are all but lost beside one that is not connected.

    A step of its weights is 1000/127 = 7.9, so that 3.5 becomes 0; what is learned must
    go beyond 3.94.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        settings = Dense(units=(2,), bins=1, dropout=0.0, read_out=read_out)
        network: Any = settings.build(
            SHAPE, neuron or Leaky(tau_mem_s=0.005, threshold=3.0)
        )
    linear = network.layers[0].weights
    linear.weight.data = torch.tensor([[1000.0, 3.5, 0.0], [1000.0, 0.0, 3.5]])
    linear.bias.data.zero_()
    network.head.linear.weight.data = torch.tensor([[4.0, -4.0], [-4.0, 4.0]])
    network.head.linear.bias.data.zero_()
    return network


def _quantized(network: nn.Module, seed: int = 3) -> Quantized:
    rng = np.random.default_rng(seed)
    return quantize_fold(network, TRAIN, VALIDATION, SETTINGS, rng)


@pytest.fixture(scope="module")
def tuned() -> Quantized:
    return _quantized(_coarse())


def _state(quantized: Quantized) -> dict[str, torch.Tensor]:
    assert quantized.network is not None
    return quantized.network.state_dict()


def test_what_rounding_costs_is_learned_back(
    tuned: Quantized, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantizing, "TOLERATED", 1.0)
    plain = _quantized(_coarse())
    assert plain.validation_int8 is not None
    assert not plain.fine_tuned
    assert plain.validation_float32 > 0.95
    assert plain.validation_int8 < 0.6
    assert tuned.fine_tuned
    assert tuned.validation_int8 is not None
    assert tuned.validation_int8 > 0.9


def test_validation_of_one_class_tunes_nothing() -> None:
    lost = []
    for label in (0, 1):
        rows = (VALIDATION.targets == label).nonzero().flatten()
        judges = replace(
            VALIDATION, first=VALIDATION.first[rows], targets=VALIDATION.targets[rows]
        )
        rng = np.random.default_rng(3)
        quantized = quantize_fold(_coarse(), TRAIN, judges, SETTINGS, rng)
        assert not quantized.fine_tuned
        assert quantized.validation_int8 is not None
        lost.append(quantized.validation_float32 - quantized.validation_int8)
    assert max(lost) > quantizing.TOLERATED


def test_weights_that_were_pruned_stay_so(tuned: Quantized) -> None:
    weights = _state(tuned)["layers.0.weights.linear.weight"]
    assert weights[0, 2] == 0
    assert weights[1, 1] == 0
    assert weights[0, 1] > 0
    assert weights[1, 2] > 0


def test_rectified_units_are_learned_back_too() -> None:
    network: Any = _coarse(Relu())
    # Units that are never above 0 have no gradient.
    network.layers[0].weights.bias.data.fill_(1.0)
    quantized = _quantized(network)
    assert quantized.fine_tuned
    assert quantized.validation_int8 is not None
    assert quantized.validation_int8 > 0.9


def test_a_read_out_of_membranes_is_learned_back_too() -> None:
    quantized = _quantized(_coarse(read_out="membrane"))
    assert quantized.fine_tuned
    assert quantized.validation_int8 is not None
    assert quantized.validation_int8 > 0.9


def test_recurrent_weights_are_rounded_as_in_integers() -> None:
    """To the steps of the scale that they share with the other weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Any = Recurrent(units=(4,), bins=1).build(SHAPE, Leaky())
    learner: Any = checked(network)
    (layer,) = learner.layers
    layer.weights.weight.data *= 0.02
    silence = torch.zeros(SHAPE.n_steps, 1, SHAPE.n_features)
    (whole,) = cast("Any", quantize(learner, silence).layers)
    integers = torch.cat([whole.weights.weight, whole.unrolled.recurrent.weight], 1)
    own = layer.unrolled.recurrent.weight
    true = torch.cat([layer.weights.weight.data, own.data], 1)
    with tuning._rounded_weights(tuning._divisors(learner, silence)):
        rounded = torch.cat([layer.weights.weight.data, own.data], 1)
    steps = true.abs().amax(1, keepdim=True) / 127
    assert torch.equal((rounded / steps).round(), integers.float())
    assert int(integers[:, : SHAPE.n_features].abs().max()) < 20
    assert torch.equal(layer.weights.weight.data, true[:, : SHAPE.n_features])
    assert own in {m.weight for m in tuning._linears(learner)}


def test_the_weights_of_branches_are_rounded_as_in_integers() -> None:
    """To steps of their own, which are powers of two apart."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Any = Recurrent(units=(4,), bins=1).build(SHAPE, Dendritic(branches=3))
    learner: Any = checked(network)
    (layer,) = learner.layers
    silence = torch.zeros(SHAPE.n_steps, 1, SHAPE.n_features)
    (whole,) = cast("Any", quantize(learner, silence).layers)
    integers = torch.cat([whole.weights.weight, whole.unrolled.recurrent.weight], 1)
    own = layer.unrolled.recurrent.weight
    with tuning._rounded_weights(tuning._divisors(learner, silence)):
        rounded = torch.cat([layer.weights.weight.data, own.data], 1)
    largest = rounded.abs().amax(1, keepdim=True) / integers.abs().amax(1, keepdim=True)
    assert torch.equal((rounded / largest).round(), integers.float())
    # So some rows end at less than 127.
    assert 64 <= int(integers.abs().amax(1).min()) < 127


def test_the_same_again(tuned: Quantized) -> None:
    again = _quantized(_coarse())
    assert again.validation_int8 == tuned.validation_int8
    for name, value in _state(tuned).items():
        assert torch.equal(value, _state(again)[name])


def test_the_network_is_not_changed() -> None:
    network = _coarse()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    _quantized(network)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_torchs_own_generator_is_put_back() -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    _quantized(_coarse())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_accuracies_are_of_the_same_validation_windows(tuned: Quantized) -> None:
    rows = some_of_each_class(VALIDATION, 500, np.random.default_rng(3))
    assert tuned.network is not None
    spikes, targets = VALIDATION.spikes(rows), VALIDATION.targets[rows]
    logits = tuned.network(spikes).double()
    assert balanced(logits, targets)[1] == tuned.validation_int8
    with torch.no_grad():
        assert balanced(_coarse()(spikes), targets)[1] == tuned.validation_float32


def test_the_best_of_all_is_kept(
    tuned: Quantized, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantizing, "TOLERATED", 1.0)
    plain = _quantized(_coarse()).network
    monkeypatch.setattr(quantizing, "TOLERATED", 0.01)
    monkeypatch.setattr(quantizing, "tuned", lambda *_: iter([tuned.network, plain]))
    assert _quantized(_coarse()).network is tuned.network
    monkeypatch.setattr(quantizing, "tuned", lambda *_: iter([plain]))
    kept = _quantized(_coarse())
    assert kept.network is not plain
    assert not kept.fine_tuned


def test_what_is_dropped_out_is_drawn_from_the_generator() -> None:
    found = []
    for seed in range(2):
        network: Any = _coarse()
        network.head.dropout.p = 0.5
        torch.manual_seed(seed)
        found.append(_state(_quantized(network)))
    for name, value in found[0].items():
        assert torch.equal(value, found[1][name])


def test_activations_are_rounded_and_gradients_pass() -> None:
    unrolled: Any = _coarse(Relu()).layers[0].unrolled
    unrolled.register_forward_hook(tuning._rounding(0.5))
    currents = torch.tensor([[[0.7, 0.8]], [[-1.0, 99.0]]], requires_grad=True)
    (outputs,) = unrolled(currents)
    assert outputs.tolist() == [[[0.5, 1.0]], [[0.0, 63.5]]]
    outputs.sum().backward()
    assert currents.grad is not None
    assert currents.grad.tolist() == [[[1.0, 1.0]], [[0.0, 0.0]]]


def test_what_costs_nothing_is_not_tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("nothing to mend")

    monkeypatch.setattr(quantizing, "tuned", refuse)
    network: Any = _coarse()
    network.layers[0].weights.weight.data[:, 0] = 5.0
    quantized = _quantized(network)
    assert not quantized.fine_tuned
    assert quantized.validation_int8 == quantized.validation_float32


def test_the_float_weights_learn_and_not_the_rounded_ones() -> None:
    weights = nn.Linear(2, 1, bias=False)
    weights.weight.data = torch.tensor([[127.0, 3.3]])
    with tuning._rounded_weights({tuning.Maps((weights,)): torch.ones(())}):
        assert weights.weight.tolist() == [[127.0, 3.0]]
        weights(torch.ones(1, 2)).sum().backward()
    assert weights.weight.tolist() == [[127.0, pytest.approx(3.3)]]
    assert weights.weight.grad is not None
    assert weights.weight.grad.tolist() == [[1.0, 1.0]]


def test_a_file_holds_the_network(tuned: Quantized, tmp_path: Path) -> None:
    path = tmp_path / "fold-0.int8.safetensors"
    save_quantized(path, tuned, {"labels": ["a", "b"]})
    again, summary = load_quantized(path)
    assert tuned.network is not None
    assert again is not None
    assert summary == {
        "validation_float32": tuned.validation_float32,
        "validation_int8": tuned.validation_int8,
        "fine_tuned": True,
    }
    spikes = VALIDATION.spikes(torch.arange(9))
    assert torch.equal(again(spikes), tuned.network(spikes))


def _without(meta: dict[str, Any], tensors: dict[str, Any]) -> None:
    del meta["network"]


def _of_another_kind(meta: dict[str, Any], tensors: dict[str, Any]) -> None:
    meta["network"]["layers"][0]["neurons"]["kind"] = "another"


def _of_floats(meta: dict[str, Any], tensors: dict[str, Any]) -> None:
    tensors["head.linear.weight"] = tensors["head.linear.weight"].float()


def _without_weights(meta: dict[str, Any], tensors: dict[str, Any]) -> None:
    for name in [name for name in tensors if "weight" in name]:
        del tensors[name]


@pytest.mark.parametrize(
    "damage", [_without, _of_another_kind, _of_floats, _without_weights]
)
def test_a_file_that_holds_no_such_network_is_named(
    tuned: Quantized, tmp_path: Path, damage: Any
) -> None:
    path = tmp_path / "fold-0.int8.safetensors"
    save_quantized(path, tuned, {})
    tensors, meta = files.load_weights(path)
    damage(meta, tensors)
    files.save_weights(path, tensors, meta=meta)
    with pytest.raises(DataError, match=r"fold-0.*holds no network in integers"):
        load_quantized(path)


def test_neurons_that_run_away_end_the_tuning(monkeypatch: pytest.MonkeyPatch) -> None:
    def unstable(*_: object) -> None:
        raise UnstableError(0)

    monkeypatch.setattr(tuning, "quantize", unstable)
    kept = _quantized(_coarse())
    assert kept.network is not None
    assert not kept.fine_tuned


def test_a_network_that_has_no_integers_has_a_reason(tmp_path: Path) -> None:
    network = Dense(units=(2,)).build(SHAPE, Complementary())
    quantized = _quantized(network)
    assert quantized.network is None
    assert quantized.validation_int8 is None
    assert quantized.absent is not None
    assert quantized.absent.startswith("layer 1: Complementary neurons")
    save_quantized(tmp_path / "x", quantized, {})
    assert load_quantized(tmp_path / "x") == (None, {"absent": quantized.absent})


def _competitive() -> Stack:
    """Make a layer whose unit 0 is connected to feature 1, and unit 1 to feature 2."""
    network: Any = Competitive(
        units=3, delays=1, tau_syn_s=0.02, inhibition=0.2, bins=1, dropout=0.0
    ).build(SHAPE, Leaky(tau_mem_s=0.02))
    weights = torch.tensor([[0.0, 0.6, 0.1], [0.0, 0.1, 0.6], [0.0, 0.5, 0.5]])
    network.layers[0].weights.linear.weight.data = weights
    # Turned round: a read-out that was fitted anew is right where this one is wrong.
    wrong = torch.tensor([[-3.0, 3.0, 0.0], [3.0, -3.0, 0.0]])
    network.head.linear.weight.data = wrong
    network.head.linear.bias.data.zero_()
    return network


@pytest.mark.parametrize("pruned", ["column", "some"])
def test_of_layers_that_learned_locally_only_the_read_out_learns(
    pruned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantizing, "TOLERATED", -1.0)
    network = _competitive()
    if pruned == "some":
        network.head.linear.weight.data[1, 0] = 0
    quantized = _quantized(network)
    monkeypatch.setattr(quantizing, "TOLERATED", 1.0)
    plain = _quantized(network)
    assert quantized.fine_tuned
    assert plain.validation_int8 is not None
    assert quantized.validation_int8 is not None
    assert quantized.validation_int8 > plain.validation_int8
    head = _state(quantized)["head.linear.weight"]
    assert head[:, 2].tolist() == [0, 0]
    assert pruned == "column" or head[1, 0] == 0
    assert isinstance(quantized.network, IntegerNetwork)
    for name, value in _state(plain).items():
        if not name.startswith("head."):
            assert torch.equal(value, _state(quantized)[name])
