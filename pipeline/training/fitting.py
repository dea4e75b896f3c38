"""Fit one network to one fold: class-balanced epochs, the best of them kept."""

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import PipelineError
from pipeline.networks.parts.layers import Unrolled
from pipeline.networks.parts.stepped import dynamics_in
from pipeline.training.batches import Batch, Windows
from pipeline.training.losses import DENSE, check_loss, differentiate, watched
from pipeline.training.offsets import drawn_macro_f1
from pipeline.training.settings import SparsitySettings, TrainingSettings
from pipeline.training.stretches import Stretches

Examples = Windows | Stretches
"""The examples of a network: it restarts for every decision, or it runs on."""

NONE = math.nan, math.nan
MOST_SKIPPED = 0.05
"""The share of a fold's steps that may be skipped for a gradient that is not finite."""


class GradientError(PipelineError):
    """Too many steps have a gradient that is not finite."""


@dataclass(frozen=True)
class Epoch:
    """The results of an epoch.

    The settings choose the training's loss; in validation it is the cross-entropy of
    the logits. `spike_rate` is in hertz a neuron, of outputs that are not 0; None
    without spikes; `layer_rates` are those of each layer. `gradient_norm` is the median
    over the steps, before clipping; None where nothing learns by gradients. Of the
    steps, `skipped` were not taken, for their gradient was not finite. Where persons
    are protected, what training measures on them is None.
    """

    epoch: int
    train_loss: float | None
    validation_loss: float
    validation_balanced_accuracy: float
    spike_rate: float | None
    gradient_norm: float | None = None
    skipped: int = 0
    layer_rates: tuple[float, ...] = ()
    validation_macro_f1: float = math.nan

    def score(self, select: str) -> float:
        """Give what the best epoch has most of, by `TrainingSettings.select`."""
        if select == "macro_f1":
            return self.validation_macro_f1
        return self.validation_balanced_accuracy


def fit(
    network: nn.Module,
    train: Examples,
    validation: Examples,
    settings: TrainingSettings,
    rng: np.random.Generator,
    sparsity: SparsitySettings = DENSE,
) -> Iterator[Epoch]:
    """Fit a network with AdamW on a one-cycle schedule; gives every epoch.

    It ends when the validation's balanced accuracy, or what `select` names, has not
    risen for `patience` epochs, and leaves the network with the weights of its best
    epoch; with those of the last where the validation cannot choose.

    Parameters
    ----------
    network : nn.Module
        A `Stack`, or for windows anything that maps spikes (time, batch, feature) to
        logits (batch, class); it is changed.
    train, validation : Windows or Stretches
        What it learns from, and what decides which epoch was the best.
    settings : TrainingSettings
    rng : Generator
        Draws the decisions of every epoch.
    sparsity : SparsitySettings
        What activity costs; nothing else of it matters here.

    Raises
    ------
    ConfigError
        The loss needs another read-out.
    GradientError
        Gradients are not finite in more than a few steps.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization",
       ICLR 2019.
    .. [2] L. N. Smith and N. Topin, "Super-convergence", 2018, arXiv:1708.07120.
    """
    check_loss(network, settings)
    rows = validation.validation_rows(settings.validation_windows_per_class, rng)
    last = not chooses(validation)
    n_steps = settings.epochs * train.n_batches(settings)
    optimizer, schedule = optimized(network, settings, n_steps)
    best_epoch, best_score, best_weights, skipped = 0, -1.0, network.state_dict(), 0
    for number in range(1, settings.epochs + 1):
        _set_training(network, number, settings)
        batches = train.batches(settings, rng)
        steps = _learn(network, batches, settings, optimizer, schedule, sparsity)
        skipped += steps.skipped
        _check_skipped(skipped, n_steps)
        epoch = validated(number, steps, network, validation, rows)
        if last or epoch.score(settings.select) > best_score:
            best_epoch, best_score = number, epoch.score(settings.select)
            best_weights = copy.deepcopy(network.state_dict())
        yield epoch
        if number - best_epoch >= settings.patience:
            break
    network.load_state_dict(best_weights)


def _set_training(network: nn.Module, epoch: int, settings: TrainingSettings) -> None:
    """Let a network learn; in the last epochs, its norms stay as they are."""
    network.train()
    if epoch > math.ceil(settings.epochs * (1 - settings.frozen_norm)):
        freeze_norms(network)


def chooses(validation: Examples) -> bool:
    """Whether decisions can choose between networks.

    Of decisions of one class, the best network is one that always answers it.
    """
    return len(validation.classes) > 1


def predict(network: nn.Module, examples: Examples, rows: Tensor) -> Tensor:
    """Compute the logits of decisions, (decision, class), without learning."""
    network.eval()
    stack: Any = network
    return examples.logits(stack, rows)


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
    factors |= dict.fromkeys(dynamics_in(network), 1.0)
    return factors


def _group(parameters: list[nn.Parameter], rate: float, decay: float) -> dict[str, Any]:
    return {"params": parameters, "max_lr": rate, "weight_decay": decay}


def optimized(
    network: nn.Module, settings: TrainingSettings, n_steps: int
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR]:
    """Make the optimizer of a network and the schedule of that many steps."""
    groups = parameter_groups(network, settings)
    peaks = [group.pop("max_lr") for group in groups]
    optimizer = torch.optim.AdamW(groups)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=peaks, total_steps=n_steps
    )
    return optimizer, schedule


class Steps(NamedTuple):
    """The results of an epoch's steps."""

    loss: float | None
    gradient_norm: float | None
    skipped: int


def _learn(
    network: nn.Module,
    batches: Iterable[Batch],
    settings: TrainingSettings,
    optimizer: torch.optim.AdamW,
    schedule: torch.optim.lr_scheduler.OneCycleLR,
    sparsity: SparsitySettings,
) -> Steps:
    """Make one epoch; steps whose gradient is not finite are not taken."""
    losses, norms, skipped = [], [], 0
    for batch in batches:
        optimizer.zero_grad()
        loss = differentiate(network, batch, settings, sparsity)
        norm = float(nn.utils.clip_grad_norm_(network.parameters(), max_norm=1.0))
        if math.isfinite(norm):
            losses.append(loss)
            norms.append(norm)
        else:
            # Without gradients a step changes nothing; the schedule asks for one.
            optimizer.zero_grad(set_to_none=True)
            skipped += 1
        optimizer.step()
        schedule.step()
    means = (float(np.mean(losses)), float(np.median(norms))) if norms else NONE
    return Steps(*means, skipped)


def _check_skipped(skipped: int, n_steps: int) -> None:
    """Refuse a fold in which too many steps were not taken."""
    if skipped <= max(1, MOST_SKIPPED * n_steps):
        return
    raise GradientError(
        "training",
        f"the gradient was not finite in {skipped} of {n_steps} steps",
        expected=f"at most {MOST_SKIPPED:.0%} of them",
        remedy="lower training.learning_rate, or set training.truncate_s",
    )


def freeze_norms(network: nn.Module) -> None:
    """Let norms use, and keep, the mean and spread that they have seen."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eval()


def validated(
    number: int, steps: Steps, network: nn.Module, examples: Examples, rows: Tensor
) -> Epoch:
    """Judge a network by decisions, each class counting the same."""
    events: dict[Unrolled, list[float]] = {}

    def see(layer: Unrolled, outputs: Tensor) -> None:
        """Count a layer's outputs that are not 0, and its time."""
        counted = events.setdefault(layer, [0, 0.0])
        counted[0] += int(outputs.count_nonzero())
        counted[1] += outputs.numel() * layer.dt

    with watched(network, see):
        logits = predict(network, examples, rows)
    fired, lived_s = np.sum([*events.values()], axis=0) if events else (0, 0.0)
    targets = examples.targets[rows]
    return Epoch(
        number,
        steps.loss,
        *balanced(logits, targets),
        float(fired / lived_s) if lived_s else None,
        gradient_norm=steps.gradient_norm,
        skipped=steps.skipped,
        layer_rates=tuple(float(n / s) for n, s in events.values()),
        validation_macro_f1=drawn_macro_f1(logits, examples.targets, rows),
    )


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
