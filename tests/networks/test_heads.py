"""Heads: a class's logit sees the parts that it reads, and nothing else."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from pipeline import files, testing
from pipeline.errors import ConfigError
from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.parts.initial import calibrate
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.quantization.quantize import quantize
from pipeline.training.batches import Windows
from pipeline.training.fitting import fit
from pipeline.training.read_out import fit_sparsely, is_regressed
from pipeline.training.settings import TrainingSettings
from pipeline.training.trained import load_network

PARTS = (("delta", 2), ("rhythm", 3), ("delta", 1))
SHAPE = Shape(24, 6, 3, 0.01, ("N", "S", "V"), PARTS)
HEADS = {"S": ("rhythm",), "V": ("delta",)}
FEATURES = {"rhythm": [2, 3, 4], "delta": [0, 1, 5]}
NETWORKS = {
    "linear": lambda **k: Dense(units=(), bins=4, **k),
    "traces": lambda **k: Dense(units=(), read_out="traces", traces=3, **k),
    "dense": lambda **k: Dense(units=(12, 8), bins=2, **k),
    "recurrent": lambda **k: Recurrent(units=(11,), read_out="count", **k),
    "convolutional": lambda **k: Convolutional(
        channels=(8, 12), kernels=(4, 3), strides=(2, 1), bins=2, norm="none", **k
    ),
}
NEURON = Leaky(tau_mem_s=0.05)


def spikes(batch: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(24, batch, 6, generator=generator) < 0.4).float()


def build(settings: Any, neuron: Any = NEURON) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = settings.build(SHAPE, neuron)
        calibrate(network, spikes())
        return network.eval()


def seen_by(logits: Callable[[Tensor], Tensor]) -> dict[str, set[str]]:
    """Find the parts whose spikes change each class's logit."""
    seen: dict[str, set[str]] = {label: set() for label in SHAPE.labels}
    with torch.no_grad():
        before = logits(spikes())
        for part, rows in FEATURES.items():
            changed = spikes()
            changed[..., rows] = 1 - changed[..., rows]
            differs = (logits(changed) != before).any(0)
            for label, different in zip(SHAPE.labels, differs, strict=True):
                seen[label] |= {part} if different else set()
    return seen


@pytest.mark.parametrize("neuron", [NEURON, Relu()], ids=["leaky", "relu"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_logit_sees_its_parts_alone(name: str, neuron: Any) -> None:
    both = {"delta", "rhythm"}
    network = build(NETWORKS[name](heads=HEADS), neuron)
    assert seen_by(network) == {"N": both, "S": {"rhythm"}, "V": {"delta"}}
    assert seen_by(build(NETWORKS[name](), neuron)) == dict.fromkeys("NSV", both)


def test_heads_keep_what_every_network_keeps() -> None:
    shape = replace(SHAPE, n_steps=120)
    testing.check_network(Convolutional(heads=HEADS), Relu(), shape=shape)


def windows(n: int = 60) -> Windows:
    """Make windows of three classes, each of a feature that fires more."""
    rng = np.random.default_rng(4)
    targets = np.arange(n) % 3
    rate = np.full((n, SHAPE.n_steps, 6), 0.2)
    rate[np.arange(n), :, targets + 1] = 0.6
    trains = (rng.random(rate.shape) < rate).reshape(-1, 6).astype(np.uint8)
    first = torch.arange(n) * SHAPE.n_steps
    return Windows(
        torch.from_numpy(trains), first, torch.from_numpy(targets), SHAPE.n_steps, 0.01
    )


SETTINGS = TrainingSettings(epochs=3, windows_per_class=20, batch=20, weight_decay=1)


@pytest.mark.parametrize("loss", ["cross_entropy", "one_vs_rest"])
@pytest.mark.parametrize("name", ["linear", "dense"])
def test_learning_and_rounding_keep_parts_apart(name: str, loss: str) -> None:
    network = build(NETWORKS[name](heads=HEADS))
    settings = SETTINGS.model_copy(update={"loss": loss})
    assert is_regressed(network, settings) == (name == "linear" and "one" in loss)
    before = network.head.linear.weight.detach().clone()
    rng = np.random.default_rng(0)
    list(fit_sparsely(network, windows(), windows(), settings, rng))
    weights = network.head.linear.weight
    assert not torch.equal(weights, before)
    # Exports, quantization and pruning read the weights without the mask.
    assert torch.equal(weights, weights * network.head.linear.mask)
    expected = {"N": {"delta", "rhythm"}, "S": {"rhythm"}, "V": {"delta"}}
    assert seen_by(network.eval()) == expected
    assert seen_by(quantize(network, spikes())) == expected


def test_one_against_the_rest_is_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    network, train = build(NETWORKS["linear"](heads=HEADS)), windows()
    keep = torch.arange(60)[(train.targets != 1) | (torch.arange(60) % 2 == 0)]
    train = replace(train, first=train.first[keep], targets=train.targets[keep])
    settings = TrainingSettings(loss="one_vs_rest", class_weights="square_root")
    epochs = fit_sparsely(network, train, train, settings, np.random.default_rng(0))
    next(iter(epochs))  # of the strongest regularisation
    rates = network.head.rates(train.spikes(torch.arange(len(keep))))
    standard = StandardScaler().fit_transform(rates.double().numpy())
    counts = np.bincount(train.targets)
    assert len(set(counts.tolist())) > 1
    weights = counts**-0.5 / (counts**0.5).sum() * len(keep)
    for k, label in enumerate(SHAPE.labels):
        parts = HEADS.get(label, tuple(FEATURES))
        read = sorted(row for part in parts for row in FEATURES[part])
        columns = [6 * segment + row for segment in range(4) for row in read]
        model = LogisticRegression(C=1e-4).fit(
            standard[:, columns],
            train.targets.numpy() == k,
            sample_weight=weights[train.targets],
        )
        logits = network.head.linear(rates).detach()[:, k]
        by_hand = model.decision_function(standard[:, columns])
        np.testing.assert_allclose(logits, by_hand, atol=1e-3)


def test_weights_come_back_from_their_file(tmp_path: Path) -> None:
    settings = NETWORKS["dense"](heads=HEADS)
    network = build(settings)
    list(fit(network, windows(), windows(), SETTINGS, np.random.default_rng(0)))
    path = tmp_path / "weights.safetensors"
    files.save_weights(path, network.state_dict(), meta={"shape": asdict(SHAPE)})
    again, _ = load_network(path, settings, NEURON)
    torch.testing.assert_close(again(spikes()), network.eval()(spikes()))


@pytest.mark.parametrize(
    ("settings", "found", "expected"),
    [
        (Dense(units=(), heads={"s": ["rhythm"]}), "no class 's'", "mean 'S'"),
        (Dense(units=(), heads={"S": ["rythm"]}), "part 'rythm'", "mean 'rhythm'"),
        (Dense(units=(8, 1), heads=HEADS), "layer of 1 neurons", "one neuron a part"),
    ],
)
def test_heads_that_do_not_fit_are_refused(
    settings: Any, found: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        build(settings)
    assert refused.value.where == "params.yaml: models.*.network.heads"
    assert found in refused.value.found
    assert expected in refused.value.expected
    assert refused.value.remedy


def test_a_code_without_parts_has_no_heads() -> None:
    shape = Shape(24, 6, 3, 0.01, ("N", "S", "V"), (("delta", 6),))
    with pytest.raises(ConfigError, match="no part 'rhythm'"):
        Dense(units=(), heads=HEADS).check_shape(shape)


def test_a_layer_that_learns_by_local_rules_has_no_heads() -> None:
    with pytest.raises(ValidationError, match="receives all parts"):
        Competitive(heads=HEADS)
    with pytest.raises(ValidationError, match="at least 1"):
        Dense(heads={"S": ()})
