"""Windows of packed spike trains, cut into batches when they are asked for.

The trains of a data set's recordings lie one after the other, a byte a step and
feature; a window is only its first step there. So overlapping windows cost nothing,
and a batch is one gather. What lies outside of a window's segment is silence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import DataError
from pipeline.networks.parts.heads import At
from pipeline.training.trains import check_segments, gathered, load_trains

if TYPE_CHECKING:
    from pipeline.training.settings import TrainingSettings

PREDICTED_AT_ONCE = 512


@dataclass(frozen=True)
class Batch:
    """Spike trains, and the decisions that are taken in them.

    Parameters
    ----------
    spikes : Tensor, shape (time, batch, feature), float32 of 0 and 1
    targets : Tensor, shape (decision,), int64
        Right answers, as places among the labels.
    at : At or None
        Where they are taken; None: one at the end of each train.
    weights : Tensor, shape (decision,), or None
        What each counts in the loss; None: all the same.
    reach : int or None
        Steps that gradients go back through what runs on; None: all.
    """

    spikes: Tensor
    targets: Tensor
    at: At | None = None
    weights: Tensor | None = None
    reach: int | None = None

    def pieces(self, stride: int) -> list[Tensor]:
        """Split the spikes for a network of that stride, whose gradients end there."""
        n_steps = len(self.spikes)
        missing = -n_steps % stride
        spikes = functional.pad(self.spikes, (0, 0, 0, 0, 0, missing))
        size = n_steps + missing if self.reach is None else self.reach
        return list(torch.split(spikes, max(size // stride, 1) * stride))


class Labelled(Protocol):
    """Anything with a label for each of its rows."""

    @property
    def targets(self) -> Tensor:
        """The labels, as places among the classes."""


@dataclass(frozen=True)
class Windows:
    """Labelled windows of equal length, in each of which a network starts anew.

    Parameters
    ----------
    trains : Tensor, shape (step, feature), uint8
        The spikes of all recordings, one after the other.
    first : Tensor, shape (window,), int64
        Each window's first step in `trains`.
    targets : Tensor, shape (window,), int64
        Each window's label, as its place among the labels.
    n_steps : int
        Steps of a window.
    dt : float
        Seconds a step.
    segment : Tensor, shape (2, window), int64, or None
        The first step of each window's segment and the step after its last; None: no
        window leaves its segment.
    """

    trains: Tensor
    first: Tensor
    targets: Tensor
    n_steps: int
    dt: float
    segment: Tensor | None = None

    @property
    def n_features(self) -> int:
        """Rows of the spike trains."""
        return self.trains.shape[1]

    @property
    def classes(self) -> list[int]:
        """Labels that occur, sorted, as places among the labels."""
        return sorted(set(self.targets.tolist()))

    def spikes(self, rows: Tensor) -> Tensor:
        """Cut windows out: shape (time, batch, feature), float32 of 0 and 1."""
        step = torch.arange(self.n_steps, device=self.first.device)
        steps = self.first[rows] + step.unsqueeze(1)
        if self.segment is None:
            return self.trains[steps].float()
        first, stop = self.segment[:, rows]
        return gathered(self.trains, steps, (steps >= first) & (steps < stop))

    def to(self, device: torch.device) -> "Windows":
        """Move everything to a device."""
        return replace(
            self,
            trains=self.trains.to(device),
            first=self.first.to(device),
            targets=self.targets.to(device),
            segment=None if self.segment is None else self.segment.to(device),
        )

    def only(self, rows: Tensor) -> "Windows":
        """Give some of the windows."""
        return replace(
            self,
            first=self.first[rows],
            targets=self.targets[rows],
            segment=None if self.segment is None else self.segment[:, rows],
        )

    def n_batches(self, settings: "TrainingSettings") -> int:
        """Count the batches of an epoch."""
        n_windows = settings.windows_per_class * len(self.classes)
        return -(-n_windows // settings.batch)

    def batches(
        self, settings: "TrainingSettings", rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Draw an epoch: as many windows of each class, in random order."""
        drawn = as_many_of_each_class(self, settings.windows_per_class, rng)
        for rows in torch.split(drawn, settings.batch):
            yield Batch(self.spikes(rows), self.targets[rows])

    def validation_rows(self, at_most: int, rng: np.random.Generator) -> Tensor:
        """Draw the windows that validate: up to so many of each class."""
        return some_of_each_class(self, at_most, rng)

    def windows(self) -> "Windows":
        """Give the windows themselves; see `Stretches.windows`."""
        return self

    def logits(self, network: nn.Module, rows: Tensor) -> Tensor:
        """Compute the logits of windows, (window, class), without gradients."""
        with torch.no_grad():
            parts = [
                network(self.spikes(some))
                for some in torch.split(rows, PREDICTED_AT_ONCE)
            ]
        return torch.cat(parts)


def as_many_of_each_class(
    windows: Labelled, count: int, rng: np.random.Generator
) -> Tensor:
    """Draw `count` rows of every class present, in random order.

    A class with fewer windows repeats them all equally often.
    """
    drawn = [np.resize(rows, count) for rows in shuffled_classes(windows.targets, rng)]
    return torch.from_numpy(rng.permutation(np.concatenate(drawn)))


def some_of_each_class(
    windows: Labelled, at_most: int, rng: np.random.Generator
) -> Tensor:
    """Draw up to `at_most` rows of every class present, in their order."""
    drawn = [rows[:at_most] for rows in shuffled_classes(windows.targets, rng)]
    return torch.from_numpy(np.sort(np.concatenate(drawn)))


def shuffled_classes(targets: Tensor, rng: np.random.Generator) -> list[np.ndarray]:
    """List the rows of each class present, in random order."""
    known = targets.cpu().numpy()
    return [rng.permutation(np.flatnonzero(known == k)) for k in np.unique(known)]


def load(folder: Path, windows: pd.DataFrame, labels: Sequence[str]) -> Windows:
    """Load the spikes that a table of windows needs.

    Parameters
    ----------
    folder : Path
        Holds `<recording>.h5`, a spike train each.
    windows : DataFrame
        With columns window, recording, start, stop, segment_start, segment_stop and
        label; samples of the prepared signal, which a code represents `delay_s` later.
    labels : sequence of str
        The classes in their order.

    Raises
    ------
    DataError
        Windows differ in length or have an unknown label, segments reach outside their
        recording, or recordings differ in features or rate.
    """
    n_steps = common_length(windows)
    trains = load_trains(folder, list(windows["recording"].unique()))
    check_segments(windows, trains)
    segment = [trains.place(windows, f"segment_{end}") for end in ("start", "stop")]
    leaves = (windows["start"] < windows["segment_start"]) | (
        windows["stop"] > windows["segment_stop"]
    )
    return Windows(
        trains.spikes,
        trains.place(windows, "start"),
        targets_of(windows, labels),
        n_steps,
        trains.dt,
        torch.stack(segment) if leaves.any() else None,
    )


def targets_of(windows: pd.DataFrame, labels: Sequence[str]) -> Tensor:
    """Give each label's place among the classes, (window,), int64."""
    targets = pd.Index(labels).get_indexer(pd.Index(windows["label"]))
    if (targets < 0).any():
        strange = sorted(set(windows["label"][targets < 0]))
        raise DataError(
            "windows.parquet",
            f"it has windows of {', '.join(strange)}",
            expected="one of " + ", ".join(labels),
            remedy="list these classes under the data set's `labels`",
        )
    return torch.from_numpy(targets.astype(np.int64))


def common_length(windows: pd.DataFrame) -> int:
    """Give the length of all windows, samples."""
    lengths = (windows["stop"] - windows["start"]).unique()
    if len(lengths) != 1:
        raise DataError(
            "windows.parquet",
            f"windows of {len(lengths)} lengths, {sorted(map(int, lengths))[:4]}",
            expected="one length in samples for all windows of a data set",
            remedy="correct the data set's `windows`, and run `dvc repro`",
        )
    return int(lengths[0])
