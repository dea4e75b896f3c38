"""Which weights go, how many, and that they stay away."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pipeline.errors import ConfigError
from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.parts.scaled import weight_of
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.dendritic import Dendritic
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.profiling.operations import count
from pipeline.training.batches import Windows
from pipeline.training.pruning import (
    PrunedEpoch,
    lamp,
    prunable,
    take_away,
    zeros_kept,
)
from pipeline.training.read_out import fit_sparsely
from pipeline.training.settings import (
    PruningSettings,
    SparsitySettings,
    TrainingSettings,
)

N_STEPS = 24
SHAPE = Shape(N_STEPS, 3, 3, 0.01)
TRAINING = TrainingSettings(epochs=2, windows_per_class=16, batch=16)
NETWORKS: dict[str, Any] = {
    "convolutional": Convolutional(channels=(4, 5), kernels=(4, 3), strides=(2, 1)),
    "dense": Dense(units=(6, 5)),
    "recurrent": Recurrent(units=(6,)),
    "linear": Dense(units=(), bins=4),
}


def build(name: str, neuron: Any = None) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return NETWORKS[name].build(SHAPE, neuron or Leaky(threshold=0.5))


def windows(seed: int) -> Windows:
    """Make windows whose busy feature is their class."""
    rng = np.random.default_rng(seed)
    targets = np.arange(60) % 3
    rate = np.full((60, N_STEPS, 3), 0.1)
    rate[np.arange(60), :, targets] = 0.5
    trains = (rng.random(rate.shape) < rate).reshape(-1, 3).astype(np.uint8)
    first = torch.arange(60) * N_STEPS
    targets_there = torch.from_numpy(targets)
    return Windows(torch.from_numpy(trains), first, targets_there, N_STEPS, 0.01)


def slow_lamp(weights: Tensor) -> list[float]:
    """Score by the definition, a weight at a time."""
    flat = weights.double().flatten().tolist()
    return [
        w**2 / sum(v**2 for v in flat if abs(v) >= abs(w)) if w else 0.0 for w in flat
    ]


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=12))
@settings(max_examples=80, deadline=None)
def test_lamp_scores_are_by_their_definition(values: list[int]) -> None:
    weights = torch.tensor(values, dtype=torch.float32)
    torch.testing.assert_close(lamp(weights).tolist(), slow_lamp(weights))


def test_the_lowest_scores_of_all_layers_go() -> None:
    pruned, before = build("dense"), build("dense")
    take_away(pruned, PruningSettings(method="lamp", share=0.6))
    scores = [s for layer in prunable(before) for s in slow_lamp(layer.weight)]
    gone = torch.cat([layer.weight.flatten() == 0 for layer in prunable(pruned)])
    assert gone.sum() == round(0.6 * len(scores))
    ordered = np.sort(scores)
    limit = ordered[int(gone.sum()) - 1]
    np.testing.assert_array_equal(gone.numpy(), np.array(scores) <= limit)


def test_the_smallest_weights_of_all_layers_go() -> None:
    pruned, before = build("dense"), build("dense")
    take_away(pruned, PruningSettings(method="magnitude", share=0.5))
    sizes = torch.cat([layer.weight.abs().flatten() for layer in prunable(before)])
    left = torch.cat([layer.weight.flatten() for layer in prunable(pruned)])
    assert (left == 0).sum() == round(0.5 * len(sizes))
    assert sizes[left == 0].max() < sizes[left != 0].min()


@pytest.mark.parametrize("method", ["magnitude", "lamp"])
def test_lamp_leaves_something_of_every_layer(method: str) -> None:
    network = build("dense")
    with torch.no_grad():
        network.layers[0].weights.weight.mul_(1e-3)
    take_away(network, PruningSettings(method=method, share=0.7))
    left = [int((layer.weight != 0).sum()) for layer in prunable(network)]
    assert (min(left) > 0) == (method == "lamp")


def test_weights_that_a_mask_hides_are_none() -> None:
    network = build("dense", Dendritic(branches=2))
    layers = prunable(network)
    there = sum(int((weight_of(layer) != 0).sum()) for layer in layers)
    assert there < sum(layer.weight.numel() for layer in layers)
    take_away(network, PruningSettings(method="lamp", share=0.25))
    left = sum(int((weight_of(layer) != 0).sum()) for layer in layers)
    assert left == there - round(0.25 * there)


def fitted(network: nn.Module, pruning: PruningSettings | None) -> list[Any]:
    sparsity = SparsitySettings(pruning=pruning)
    rng = np.random.default_rng(0)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        epochs = fit_sparsely(network, windows(1), windows(2), TRAINING, rng, sparsity)
        return list(epochs)


@pytest.mark.parametrize("method", ["magnitude", "lamp"])
@pytest.mark.parametrize("name", list(NETWORKS))
def test_zeros_last_through_the_training_that_follows(name: str, method: str) -> None:
    network, full = build(name), build(name)
    pruning = PruningSettings(method=method, share=0.8, epochs=3)
    history = fitted(network, pruning)
    first = fitted(full, None)
    assert history[: len(first)] == first
    tuned = history[len(first) :]
    assert [type(epoch) for epoch in tuned] == [PrunedEpoch] * 3
    assert [epoch.epoch for epoch in history] == list(range(1, len(history) + 1))
    sizes = sum(layer.weight.numel() for layer in prunable(network))
    zeros = sum(int((layer.weight == 0).sum()) for layer in prunable(network))
    assert abs(zeros - 0.8 * sizes) <= 1
    assert network.state_dict().keys() == full.state_dict().keys()
    take_away(full, pruning)
    for ours, theirs in zip(prunable(network), prunable(full), strict=True):
        assert torch.equal(ours.weight == 0, theirs.weight == 0)
        if (ours.weight != 0).any():
            assert not torch.equal(ours.weight, theirs.weight)


def test_zeros_survive_the_normalisation_that_is_folded_in() -> None:
    network = build("convolutional")
    fitted(network, PruningSettings(share=0.8, epochs=1))
    bill = count(network.eval(), windows(3).spikes(torch.arange(5)), dt=0.01)
    sizes = sum(layer.weight.numel() for layer in prunable(network))
    assert sum(layer.zero_weights for layer in bill.synapses) == round(0.8 * sizes)


def test_the_best_epoch_after_pruning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    script = iter([0.9, 0.8, 0.5, 0.7, 0.6])
    judge = "pipeline.training.fitting.balanced"
    monkeypatch.setattr(judge, lambda *_: (0.0, next(script)))
    network = build("dense")
    sparsity = SparsitySettings(pruning=PruningSettings(share=0.5, epochs=3))
    epochs = fit_sparsely(
        network, windows(1), windows(2), TRAINING, np.random.default_rng(0), sparsity
    )
    seen = [network.head.linear.weight.detach().clone() for _ in epochs]
    assert torch.equal(network.head.linear.weight, seen[3])
    assert not torch.equal(seen[3], seen[4])


def test_only_the_read_out_of_a_layer_that_learned_locally_is_pruned() -> None:
    network = Competitive(units=8, delays=2).build(SHAPE, Leaky())
    assert prunable(network) == [network.head.linear]


def test_hooks_end_with_the_training() -> None:
    network = build("dense")
    with torch.no_grad():
        network.head.linear.weight.zero_()
    with zeros_kept(network):
        pass
    network.head.linear.weight.sum().backward()
    assert (network.head.linear.weight.grad == 1).all()


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        (Dense(units=()), {"hoyer_weight": 1}),
        (Competitive(), {"rate_weight": 1}),
        (Competitive(reward={}), {"pruning": {"share": 0.5}}),
    ],
)
def test_settings_that_would_change_nothing_are_refused(
    network: Any, settings: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="sparsity"):
        SparsitySettings(**settings).check(network)
    SparsitySettings(**settings).check(Convolutional())


@pytest.mark.parametrize("restart", ["never", "blocks"])
def test_a_cutoff_is_of_networks_that_restart_for_each_window(restart: str) -> None:
    cutoff = SparsitySettings(cutoff={})
    cutoff.check(Convolutional(restart="windows"))
    cutoff.check(Competitive(reward={}))
    with pytest.raises(ConfigError, match=rf"cutoff: .* has restart: {restart}\n"):
        cutoff.check(Convolutional(restart=restart))


def test_units_without_spikes_are_pruned_as_well() -> None:
    network = build("convolutional", Relu())
    fitted(network, PruningSettings(share=0.5, epochs=1))
    zeros = [int((layer.weight == 0).sum()) for layer in prunable(network)]
    sizes = sum(layer.weight.numel() for layer in prunable(network))
    assert sum(zeros) == round(0.5 * sizes)
