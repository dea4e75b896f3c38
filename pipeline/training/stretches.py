"""Stretches of recordings through which a network runs on, and its decisions there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.errors import DataError
from pipeline.networks.parts.heads import At
from pipeline.networks.parts.stack import Stack
from pipeline.training.batches import Batch, Windows, common_length, targets_of
from pipeline.training.memory import Memory, in_stretches
from pipeline.training.segments import Segments
from pipeline.training.trains import check_segments, gathered, load_trains

if TYPE_CHECKING:
    from pipeline.training.settings import TrainingSettings

STEPS_AT_ONCE = 1 << 17
"""Steps of all trains together that a running network is given at once."""
TRAINS_AT_ONCE = 32
ALIKE = 0.8
"""Stretches run side by side if the shortest has this share of the longest's steps."""


class Run(NamedTuple):
    """Stretches that a network passes side by side.

    Parameters
    ----------
    chosen : Tensor, shape (batch,)
        The stretches.
    rows : Tensor, shape (decision,)
        Their decisions.
    at : At
        Where in the batch these are taken.
    pieces : iterator of Tensor, shape (time, batch, feature), float32
        The spikes, piece by piece, each of a multiple of the network's stride.
    """

    chosen: Tensor
    rows: Tensor
    at: At
    pieces: Iterator[Tensor]


@dataclass(frozen=True)
class Stretches:
    """Spike trains through which a network runs on, and the decisions it takes there.

    Parameters
    ----------
    trains : Tensor, shape (step, feature), uint8
        The spikes of all recordings, one after the other.
    first, length : Tensor, shape (stretch,), int64
        Where each stretch begins in `trains`, and its steps; after them is silence.
    stretch, step : Tensor, shape (decision,), int64
        Where each decision is taken: in which stretch, and after how many of its steps.
    targets : Tensor, shape (decision,), int64
        Each decision's label, as its place among the labels.
    n_steps : int
        Steps that a label describes, which a network sees that starts anew for it.
    dt : float
        Seconds a step.
    """

    trains: Tensor
    first: Tensor
    length: Tensor
    stretch: Tensor
    step: Tensor
    targets: Tensor
    n_steps: int
    dt: float

    @property
    def n_features(self) -> int:
        """Rows of the spike trains."""
        return self.trains.shape[1]

    @property
    def classes(self) -> list[int]:
        """Labels that occur, sorted, as places among the labels."""
        return sorted(set(self.targets.tolist()))

    def to(self, device: torch.device) -> "Stretches":
        """Move everything to a device."""
        return replace(
            self,
            trains=self.trains.to(device),
            first=self.first.to(device),
            length=self.length.to(device),
            stretch=self.stretch.to(device),
            step=self.step.to(device),
            targets=self.targets.to(device),
        )

    def only(self, rows: Tensor) -> "Stretches":
        """Give some of the decisions."""
        return replace(
            self,
            stretch=self.stretch[rows],
            step=self.step[rows],
            targets=self.targets[rows],
        )

    def n_batches(self, settings: "TrainingSettings") -> int:
        """Count the batches of an epoch."""
        return Segments.of(self, settings).n_batches(settings)

    def batches(
        self, settings: "TrainingSettings", rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Draw an epoch of training segments; see `segments`."""
        return Segments.of(self, settings).batches(settings, rng)

    def validation_rows(self, at_most: int, rng: np.random.Generator) -> Tensor:
        """List the validation decisions: all, since the network passes them anyway."""
        return torch.arange(len(self.targets), device=self.targets.device)

    def logits(self, network: Stack, rows: Tensor) -> Tensor:
        """Run once through all stretches; gives logits, (decision, class)."""
        found: list[Tensor] = []
        order: list[Tensor] = []
        with torch.no_grad():
            for run in self.runs(network.stride):
                found.append(network.decide(run.pieces, run.at))
                order.append(run.rows)
        place = torch.cat(order).argsort()
        return torch.cat(found)[place][rows]

    def windows(self) -> Windows:
        """Give the interval of each label alone, silent outside of its stretch."""
        first, length = self.first[self.stretch], self.length[self.stretch]
        segment = torch.stack([first, first + length])
        start = first + self.step - self.n_steps
        return Windows(self.trains, start, self.targets, self.n_steps, self.dt, segment)

    def runs(self, stride: int) -> Iterator[Run]:
        """Go through all stretches with decisions, some side by side."""
        n_steps = torch.zeros_like(self.length)
        n_steps.scatter_reduce_(0, self.stretch, self.step, "amax")
        for chosen in _side_by_side(n_steps):
            place = torch.full_like(self.length, -1)
            place[chosen] = torch.arange(len(chosen), device=place.device)
            rows = torch.nonzero(place[self.stretch] >= 0).flatten()
            at = At(place[self.stretch[rows]], self.step[rows])
            longest = int(n_steps[chosen].max())
            yield Run(chosen, rows, at, self._pieces(chosen, longest, stride))

    def _pieces(self, chosen: Tensor, n_steps: int, stride: int) -> Iterator[Tensor]:
        size = max(STEPS_AT_ONCE // len(chosen) // stride, 1) * stride
        zeros = torch.zeros_like(chosen)
        total = -(-n_steps // stride) * stride
        for start in range(0, total, size):
            length = min(size, total - start)
            yield self.cut(chosen, zeros + start, length)

    def cut(self, chosen: Tensor, begin: Tensor, n_steps: int) -> Tensor:
        """Cut a piece out of each stretch: (time, batch, feature), float32.

        Parameters
        ----------
        chosen : Tensor, shape (batch,)
            Stretches.
        begin : Tensor, shape (batch,)
            The first step in each.
        n_steps : int
        """
        step = torch.arange(n_steps, device=begin.device).unsqueeze(1) + begin
        steps = self.first[chosen] + step
        return gathered(self.trains, steps, step < self.length[chosen])


def _side_by_side(n_steps: Tensor) -> Iterator[Tensor]:
    """Group stretches of about as many steps; those without any are left out."""
    order = torch.argsort(n_steps, stable=True)
    order = order[n_steps[order] > 0]
    start = 0
    while start < len(order):
        longest = n_steps[order[start]] / ALIKE
        alike = int((n_steps[order[start:]] <= longest).sum())
        stop = start + min(alike, TRAINS_AT_ONCE)
        yield order[start:stop]
        start = stop


def load(
    folder: Path, fold: pd.DataFrame, role: str, labels: Sequence[str], memory: Memory
) -> Stretches:
    """Load the spikes that a fold's decisions of a role need.

    Parameters
    ----------
    folder : Path
        Holds `<recording>.h5`, a spike train each.
    fold : DataFrame
        A fold's windows of all roles, as `batches.load` takes them, with the columns
        role, segment and block; the stretches' decisions come in the order of its rows.
    role : str
    labels : sequence of str
        The classes in their order.
    memory : Memory

    Raises
    ------
    DataError
        As for `batches.load`, or a decision lies before its segment.
    """
    n_steps = common_length(fold)
    names = list(fold.loc[fold["role"] == role, "recording"].unique())
    trains = load_trains(folder, names)
    limit = (
        None if memory.limit_s is None else max(1, round(memory.limit_s / trains.dt))
    )
    table = in_stretches(fold, blocks=memory.blocks, limit=limit)
    table = table[table["role"] == role]
    check_segments(table, trains)
    each = table.drop_duplicates("stretch").sort_values("stretch")
    number = pd.Index(each["stretch"]).get_indexer(pd.Index(table["stretch"]))
    first = trains.place(each, "stretch_start")
    step = table["stop"] - table["stretch_start"]
    _check_begun(table, step)
    return Stretches(
        trains.spikes,
        first,
        trains.place(each, "stretch_stop") - first,
        torch.from_numpy(number.astype(np.int64)),
        torch.from_numpy(step.to_numpy(np.int64)),
        targets_of(table, labels),
        n_steps,
        trains.dt,
    )


def _check_begun(table: pd.DataFrame, step: "pd.Series[int]") -> None:
    """Refuse decisions before the first step of their segment."""
    early = table[step < 1]
    if len(early):
        bad = early.iloc[0]
        raise DataError(
            f"windows.parquet: window {bad['window']} of {bad['recording']}",
            f"it ends at sample {bad['stop']}, where its segment has not begun "
            f"(sample {bad['segment_start']})",
            expected="decisions after the first sample of their segment",
            remedy="run `dvc repro`, which runs the stage `prepare` anew",
        )
