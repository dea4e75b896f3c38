"""Local learning: a layer learns by local rules, then its read-out is trained.

The layer lives through training windows without their labels, one after the other, and
keeps nothing of them but its state. The read-out is trained as any network is, on the
spikes that the layer, now fixed, makes of training windows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from pipeline.networks.base import LocalLearning
from pipeline.networks.parts.competing import Competing, DelayedWeights
from pipeline.networks.parts.stack import Stack
from pipeline.plasticity.parts.population import Population
from pipeline.plasticity.parts.state import LearningState
from pipeline.training.batches import Windows, some_of_each_class
from pipeline.training.fitting import Epoch, Examples
from pipeline.training.losses import DENSE
from pipeline.training.read_out import EPOCHS_FITTED, fit_sparsely
from pipeline.training.reward import fit_by_reward
from pipeline.training.settings import SparsitySettings, TrainingSettings
from pipeline.training.snapshots import Snapshots, field_table, relative, save
from pipeline.training.stretches import Stretches

SNAPSHOTS = 20
AT_ONCE = 256


def fit_locally(
    network: Stack,
    choices: LocalLearning,
    train: Examples,
    validation: Examples,
    settings: TrainingSettings,
    rng: np.random.Generator,
    weights_rng: np.random.Generator,
    sparsity: SparsitySettings = DENSE,
) -> tuple[Snapshots, Iterator[Epoch]]:
    """Let the layer of a network learn by local rules; then fit its read-out.

    Parameters
    ----------
    network : Stack
        What `choices` built; it is changed.
    choices : LocalLearning
    train, validation : Windows or Stretches
        What it learns from, and what decides which epoch of the read-out was the best.
    settings : TrainingSettings
        Of the read-out.
    rng : Generator
        Draws the windows.
    weights_rng : Generator
        Draws the weights before learning.
    sparsity : SparsitySettings
        Of the read-out. What the layer learned stays complete: pruned, it would have to
        learn on with fewer weights, which its rules know nothing of.

    Returns
    -------
    snapshots : Snapshots
        What the layer was on its way.
    epochs : iterator of Epoch
        The read-out's, fitted as they are asked for.
    """
    layer, neurons = parts(network)
    population = neurons.population
    weights = first_weights(population, choices, weights_rng)
    state = population.start(weights, neurons.thresholds.cpu().numpy())
    snapshots = Snapshots(population)
    snapshots.take(state, 0, None)
    _learn(layer, population, state, train.windows(), choices.windows, rng, snapshots)
    _keep(layer, neurons, state)
    fitted = hidden(network, train, EPOCHS_FITTED * settings.windows_per_class, rng)
    validated = hidden(network, validation, settings.validation_windows_per_class, rng)
    rate = float(validated.trains.float().mean() / validated.dt)
    rest = read_out(network)
    if reward := choices.reward:
        fitted, validated = cast("Windows", fitted), cast("Windows", validated)
        epochs = fit_by_reward(
            rest, fitted, validated, settings, reward, rng, weights_rng
        )
    else:
        epochs = fit_sparsely(rest, fitted, validated, settings, rng, sparsity)
    return snapshots, (
        replace(epoch, spike_rate=rate, layer_rates=(rate,)) for epoch in epochs
    )


def parts(network: Stack) -> tuple[DelayedWeights, Competing]:
    """Give the weights and the neurons of a competitive network."""
    (layer,) = network.layers
    return cast("DelayedWeights", layer.weights), cast("Competing", layer.unrolled)


def read_out(network: Stack) -> Stack:
    """Give the network of the layer's spikes that remains."""
    rest = Stack([], network.head)
    rest.dropout = network.layers[0].dropout
    return rest


def first_weights(
    population: Population, choices: LocalLearning, rng: np.random.Generator
) -> np.ndarray:
    """Draw the weights that learning starts from, (source, unit), uniformly."""
    low, high = choices.first_weights
    drawn = rng.uniform(low, high, (population.n_pre, population.n_post))
    return (population.w_max * drawn).astype(np.float32)


def save_snapshots(
    folder: Path,
    choices: LocalLearning,
    folds: Sequence[tuple[Stack, Mapping[str, Any], np.random.Generator]],
    features: Sequence[str],
) -> set[str]:
    """Write the by_fold of all folds as tables; gives the names of the files.

    Parameters
    ----------
    folder : Path
        The cell's run.
    choices : LocalLearning
    folds : sequence of (Stack, mapping, Generator)
        Each fold's trained network, its weights file's metadata, and what drew its
        first weights, to draw them again.
    features : sequence of str
        Names of the input's rows.
    """
    fields, by_fold = {}, {}
    for network, meta, rng in folds:
        layer, neurons = parts(network)
        population, delays = neurons.population, layer.delays
        fields[meta["fold"]] = field_table(
            features,
            [k * delays.every * population.dt for k in range(delays.count)],
            relative(population, first_weights(population, choices, rng)),
            relative(population, layer.linear.weight.detach().t().numpy()),
        )
        by_fold[meta["fold"]] = meta["snapshots"]
    return save(folder, by_fold, fields)


def layer_spikes(network: Stack, spikes: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Give the inputs and the spikes of a layer, one window after the other.

    Parameters
    ----------
    network : Stack
    spikes : Tensor, shape (time, batch, feature)

    Returns
    -------
    pre, post : array, shape (batch·time, source) and (batch·time, unit), bool
    """
    layer, neurons = parts(network)
    with torch.no_grad():
        copies = layer.delays(spikes)
        fired, _ = neurons(layer.linear(copies))
    return _in_a_row(copies), _in_a_row(fired)


def _in_a_row(spikes: Tensor) -> np.ndarray:
    in_a_row: np.ndarray = (spikes != 0).transpose(0, 1).flatten(0, 1).cpu().numpy()
    return in_a_row


def hidden(
    network: Stack, examples: Examples, at_most: int, rng: np.random.Generator
) -> Examples:
    """Give the layer's spikes, in up to so many windows of each class or running on."""
    if isinstance(examples, Stretches):
        return _running(network, examples)
    return _in_windows(network, examples, at_most, rng)


def _running(network: Stack, stretches: Stretches) -> Stretches:
    """Let the layer run on through all stretches."""
    (layer,) = network.layers
    trains: dict[int, Tensor] = {}
    with torch.no_grad():
        for run in stretches.runs(1):
            state: list[Tensor] = []
            parts = []
            for piece in run.pieces:
                spikes, *state = layer(piece, None, *state)
                parts.append(spikes.to(torch.uint8))
            outputs = torch.cat(parts)
            for place, number in enumerate(run.chosen.tolist()):
                trains[number] = outputs[:, place]
    ordered = [trains[number] for number in range(len(stretches.first))]
    length = torch.tensor([len(train) for train in ordered])
    length = length.to(stretches.first)
    return replace(
        stretches,
        trains=torch.cat(ordered),
        first=length.cumsum(0) - length,
        length=length,
    )


def _in_windows(
    network: Stack, windows: Windows, at_most: int, rng: np.random.Generator
) -> Windows:
    rows = some_of_each_class(windows, at_most, rng).to(windows.first.device)
    (layer,) = network.layers
    with torch.no_grad():
        spikes = [
            layer(windows.spikes(some), None)[0] for some in torch.split(rows, AT_ONCE)
        ]
    trains = torch.cat([part.to(torch.uint8) for part in spikes], dim=1)
    return Windows(
        trains.transpose(0, 1).flatten(0, 1).contiguous(),
        torch.arange(len(rows), device=rows.device) * windows.n_steps,
        windows.targets[rows],
        windows.n_steps,
        windows.dt,
    )


def _learn(
    layer: DelayedWeights,
    population: Population,
    state: LearningState,
    train: Windows,
    count: int,
    rng: np.random.Generator,
    snapshots: Snapshots,
) -> None:
    """Live through windows drawn at random, each once before any comes again."""
    order = np.concatenate(
        [rng.permutation(len(train.first)) for _ in range(0, count, len(train.first))]
        or [np.empty(0, np.int64)]
    )[:count]
    seen = 0
    for some in np.array_split(order, SNAPSHOTS):
        spikes = np.zeros(population.n_post, np.int64)
        for rows in np.split(some, range(AT_ONCE, len(some), AT_ONCE)):
            copies = layer.delays(train.spikes(torch.from_numpy(rows)))
            for window in (copies != 0).transpose(0, 1).contiguous().cpu().numpy():
                population.rest(state)
                spikes += population.run(state, window).sum(0)
        if len(some):
            seen += len(some)
            snapshots.take(state, seen, spikes)


def _keep(layer: DelayedWeights, neurons: Competing, state: LearningState) -> None:
    """Put what was learned into the network."""
    weights = neurons.population.values(state)
    with torch.no_grad():
        layer.linear.weight.copy_(torch.from_numpy(weights).t())
        neurons.thresholds.copy_(torch.from_numpy(state.thresholds))
