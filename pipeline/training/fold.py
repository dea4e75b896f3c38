"""Fit the network of one fold, from its training and validation decisions alone."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline import seeds
from pipeline.errors import PipelineError
from pipeline.networks.base import Shape
from pipeline.networks.parts.initial import calibrate
from pipeline.networks.parts.stack import Stack
from pipeline.parallel import console, reports_long_work
from pipeline.training import devices, dynamics
from pipeline.training.fitting import Epoch, Examples, chooses, predict
from pipeline.training.local import fit_locally
from pipeline.training.offsets import chosen_offsets
from pipeline.training.pruning import PrunedEpoch
from pipeline.training.read_out import fit_sparsely
from pipeline.training.task import Task, check_classes, load_role

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
        The fold lacks a role or trains one class alone, or its spikes do not fit its
        windows.
    ConfigError
        The network does not fit the windows.
    PipelineError
        The loss is no longer a number, or neurons run away.
    """
    where = f"{task.name}, fold {fold}"
    train, validation = (
        load_role(task, fold, role) for role in ("train", "validation")
    )
    check_classes(where, train, task.labels)
    shape = _shape(task, train)
    device = devices.choose()
    network = _calibrated(task, fold, shape, train).to(device)
    validation = validation.to(device)
    epochs, snapshots = _fit(task, fold, network, train.to(device), validation)
    learned: list[list[dict[str, Any]]] = []
    if watch:
        epochs = _watched(epochs, network, watch)
    history = _followed(dynamics.noted(epochs, network, learned), where)
    offsets = None
    if _chooses_offsets(task, validation):
        offsets = _add_offsets(network, validation)
    summary = {
        "fold": fold,
        "epochs": len(history),
        "best_epoch": _kept(history, validation, task.settings.select).epoch,
        "n_train": len(train.targets),
        "n_validation": len(validation.targets),
        "delay_s": (network.stride - 1) * train.dt,
        "parameters": sum(p.numel() for p in network.parameters()),
    }
    meta = {
        "shape": asdict(shape),
        "labels": list(task.labels),
        "fold": fold,
        "summary": summary,
        "history": [asdict(epoch) for epoch in history],
        "learned": learned,
        "snapshots": snapshots,
        "offsets": offsets,
    }
    return Fitted(network, meta)


def _shape(task: Task, train: Examples) -> Shape:
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
    """Build the network, calibrated on a batch that trains, without its labels."""
    network: Stack = task.network.build(shape, task.neuron)
    rng = seeds.generator(task.seed, "train", task.name, fold, "calibration")
    calibrate(network, next(iter(train.batches(task.settings, rng))).spikes)
    return network


def _chooses_offsets(task: Task, validation: Examples) -> bool:
    """Check that offsets are asked for, and that the validation can choose them."""
    return task.settings.offsets == "validation" and chooses(validation)


def _add_offsets(network: Any, validation: Examples) -> list[float]:
    """Add offsets to the classes' biases; every validation decision chooses them."""
    targets = validation.targets
    rows = torch.arange(len(targets), device=targets.device)
    offsets = chosen_offsets(predict(network, validation, rows), targets)
    bias: Tensor = network.head.linear.bias
    with torch.no_grad():
        bias.add_(offsets.to(bias))
    return [float(offset) for offset in offsets]


def _kept(history: list[Epoch], validation: Examples, select: str) -> Epoch:
    """Give the epoch whose weights the network was left with."""
    if not chooses(validation):
        return history[-1]
    pruned = [epoch for epoch in history if isinstance(epoch, PrunedEpoch)]
    return max(pruned or history, key=lambda epoch: epoch.score(select))


def _fit(
    task: Task,
    fold: int,
    network: Stack,
    train: Examples,
    validation: Examples,
) -> tuple[Iterator[Epoch], list[dict[str, Any]]]:
    """Fit by gradients, after local learning if it is for that; gives its snapshots."""
    rng = seeds.generator(task.seed, "train", task.name, fold, "windows")
    settings, sparsity = task.settings, task.sparsity
    if (local := task.network.local) is None:
        return fit_sparsely(network, train, validation, settings, rng, sparsity), []
    first = first_rng(task, fold)
    snapshots, epochs = fit_locally(
        network, local, train, validation, settings, rng, first, sparsity
    )
    return epochs, snapshots.taken


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
            console.print(
                f"{where}: epoch {epoch.epoch}, loss {epoch.train_loss:.3f}, "
                f"validation balanced accuracy {epoch.validation_balanced_accuracy:.3f}"
            )
    return history


def _check_finite(epoch: Epoch, where: str) -> None:
    if not (math.isfinite(epoch.train_loss) and math.isfinite(epoch.validation_loss)):
        raise PipelineError(
            f"{where}, epoch {epoch.epoch}",
            f"the loss is {epoch.train_loss}, in validation {epoch.validation_loss}",
            expected="a finite loss",
            remedy="lower training.learning_rate in params.yaml",
        )
