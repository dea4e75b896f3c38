"""The spike trains of a data set's recordings, one after the other, a byte a step."""

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
class Trains:
    """The spike trains of some recordings, one after the other.

    Parameters
    ----------
    spikes : Tensor, shape (step, feature), uint8
    starts, stops : Series
        Where each recording's samples begin in them and end.
    dt : float
        Seconds a step.
    """

    spikes: Tensor
    starts: "pd.Series[int]"
    stops: "pd.Series[int]"
    dt: float

    def place(self, windows: pd.DataFrame, column: str) -> Tensor:
        """Find samples of the prepared signals, (window,), int64."""
        steps = windows[column] + windows["recording"].map(self.starts)
        return torch.from_numpy(steps.to_numpy(np.int64))


def load_trains(folder: Path, recordings: Sequence[str]) -> Trains:
    """Load spike trains, `<recording>.h5` each.

    Raises
    ------
    DataError
        Recordings differ in features or rate.
    """
    trains = {name: files.load_spikes(folder / f"{name}.h5") for name in recordings}
    _check_alike(folder, trains)
    padded = [_padded(train) for train in trains.values()]
    ends = np.cumsum([0, *(len(steps) for steps in padded)])
    first = next(iter(trains.values()))
    return Trains(
        torch.from_numpy(np.concatenate(padded)),
        pd.Series(ends[:-1] + _shift(first), list(trains)),
        pd.Series(ends[1:], list(trains)),
        first.dt,
    )


def gathered(trains: Tensor, steps: Tensor, inside: Tensor) -> Tensor:
    """Read steps (time, batch) of trains as float32; those not inside are silent."""
    spikes = trains[steps.clamp(0, len(trains) - 1)]
    return spikes.mul_(inside.unsqueeze(2)).float()


def _shift(train: Spikes) -> int:
    """Count the steps that the code lags behind the signal."""
    return round(train.delay_s / train.dt)


def _padded(train: Spikes) -> np.ndarray:
    """Unpack to (step, feature), with silence before the code has output."""
    bits = unpack(train).T.astype(np.uint8)
    return np.pad(bits, ((0, _shift(train)), (0, 0)))


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


def check_segments(windows: pd.DataFrame, trains: Trains) -> None:
    """Refuse segments that reach outside the spikes of their recording."""
    ends = windows["recording"].map(trains.stops).to_numpy()
    stop = trains.place(windows, "segment_stop").numpy()
    outside = windows[(windows["segment_start"] < 0) | (stop > ends)]
    if len(outside):
        bad = outside.iloc[0]
        raise DataError(
            f"windows.parquet: window {bad['window']} of {bad['recording']}",
            f"its segment goes from sample {bad['segment_start']} to "
            f"{bad['segment_stop']}, beyond the spikes",
            expected="segments within the recording's spikes",
            remedy="run `dvc repro`, which runs the stages `prepare` and `encode` anew",
        )
