"""Trained folds in a run's folder: their networks and predictions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline import files
from pipeline.errors import DataError
from pipeline.networks.base import Network, Shape
from pipeline.networks.parts.stack import Stack
from pipeline.neurons.base import Neuron
from pipeline.quantization.network import IntegerNetwork, rebuild
from pipeline.training import devices
from pipeline.training.fitting import predict
from pipeline.training.task import Task, load_role, role_windows


def weights_path(folder: Path, fold: int) -> Path:
    """Name a fold's weights file."""
    return folder / f"fold-{fold}.safetensors"


def quantized_path(folder: Path, fold: int) -> Path:
    """Name the file of a fold's network in integers, or of why there is none."""
    return folder / f"fold-{fold}.int8.safetensors"


def load_network(path: Path, network: Network, neuron: Neuron) -> tuple[Stack, Shape]:
    """Rebuild a trained network, ready to predict, from its weights file."""
    tensors, meta = files.load_weights(path)
    shape = Shape(**meta["shape"])
    with torch.random.fork_rng(devices=[]):
        built = network.build(shape, neuron)
    built.load_state_dict(tensors)
    return built.eval(), shape


def load_quantized(path: Path) -> tuple[IntegerNetwork | None, dict[str, Any]]:
    """Rebuild a fold's network in integers, and read its summary from the file.

    Returns
    -------
    network : IntegerNetwork or None
        None where the network does not run in integers.
    about : dict
        The validation windows' balanced accuracies and whether it was fine-tuned, or
        `absent`, the reason.

    Raises
    ------
    DataError
        The file is incomplete, or not of such a network.
    """
    tensors, meta = files.load_weights(path)
    try:
        network = rebuild(tensors, meta["network"]) if meta["network"] else None
        return network, meta["quantized"]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            str(path),
            f"holds no network in integers ({type(error).__name__}: {error})",
            expected="all parts that it lists",
            remedy="remove it, and run `dvc repro`: what else is done is kept",
        ) from error


def predictions(task: Task, network: Stack, fold: int) -> pd.DataFrame:
    """Predict a fold's test windows; in integers, on the processor."""
    table = role_windows(task, fold, "test")
    tested = load_role(task, fold, "test")
    device = torch.device("cpu") if network.on_processor else devices.choose()
    rows = torch.arange(len(table), device=device)
    logits = predict(network.to(device), tested.to(device), rows)
    return _table(table, fold, network.values(logits), task.labels)


def _table(
    windows: pd.DataFrame, fold: int, logits: Tensor, labels: Sequence[str]
) -> pd.DataFrame:
    """Set what is predicted beside what is known of each window.

    Probabilities are softmax(logits), whatever the loss: of one against the rest they
    rank classes within a window, and are calibrated for none.
    """
    likely = logits.softmax(1).cpu().numpy()
    known = windows[["window", "recording", "subject", "session", "label"]]
    known.insert(1, "fold", fold)
    cold = windows["start"] < windows["segment_start"]
    predicted = pd.Index(labels)[likely.argmax(1)]
    columns = {
        f"p_{label}": likely[:, k].astype(np.float32) for k, label in enumerate(labels)
    }
    return known.assign(cold=cold, predicted=predicted, **columns)
