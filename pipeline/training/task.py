"""The task of a cell: its settings, and the windows that it learns from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from pipeline.errors import DataError
from pipeline.networks.parts.settings import LayeredNetwork
from pipeline.neurons.base import Neuron
from pipeline.training import batches, stretches
from pipeline.training.fitting import Examples
from pipeline.training.memory import Memory
from pipeline.training.privacy_settings import PrivacySettings
from pipeline.training.settings import SparsitySettings, TrainingSettings


@dataclass(frozen=True)
class Task:
    """The task of a cell.

    Parameters
    ----------
    name : str
        The cell's name; seeds are drawn by it.
    spikes : Path
        Folder of the spike trains, one file a recording.
    windows : DataFrame
        `windows.parquet`, of which the windows in `folds` are used.
    folds : DataFrame
        `folds.parquet`: window, fold, role; `unjudged` is not predicted.
    labels : tuple of str
        The classes in their order.
    network : LayeredNetwork
    neuron : Neuron
    settings : TrainingSettings
    seed : int
    inputs : mapping of str to str
        Digests of everything else that the result depends on: files and sources.
    sparsity : SparsitySettings
        Sparsity settings.
    privacy : PrivacySettings
        Certified protection of the persons who train.
    memory_s : float or None
        How long a network may remember that runs on, for labels follow the clock.
    parts : tuple of (str, int)
        The parts of the code, each with its number of features, for `heads`.
    """

    name: str
    spikes: Path
    windows: pd.DataFrame
    folds: pd.DataFrame
    labels: tuple[str, ...]
    network: LayeredNetwork
    neuron: Neuron
    settings: TrainingSettings
    seed: int
    inputs: Mapping[str, str]
    sparsity: SparsitySettings = field(default_factory=SparsitySettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    memory_s: float | None = None
    parts: tuple[tuple[str, int], ...] = ()


def load_role(task: Task, fold: int, role: str) -> Examples:
    """Load the decisions of one role in a fold, in the order of `role_windows`."""
    if task.network.restarts == "windows":
        return batches.load(task.spikes, role_windows(task, fold, role), task.labels)
    role_windows(task, fold, role)
    memory = Memory(task.network.restarts == "blocks", task.memory_s)
    table = fold_windows(task, fold)
    return stretches.load(task.spikes, table, role, task.labels, memory)


def fold_windows(task: Task, fold: int) -> pd.DataFrame:
    """List a fold's windows with their roles, in the order of their numbers."""
    mine = task.folds.loc[task.folds["fold"] == fold, ["window", "role"]]
    return mine.merge(task.windows, on="window", validate="1:1").sort_values("window")


def role_windows(task: Task, fold: int, role: str) -> pd.DataFrame:
    """List a fold's windows of a role, in the order of their numbers."""
    windows = fold_windows(task, fold)
    wanted = windows[windows["role"] == role].drop(columns="role")
    if wanted.empty:
        raise DataError(
            f"folds.parquet: fold {fold} of {task.name}",
            f"it has no windows in the role {role}",
            expected="windows in every role",
            remedy="change the data set's `folds`, or add subjects",
        )
    return wanted


def check_classes(where: str, train: Examples, labels: tuple[str, ...]) -> None:
    """Refuse a fold whose training windows are of one class.

    Raises
    ------
    DataError
    """
    if len(train.classes) > 1:
        return
    raise DataError(
        where,
        f"its windows in train are of {labels[train.classes[0]]} alone",
        expected="windows of two classes or more in every fold",
        remedy="use fewer folds, or add recordings of another class",
    )
