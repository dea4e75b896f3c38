"""Fit the network of one fold, from its training and validation decisions alone."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline import files, secret, seeds
from pipeline.errors import PipelineError
from pipeline.networks.base import Shape
from pipeline.networks.parts.initial import calibrate
from pipeline.networks.parts.stack import Stack
from pipeline.parallel import console, reports_long_work
from pipeline.training import devices, dynamics, private
from pipeline.training.accounting import Guarantee, guaranteed
from pipeline.training.fitting import Epoch, Examples, chooses, predict
from pipeline.training.local import fit_locally
from pipeline.training.offsets import chosen_offsets
from pipeline.training.pruning import PrunedEpoch
from pipeline.training.read_out import fit_sparsely
from pipeline.training.task import Task, check_classes, load_role, role_windows

REPORT_EVERY_S = 10.0

Watcher = Callable[[Epoch, Stack], None]


@dataclass(frozen=True)
class Fitted:
    """A trained network, and what is kept of how it came about, in plain values."""

    network: Stack
    meta: dict[str, Any]


def fitted(task: Task, fold: int, watch: Watcher | None = None) -> Fitted:
    """Train the network of a fold.

    Parameters
    ----------
    task : Task
    fold : int
    watch : callable, optional
        Is given each epoch and the network after it, which it leaves as it is.

    Raises
    ------
    DataError
        The fold lacks a role or trains one class alone, its spikes do not fit its
        windows, or persons are to be protected whom nobody knows.
    ConfigError
        The network does not fit the windows, or protection is none.
    PipelineError
        The loss is no longer a number, or neurons run away.
    """
    where = f"{task.name}, fold {fold}"
    train, validation = (
        load_role(task, fold, role) for role in ("train", "validation")
    )
    check_classes(where, train, task.labels)
    shape = shape_of(task, train)
    guarantee = protection(task, fold)
    device = devices.choose()
    network = _calibrated(task, fold, shape, train).to(device)
    train, validation = train.to(device), validation.to(device)
    epochs, snapshots = _fit(task, fold, network, train, validation, guarantee)
    learned: list[list[dict[str, Any]]] = []
    if watch:
        epochs = _watched(epochs, network, watch)
    history = _followed(dynamics.noted(epochs, network, learned), where)
    offsets = _add_offsets(task, network, validation)
    select = None if guarantee else task.settings.select
    meta = {
        "shape": asdict(shape),
        "labels": list(task.labels),
        "fold": fold,
        "summary": {
            "fold": fold,
            "epochs": len(history),
            "best_epoch": _kept(history, validation, select).epoch,
            "n_validation": len(validation.targets),
            "delay_s": (network.stride - 1) * train.dt,
            "parameters": sum(p.numel() for p in network.parameters()),
            **_learned_from(train, guarantee),
        },
        "history": [asdict(epoch) for epoch in history],
        "learned": learned,
        "snapshots": snapshots,
        "offsets": offsets,
    }
    return Fitted(network, meta)


def _learned_from(train: Examples, guarantee: Guarantee | None) -> dict[str, Any]:
    """State what it learned from; how much protected persons gave is not stated."""
    if guarantee:
        return {"privacy": asdict(guarantee)}
    return {"n_train": len(train.targets)}


def shape_of(task: Task, train: Examples) -> Shape:
    """Give the shape of a window and of what is decided about it."""
    return Shape(
        train.n_steps,
        train.n_features,
        len(task.labels),
        train.dt,
        task.labels,
        task.parts,
    )


def _calibrated(task: Task, fold: int, shape: Shape, train: Examples) -> Stack:
    """Build the network, calibrated on a batch that trains, without its labels.

    Where persons are protected, it is calibrated on spikes that are nobody's.
    """
    network: Stack = task.network.build(shape, task.neuron)
    rng = seeds.generator(task.seed, "train", task.name, fold, "calibration")
    if task.privacy.certified:
        spikes = private.made_up(shape, rng)
    else:
        spikes = next(iter(train.batches(task.settings, rng))).spikes
    calibrate(network, spikes)
    return network


def _chooses_offsets(task: Task, validation: Examples) -> bool:
    """Check that offsets are asked for, and that the validation can choose them."""
    return task.settings.offsets == "validation" and chooses(validation)


def _add_offsets(task: Task, network: Any, validation: Examples) -> list[float] | None:
    """Add offsets to the classes' biases, if asked for; the validation chooses them."""
    if not _chooses_offsets(task, validation):
        return None
    targets = validation.targets
    rows = torch.arange(len(targets), device=targets.device)
    offsets = chosen_offsets(predict(network, validation, rows), targets)
    bias: Tensor = network.head.linear.bias
    with torch.no_grad():
        bias.add_(offsets.to(bias))
    return [float(offset) for offset in offsets]


def _kept(history: list[Epoch], validation: Examples, select: str | None) -> Epoch:
    """Give the epoch whose weights the network was left with."""
    if select is None or not chooses(validation):
        return history[-1]
    pruned = [epoch for epoch in history if isinstance(epoch, PrunedEpoch)]
    return max(pruned or history, key=lambda epoch: epoch.score(select))


def _fit(
    task: Task,
    fold: int,
    network: Stack,
    train: Examples,
    validation: Examples,
    guarantee: Guarantee | None,
) -> tuple[Iterator[Epoch], list[dict[str, Any]]]:
    """Fit by gradients, after local learning if it is for that; gives its snapshots."""
    if guarantee:
        return _fit_privately(task, fold, network, train, validation, guarantee), []
    rng = seeds.generator(task.seed, "train", task.name, fold, "windows")
    settings, sparsity = task.settings, task.sparsity
    if (local := task.network.local) is None:
        return fit_sparsely(network, train, validation, settings, rng, sparsity), []
    first = first_rng(task, fold)
    snapshots, epochs = fit_locally(
        network, local, train, validation, settings, rng, first, sparsity
    )
    return epochs, snapshots.taken


def protection(task: Task, fold: int) -> Guarantee | None:
    """Account for what a fold guarantees to who trains it; None if nothing.

    Raises
    ------
    ConfigError
        Its settings guarantee nothing.
    """
    if not task.privacy.certified:
        return None
    persons = role_windows(task, fold, "train")["subject"].nunique()
    return guaranteed(task.privacy, persons)


def _fit_privately(
    task: Task,
    fold: int,
    network: Stack,
    train: Examples,
    validation: Examples,
    guarantee: Guarantee,
) -> Iterator[Epoch]:
    """Fit a fold's network with noise that only this machine can draw again."""
    subjects = list(role_windows(task, fold, "train")["subject"])
    choices = (task.network, task.neuron, task.settings, task.sparsity, task.privacy)
    names = (task.name, list(task.labels), task.seed, fold, dict(task.inputs))
    shaped_by = files.inputs_digest(*choices, *names, subjects, private.content(train))
    return private.fit_privately(
        network,
        private.by_person(train, subjects),
        validation,
        task.settings,
        guarantee,
        seeds.generator(task.seed, "train", task.name, fold, "windows"),
        np.random.default_rng(secret.load_or_make().seed(shaped_by)),
        task.sparsity,
    )


def first_rng(task: Task, fold: int) -> np.random.Generator:
    """Make what draws the weights that local learning starts from."""
    return seeds.generator(task.seed, "train", task.name, fold, "first weights")


def _watched(
    epochs: Iterator[Epoch], network: Stack, watch: Watcher
) -> Iterator[Epoch]:
    """Show each epoch, with the network after it."""
    for epoch in epochs:
        watch(epoch, network)
        yield epoch


def _followed(epochs: Iterator[Epoch], where: str) -> list[Epoch]:
    """Collect a fold's epochs; off a terminal, report one now and then."""
    history: list[Epoch] = []
    printed = time.monotonic()
    for epoch in epochs:
        _check_finite(epoch, where)
        history.append(epoch)
        if reports_long_work() and time.monotonic() - printed > REPORT_EVERY_S:
            printed = time.monotonic()
            loss = "" if epoch.train_loss is None else f"loss {epoch.train_loss:.3f}, "
            console.print(
                f"{where}: epoch {epoch.epoch}, {loss}"
                f"validation balanced accuracy {epoch.validation_balanced_accuracy:.3f}"
            )
    return history


def _check_finite(epoch: Epoch, where: str) -> None:
    losses = [epoch.train_loss, epoch.validation_loss]
    if not all(math.isfinite(loss) for loss in losses if loss is not None):
        raise PipelineError(
            f"{where}, epoch {epoch.epoch}",
            f"the loss is {epoch.train_loss}, in validation {epoch.validation_loss}",
            expected="a finite loss",
            remedy="lower training.learning_rate in params.yaml",
        )
