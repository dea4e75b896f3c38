"""Train one network a fold, the same bytes every time.

A fold's weights file is its only lasting part: it holds what the fold learned, its
history and the digest of what it was made of. A run that was killed keeps finished
folds, and predictions always come from the weights as they stand in the file.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from pipeline import files, seeds
from pipeline.errors import DataError, PipelineError
from pipeline.kernels._sequence import UnstableError
from pipeline.networks.base import Network, Shape
from pipeline.networks.competitive import Competitive
from pipeline.neurons.base import Neuron
from pipeline.parallel import console, parallel_map
from pipeline.training import batches, devices, dynamics
from pipeline.training.fitting import Epoch, fit, predict
from pipeline.training.local import fit_locally, save_courses
from pipeline.training.read_out import fit_read_out, is_read_out
from pipeline.training.task import Task, check_classes, role_windows

OTHER_FILES = {"predictions.parquet", "history.csv", "run.json"}
SAY_EVERY_S = 10.0


def train(task: Task, folder: Path) -> list[dict[str, Any]]:
    """Train all folds of a cell and predict their test windows.

    Writes `fold-<k>.safetensors`, `predictions.parquet` and `history.csv`, and, where
    neurons learn their dynamics, `learned.parquet` and `portraits.parquet`, where a
    layer learns by local rules, `weights.parquet`, `units.parquet` and
    `fields.parquet`. Folds that `folder` already holds, made of the same inputs, are
    kept.

    Returns
    -------
    folds : list of dict
        For each fold: fold, epochs, best_epoch, n_train, n_validation, n_test and
        parameters.

    Raises
    ------
    DataError
        A fold lacks a class or a role, or its spikes do not fit its windows.
    ConfigError
        The network does not fit the windows.
    PipelineError
        The loss is no longer a number, or neurons run away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files.clear_partial(folder)
    folds = sorted(map(int, task.folds["fold"].unique()))
    work = partial(_train_and_predict, task, folder)
    done = parallel_map(work, folds, what=f"train {task.name}")
    files.save_table(
        folder / "predictions.parquet",
        pd.concat([predictions for predictions, _ in done]),
    )
    history = [line for _, meta in done for line in _history(meta)]
    files.save_csv(folder / "history.csv", pd.DataFrame(history))
    weights = [weights_path(folder, fold) for fold in folds]
    networks = [load_network(path, task.network, task.neuron)[0] for path in weights]
    metas = [meta for _, meta in done]
    learned = dynamics.save(folder, networks, metas) | _save_courses(
        task, folder, networks, metas
    )
    files.keep_only(folder, {path.name for path in weights} | OTHER_FILES | learned)
    return [{**meta["summary"], "n_test": len(predicted)} for predicted, meta in done]


def weights_path(folder: Path, fold: int) -> Path:
    """Name a fold's weights file."""
    return folder / f"fold-{fold}.safetensors"


def load_network(
    path: Path, network: Network, neuron: Neuron
) -> tuple[nn.Module, Shape]:
    """Rebuild a trained network, ready to predict, from its weights file."""
    tensors, meta = files.load_weights(path)
    shape = Shape(**meta["shape"])
    with torch.random.fork_rng(devices=[]):
        built = network.build(shape, neuron)
    built.load_state_dict(tensors)
    return built.eval(), shape


def _train_and_predict(
    task: Task, folder: Path, fold: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Give a fold's predictions and what its weights file says of it."""
    path = weights_path(folder, fold)
    inputs = _fold_inputs(task, fold)
    seed = seeds.integer(task.seed, "train", task.name, fold)
    with devices.repeatable(seed), _named(f"{task.name}, fold {fold}"):
        if not _is_made_of(path, inputs):
            _train_fold(task, path, fold, inputs)
        predictions = _predict_fold(task, path, fold)
    return predictions, files.load_weights(path)[1]


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Say whose neurons ran away."""
    try:
        yield
    except UnstableError as error:
        raise PipelineError(
            f"{where}: {error.where}",
            error.found,
            expected=error.expected,
            remedy=error.remedy,
        ) from None


def _fold_inputs(task: Task, fold: int) -> str:
    choices = (task.network, task.neuron, task.settings)
    names = (task.name, list(task.labels), task.seed, fold)
    return files.inputs_digest(*choices, *names, dict(task.inputs))


def _history(meta: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"fold": meta["fold"], **epoch} for epoch in meta["history"]]


def _is_made_of(path: Path, inputs: str) -> bool:
    try:
        return bool(files.load_weights(path)[1]["inputs"] == inputs)
    except (DataError, KeyError):
        return False


def _train_fold(task: Task, path: Path, fold: int, inputs: str) -> None:
    """Train a fold, from its train and validation windows alone, and save it."""
    where = f"{task.name}, fold {fold}"
    train, validation = (
        batches.load(task.spikes, role_windows(task, fold, role), task.labels)
        for role in ("train", "validation")
    )
    check_classes(where, train, task.labels)
    shape = Shape(train.n_steps, train.n_features, len(task.labels), train.dt)
    place = devices.choose()
    network = task.network.build(shape, task.neuron).to(place)
    epochs, course = _fit(task, fold, network, train.to(place), validation.to(place))
    learned: list[list[dict[str, Any]]] = []
    history = _followed(dynamics.noted(epochs, network, learned), where)
    best = max(history, key=lambda epoch: epoch.validation_balanced_accuracy)
    summary = {
        "fold": fold,
        "epochs": len(history),
        "best_epoch": best.epoch,
        "n_train": len(train.first),
        "n_validation": len(validation.first),
        "parameters": sum(p.numel() for p in network.parameters()),
    }
    meta = {
        "shape": asdict(shape),
        "labels": list(task.labels),
        "fold": fold,
        "inputs": inputs,
        "summary": summary,
        "history": [asdict(epoch) for epoch in history],
        "learned": learned,
        "course": course,
    }
    files.save_weights(path, network.state_dict(), meta=meta)


def _fit(
    task: Task,
    fold: int,
    network: nn.Module,
    train: batches.Windows,
    validation: batches.Windows,
) -> tuple[Iterator[Epoch], list[dict[str, Any]]]:
    """Fit by gradients, after local learning if it is for that; gives its course."""
    rng = seeds.generator(task.seed, "train", task.name, fold, "windows")
    if not isinstance(task.network, Competitive):
        fitted = fit_read_out if is_read_out(network) else fit
        return fitted(network, train, validation, task.settings, rng), []
    first = _first_rng(task, fold)
    course, epochs = fit_locally(
        network, task.network, train, validation, task.settings, rng, first
    )
    return epochs, course.snapshots


def _first_rng(task: Task, fold: int) -> np.random.Generator:
    return seeds.generator(task.seed, "train", task.name, fold, "first weights")


def _save_courses(
    task: Task, folder: Path, networks: list[nn.Module], metas: list[dict[str, Any]]
) -> set[str]:
    """Tabulate what layers were while they learned by local rules, if any did."""
    if not isinstance(task.network, Competitive):
        return set()
    recording = task.windows["recording"].iloc[0]
    features = files.load_spikes(task.spikes / f"{recording}.h5").features
    first = [_first_rng(task, meta["fold"]) for meta in metas]
    folds = list(zip(networks, metas, first, strict=True))
    return save_courses(folder, task.network, folds, features)


def _followed(epochs: Iterator[Epoch], where: str) -> list[Epoch]:
    """Collect a fold's epochs; off a terminal, tell of one now and then."""
    history: list[Epoch] = []
    said = time.monotonic()
    for epoch in epochs:
        _check_finite(epoch, where)
        history.append(epoch)
        if not console.is_terminal and time.monotonic() - said > SAY_EVERY_S:
            said = time.monotonic()
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


def _predict_fold(task: Task, path: Path, fold: int) -> pd.DataFrame:
    """Predict a fold's test windows with the weights in its file."""
    table = role_windows(task, fold, "test")
    network, _ = load_network(path, task.network, task.neuron)
    place = devices.choose()
    windows = batches.load(task.spikes, table, task.labels).to(place)
    rows = torch.arange(len(table), device=place)
    logits = predict(network.to(place), windows, rows)
    likely = logits.softmax(1).cpu().numpy()
    known = table[["window", "recording", "subject", "session", "label"]]
    known.insert(1, "fold", fold)
    predicted = pd.Index(task.labels)[likely.argmax(1)]
    columns = {f"p_{label}": likely[:, k] for k, label in enumerate(task.labels)}
    return known.assign(predicted=predicted, **columns)
