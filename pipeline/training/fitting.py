"""Fit one network to one fold: class-balanced epochs, the best of them kept."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks._layers import Unrolled
from pipeline.training.batches import Windows
from pipeline.training.losses import DENSE, check_loss, differentiate, watched
from pipeline.training.settings import SparsitySettings, TrainingSettings

PREDICTED_AT_ONCE = 512


@dataclass(frozen=True)
class Epoch:
    """How an epoch went.

    The training's loss is as the settings say; in validation it is the cross-entropy of
    the windows' logits. `spike_rate` is in hertz a neuron, of outputs that are not 0;
    None without spikes.
    """

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
    sparsity: SparsitySettings = DENSE,
) -> Iterator[Epoch]:
    """Fit a network with AdamW on a one-cycle schedule, and tell of every epoch.

    It ends when the validation windows' balanced accuracy has not risen for `patience`
    epochs, and leaves the network with the weights of its best epoch; with those of the
    last where the validation windows cannot choose.

    Parameters
    ----------
    network : nn.Module
        Maps spikes (time, batch, feature) to logits (batch, class); it is changed.
    train, validation : Windows
        What it learns from, and what decides which epoch was the best.
    settings : TrainingSettings
    rng : Generator
        Draws the windows of every epoch.
    sparsity : SparsitySettings
        What activity costs; nothing else of it matters here.

    Raises
    ------
    ConfigError
        The loss needs another read-out.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization",
       ICLR 2019.
    .. [2] L. N. Smith and N. Topin, "Super-convergence", 2018, arXiv:1708.07120.
    """
    check_loss(network, settings)
    judges = some_of_each_class(validation, settings.validation_windows_per_class, rng)
    last = not chooses(validation)
    optimizer, schedule = _optimizer(network, train, settings)
    best_epoch, best_accuracy, best_weights = 0, -1.0, network.state_dict()
    for number in range(1, settings.epochs + 1):
        rows = as_many_of_each_class(train, settings.windows_per_class, rng)
        loss = _learn(network, train, rows, settings, optimizer, schedule, sparsity)
        epoch = Epoch(number, loss, *_judge(network, validation, judges))
        if last or epoch.validation_balanced_accuracy > best_accuracy:
            best_epoch, best_accuracy = number, epoch.validation_balanced_accuracy
            best_weights = copy.deepcopy(network.state_dict())
        yield epoch
        if number - best_epoch >= settings.patience:
            break
    network.load_state_dict(best_weights)


def chooses(validation: Windows) -> bool:
    """Whether windows can choose between networks.

    Of windows of one class, the best network is one that always answers it.
    """
    return len(validation.classes) > 1


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


def parameter_groups(
    network: nn.Module, settings: TrainingSettings
) -> list[dict[str, Any]]:
    """Sort parameters by how they learn.

    Weights have weight decay. Learned dynamics, the parameters in a module's `learned`,
    have none, for 0 is no neutral value of log τ; their rate is the training's times
    the neuron's `learning_rates`. Those whose factor is 0 are in no group and get no
    gradient.

    Returns
    -------
    groups : list of dict
        AdamW's groups, with `max_lr` for the schedule.
    """
    factors = _dynamics(network)
    for parameter, factor in factors.items():
        parameter.requires_grad_(factor > 0)
    weights = [p for p in network.parameters() if p not in factors]
    groups = [_group(weights, settings.learning_rate, settings.weight_decay)]
    for factor in sorted(set(factors.values()) - {0.0}):
        shared = [p for p, own in factors.items() if own == factor]
        groups.append(_group(shared, settings.learning_rate * factor, 0.0))
    return groups


def _dynamics(network: nn.Module) -> dict[nn.Parameter, float]:
    """Find learned dynamics and what their learning rate is multiplied by."""
    factors: dict[nn.Parameter, float] = {}
    for module in network.modules():
        learned = getattr(module, "learned", None)
        if isinstance(learned, nn.ParameterDict):
            rates = getattr(getattr(module, "model", None), "learning_rates", {})
            for name, parameter in learned.items():
                factors[parameter] = float(rates.get(name, 1.0))
    return factors


def _group(parameters: list[nn.Parameter], rate: float, decay: float) -> dict[str, Any]:
    return {"params": parameters, "max_lr": rate, "weight_decay": decay}


def _optimizer(
    network: nn.Module, train: Windows, settings: TrainingSettings
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR]:
    n_windows = settings.windows_per_class * len(train.classes)
    groups = parameter_groups(network, settings)
    peaks = [group.pop("max_lr") for group in groups]
    optimizer = torch.optim.AdamW(groups)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=peaks,
        epochs=settings.epochs,
        steps_per_epoch=-(-n_windows // settings.batch),
    )
    return optimizer, schedule


def _learn(
    network: nn.Module,
    train: Windows,
    rows: Tensor,
    settings: TrainingSettings,
    optimizer: torch.optim.AdamW,
    schedule: torch.optim.lr_scheduler.OneCycleLR,
    sparsity: SparsitySettings,
) -> float:
    """Make one epoch; gives its mean loss."""
    network.train()
    losses = []
    for some in _parts(rows, settings.batch):
        spikes, targets = train.spikes(some), train.targets[some]
        optimizer.zero_grad()
        losses.append(differentiate(network, spikes, targets, settings, sparsity))
        nn.utils.clip_grad_norm_(network.parameters(), max_norm=1.0)
        optimizer.step()
        schedule.step()
    return float(np.mean(losses))


def _judge(
    network: nn.Module, windows: Windows, rows: Tensor
) -> tuple[float, float, float | None]:
    """Compute loss and accuracy, each class counting the same, and the spike rate."""
    events, lived_s = 0, 0.0

    def see(layer: Unrolled, outputs: Tensor) -> None:
        nonlocal events, lived_s
        events += int(outputs.count_nonzero())
        lived_s += outputs.numel() * layer.dt

    with watched(network, see):
        logits = predict(network, windows, rows)
    return *balanced(
        logits, windows.targets[rows]
    ), events / lived_s if lived_s else None


def balanced(logits: Tensor, targets: Tensor) -> tuple[float, float]:
    """Compute cross-entropy and accuracy, each class that occurs counting the same."""
    losses = functional.cross_entropy(logits, targets, reduction="none")
    right = (logits.argmax(1) == targets).double()
    per_class = [
        (float(losses[targets == k].mean()), float(right[targets == k].mean()))
        for k in sorted(set(targets.tolist()))
    ]
    loss, accuracy = np.mean(per_class, axis=0)
    return float(loss), float(accuracy)
