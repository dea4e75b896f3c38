"""Windows of packed spike trains, cut into batches when they are asked for.

The trains of a data set's recordings lie one after the other, a byte a step and
feature; a window is only its first step there. So overlapping windows cost nothing,
and a batch is one gather.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline import files
from pipeline.errors import DataError
from pipeline.spikes import Spikes, unpack


@dataclass(frozen=True)
class Windows:
    """Labelled windows of equal length.

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
    """

    trains: Tensor
    first: Tensor
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

    def spikes(self, rows: Tensor) -> Tensor:
        """Cut windows out: shape (time, batch, feature), float32 of 0 and 1."""
        step = torch.arange(self.n_steps, device=self.first.device)
        steps = self.first[rows] + step.unsqueeze(1)
        return self.trains[steps].float()

    def to(self, device: torch.device) -> "Windows":
        """Move everything to a device."""
        return Windows(
            self.trains.to(device),
            self.first.to(device),
            self.targets.to(device),
            self.n_steps,
            self.dt,
        )


def load(folder: Path, windows: pd.DataFrame, labels: Sequence[str]) -> Windows:
    """Load the spikes that a table of windows needs.

    Parameters
    ----------
    folder : Path
        Holds `<recording>.h5`, a spike train each.
    windows : DataFrame
        With columns window, recording, start, stop and label; `start` and `stop` are
        samples of the prepared signal, which a code speaks of `delay_s` later.
    labels : sequence of str
        The classes in their order.

    Raises
    ------
    DataError
        Windows differ in length, reach outside their recording or have an unknown
        label, or recordings differ in features or rate.
    """
    names = sorted(windows["recording"].unique())
    trains = {name: files.load_spikes(folder / f"{name}.h5") for name in names}
    _check_alike(folder, trains)
    n_steps = _common_length(windows)
    _check_inside(windows, trains)
    padded = [_padded(train) for train in trains.values()]
    ends = np.cumsum([0, *(len(steps) for steps in padded)])
    offsets = {
        name: int(end) + _shift(train)
        for (name, train), end in zip(trains.items(), ends[:-1], strict=True)
    }
    first = windows["start"] + windows["recording"].map(offsets)
    return Windows(
        torch.from_numpy(np.concatenate(padded)),
        torch.from_numpy(first.to_numpy(np.int64)),
        torch.from_numpy(_targets(windows, labels)),
        n_steps,
        next(iter(trains.values())).dt,
    )


def _shift(train: Spikes) -> int:
    """Count the steps that the code lags behind the signal."""
    return round(train.delay_s / train.dt)


def _padded(train: Spikes) -> np.ndarray:
    """Unpack to (step, feature), with silence for what the code had yet to say."""
    bits = unpack(train).T.astype(np.uint8)
    return np.pad(bits, ((0, _shift(train)), (0, 0)))


def _targets(windows: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    targets = pd.Index(labels).get_indexer(pd.Index(windows["label"]))
    if (targets < 0).any():
        strange = sorted(set(windows["label"][targets < 0]))
        raise DataError(
            "windows.parquet",
            f"it has windows of {', '.join(strange)}",
            expected="one of " + ", ".join(labels),
            remedy="list these classes under the data set's `labels`",
        )
    return targets.astype(np.int64)


def _common_length(windows: pd.DataFrame) -> int:
    lengths = (windows["stop"] - windows["start"]).unique()
    if len(lengths) != 1:
        raise DataError(
            "windows.parquet",
            f"windows of {len(lengths)} lengths, {sorted(map(int, lengths))[:4]}",
            expected="one length in samples for all windows of a data set",
            remedy="correct the data set's `windows`, and run `dvc repro`",
        )
    return int(lengths[0])


def _check_alike(folder: Path, trains: Mapping[str, Spikes]) -> None:
    """Refuse recordings that cannot go into one network."""
    kinds = {
        (train.features, train.dt, train.delay_s): name
        for name, train in trains.items()
    }
    if len(kinds) > 1:
        (one, first), (other, second) = list(kinds.items())[:2]
        raise DataError(
            str(folder),
            f"{first} has {len(one[0])} features at {one[1]} s, "
            f"{second} has {len(other[0])} at {other[1]} s",
            expected="the same features, dt and delay_s in every recording",
            remedy="choose channels and sfreq under the data set's `signal`",
        )


def _check_inside(windows: pd.DataFrame, trains: Mapping[str, Spikes]) -> None:
    ends = windows["recording"].map({k: v.n_steps for k, v in trains.items()})
    outside = windows[(windows["start"] < 0) | (windows["stop"] > ends)]
    if len(outside):
        bad = outside.iloc[0]
        raise DataError(
            f"windows.parquet: window {bad['window']} of {bad['recording']}",
            f"it goes from sample {bad['start']} to {bad['stop']}",
            expected=f"samples within 0 and {trains[bad['recording']].n_steps}",
            remedy="run `dvc repro`, which runs the stages `prepare` and `encode` anew",
        )
