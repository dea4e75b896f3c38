"""Fit one network to one fold: class-balanced epochs, the best of them kept."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks._layers import Unrolled
from pipeline.training.batches import Windows
from pipeline.training.settings import TrainingSettings

PREDICTED_AT_ONCE = 512


@dataclass(frozen=True)
class Epoch:
    """How an epoch went; `spike_rate` is in hertz a neuron, None without spikes."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_balanced_accuracy: float
    spike_rate: float | None


def fit(
    network: nn.Module,
    train: Windows,
    validation: Windows,
    settings: TrainingSettings,
    rng: np.random.Generator,
) -> Iterator[Epoch]:
    """Fit a network with AdamW on a one-cycle schedule, and tell of every epoch.

    It ends when the validation windows' balanced accuracy has not risen for `patience`
    epochs, and leaves the network with the weights of its best epoch.

    Parameters
    ----------
    network : nn.Module
        Maps spikes (time, batch, feature) to logits (batch, class); it is changed.
    train, validation : Windows
        What it learns from, and what decides which epoch was the best.
    settings : TrainingSettings
    rng : Generator
        Draws the windows of every epoch.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization",
       ICLR 2019.
    .. [2] L. N. Smith and N. Topin, "Super-convergence", 2018, arXiv:1708.07120.
    """
    judges = some_of_each_class(validation, settings.validation_windows_per_class, rng)
    optimizer, schedule = _optimizer(network, train, settings)
    best_epoch, best_accuracy, best_weights = 0, -1.0, network.state_dict()
    for number in range(1, settings.epochs + 1):
        rows = as_many_of_each_class(train, settings.windows_per_class, rng)
        loss = _learn(network, train, _parts(rows, settings.batch), optimizer, schedule)
        epoch = Epoch(number, loss, *_judge(network, validation, judges))
        if epoch.validation_balanced_accuracy > best_accuracy:
            best_epoch, best_accuracy = number, epoch.validation_balanced_accuracy
            best_weights = copy.deepcopy(network.state_dict())
        yield epoch
        if number - best_epoch >= settings.patience:
            break
    network.load_state_dict(best_weights)


def as_many_of_each_class(
    windows: Windows, count: int, rng: np.random.Generator
) -> Tensor:
    """Draw `count` rows of every class present, in random order.

    A class with fewer windows repeats them all equally often.
    """
    drawn = [np.resize(rows, count) for rows in _shuffled_classes(windows, rng)]
    return torch.from_numpy(rng.permutation(np.concatenate(drawn)))


def some_of_each_class(
    windows: Windows, at_most: int, rng: np.random.Generator
) -> Tensor:
    """Draw up to `at_most` rows of every class present, in the windows' order."""
    drawn = [rows[:at_most] for rows in _shuffled_classes(windows, rng)]
    return torch.from_numpy(np.sort(np.concatenate(drawn)))


def predict(network: nn.Module, windows: Windows, rows: Tensor) -> Tensor:
    """Compute the logits of windows, (window, class), without learning."""
    network.eval()
    with torch.no_grad():
        parts = [
            network(windows.spikes(some)) for some in _parts(rows, PREDICTED_AT_ONCE)
        ]
    return torch.cat(parts)


def _parts(rows: Tensor, size: int) -> list[Tensor]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _shuffled_classes(windows: Windows, rng: np.random.Generator) -> list[np.ndarray]:
    targets = windows.targets.cpu().numpy()
    return [rng.permutation(np.flatnonzero(targets == k)) for k in windows.classes]


def _optimizer(
    network: nn.Module, train: Windows, settings: TrainingSettings
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR]:
    n_windows = settings.windows_per_class * len(train.classes)
    optimizer = torch.optim.AdamW(
        network.parameters(), weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=settings.learning_rate,
        epochs=settings.epochs,
        steps_per_epoch=-(-n_windows // settings.batch),
    )
    return optimizer, schedule


def _learn(
    network: nn.Module,
    train: Windows,
    batches: Sequence[Tensor],
    optimizer: torch.optim.AdamW,
    schedule: torch.optim.lr_scheduler.OneCycleLR,
) -> float:
    """Make one epoch; gives its mean loss."""
    network.train()
    losses = []
    for rows in batches:
        logits = network(train.spikes(rows))
        loss = functional.cross_entropy(logits, train.targets[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), max_norm=1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _judge(
    network: nn.Module, windows: Windows, rows: Tensor
) -> tuple[float, float, float | None]:
    """Compute loss and accuracy, each class counting the same, and the spike rate."""
    with _counted_spikes(network) as count:
        logits = predict(network, windows, rows)
    targets = windows.targets[rows]
    losses = functional.cross_entropy(logits, targets, reduction="none")
    right = (logits.argmax(1) == targets).double()
    per_class = [
        (float(losses[targets == k].mean()), float(right[targets == k].mean()))
        for k in windows.classes
    ]
    loss, accuracy = np.mean(per_class, axis=0)
    seconds = count["neurons"] * windows.n_steps * windows.dt
    rate = count["spikes"] / seconds if seconds else None
    return float(loss), float(accuracy), rate


@contextmanager
def _counted_spikes(network: nn.Module) -> Iterator[dict[str, float]]:
    """Count the spikes of all spiking neurons, and these neurons, once a window."""
    count = {"spikes": 0.0, "neurons": 0.0}

    def see(module: nn.Module, inputs: tuple[Tensor, ...], spikes: Tensor) -> None:
        count["spikes"] += float(spikes.sum(dtype=torch.float64))
        count["neurons"] += spikes[0].numel()

    layers = [m for m in network.modules() if isinstance(m, Unrolled) and m.spiking]
    hooks = [layer.register_forward_hook(see) for layer in layers]
    try:
        yield count
    finally:
        for hook in hooks:
            hook.remove()
