"""An excerpt that a cell decides about, and that shows nobody's signal."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import files, seeds
from pipeline.axes import Precise
from pipeline.decisions.raw import Input, RawDecider
from pipeline.decisions.tested import decided
from pipeline.errors import DataError
from pipeline.preparation.segments import segments_of
from pipeline.preparation.signals import SignalSettings, design
from pipeline.training.cell import TrainedCell

if TYPE_CHECKING:
    from pipeline.preparation.causal import Design

MOST_VALUES = 20_000
"""The most channels × samples of an excerpt, which is kept as text."""
TABLE = "recordings.parquet"
SIMULATORS = "synthetic_"
"""Beginning of the names of sources whose signals are nobody's."""


@dataclass(frozen=True)
class Example:
    """An excerpt and what is known of it.

    Parameters
    ----------
    recorded : array, shape (1, time, channel)
        Volts.
    fold : int
        Whose network decides.
    origin : str
        Where the samples come from.
    truth, tested : str
        The label, and what the network predicted when it was tested; "" if the samples
        are made up.
    """

    recorded: Precise
    fold: int
    origin: str
    truth: str = ""
    tested: str = ""


def recorded_input(cell: TrainedCell) -> Input:
    """Read which channels a cell takes, and at which rate most were recorded.

    Raises
    ------
    DataError
        There are no prepared signals here.
    """
    folder = files.folder("signals", cell.dataset)
    paths = sorted(folder.glob("*.h5"))
    if not paths:
        raise DataError(
            str(folder),
            "there are no prepared signals here",
            expected="those that the cell was trained on",
            remedy=f"run `dvc repro prepare@{cell.dataset}`",
        )
    with files.open_signal(paths[0]) as signal:
        channels = signal.channels
    table = files.load_table(files.folder("recordings", cell.dataset) / TABLE)
    used = table[table["status"] == "used"]
    return Input(channels, float(used["sfreq"].mode().iloc[0]))


def example(decider: RawDecider) -> Example:
    """Choose a decision of a simulated recording, or make samples up.

    Of decisions that a network of the first fold took early in simulated recordings,
    the surest right one is chosen. What patients' recordings hold stays where it is.
    """
    source = str(decider.cell.run["settings"]["source"]["name"])
    chosen = _simulated(decider) if source.startswith(SIMULATORS) else None
    return chosen or _made_up(decider)


def _simulated(decider: RawDecider) -> Example | None:
    """Choose among tested decisions; None if each needs too long an excerpt."""
    cell, takes = decider.cell, decider.takes
    fold = cell.folds[0].number
    lengths = _samples_before(cell, takes)
    most = MOST_VALUES // len(takes.channels)
    early = lengths[lengths <= most]
    tested = decided(cell)
    tested = tested[(tested["fold"] == fold) & tested["window"].isin(early.index)]
    if tested.empty:
        return None
    right = (tested["predicted"] == tested["label"]).to_numpy()
    order = np.lexsort([-tested["probability"].to_numpy(), ~right])
    best = tested.iloc[int(order[0])]
    recording = str(best["recording"])
    path = files.folder("recordings", cell.dataset) / f"{recording}_raw.fif"
    raw = files.load_recording(path)
    stop = int(early[best["window"]])
    volts = raw.get_data(picks=list(takes.channels), stop=stop)
    return Example(
        volts.T[None],
        fold,
        f"the simulated recording {recording}, decision {best['window']}",
        str(best["label"]),
        str(best["predicted"]),
    )


def _samples_before(cell: TrainedCell, takes: Input) -> "pd.Series[int]":
    """Count the recorded samples until each decision, by window.

    Decisions of recordings at another rate, of later segments, and those taken after
    the end of their segment are left out.
    """
    plan = _plan(cell, takes)
    table = files.load_table(files.folder("recordings", cell.dataset) / TABLE)
    alike = table.loc[table["sfreq"] == takes.sfreq, "recording"]
    begins = {name: each[0].start == 0 for name, each in segments_of(table).items()}
    windows = cell.table
    stop = _complete(cell, windows) + _code_lag(cell)
    usable = (
        windows["recording"].isin(alike)
        & windows["recording"].map(begins)
        & (windows["segment"] == 0)
        & (stop <= windows["segment_stop"])
    )
    # The first sample at which so many prepared ones are due: outputs(n) = ⌈n·up/down⌉.
    needed = (stop - 1) * plan.down // plan.up + 1
    return pd.Series(needed.to_numpy(), windows["window"])[usable.to_numpy()]


def _plan(cell: TrainedCell, takes: Input) -> "Design":
    """Design the filters of a cell for the rate at which it takes samples."""
    settings = SignalSettings.model_validate(cell.run["settings"]["signal"])
    return design(settings, takes.sfreq)


def _complete(cell: TrainedCell, windows: pd.DataFrame) -> "pd.Series[int]":
    """Give the steps at which decisions are taken: a stride is to be complete."""
    if cell.network.restarts == "windows":
        return windows["stop"]
    stride, start = cell.folds[0].network.stride, windows["segment_start"]
    return start - (start - windows["stop"]) // stride * stride


def _code_lag(cell: TrainedCell) -> int:
    """Count the steps that the code lags behind the signal."""
    train = next(iter(sorted(cell.spikes.glob("*.h5"))))
    with files.open_spikes(train) as spikes:
        return round(spikes.delay_s / spikes.dt)


def _made_up(decider: RawDecider) -> Example:
    """Draw a random walk: it has something in every band.

    It is long enough for a window and for what the filter and the code lag behind.
    """
    cell, takes = decider.cell, decider.takes
    first = cell.folds[0]
    n_channels, shape = len(takes.channels), first.shape
    lag_s = _plan(cell, takes).delay_s + _code_lag(cell) * shape.dt
    window_s = shape.n_steps * shape.dt
    least_s = max(1.5 * window_s, window_s + lag_s + shape.dt)
    needed = int(np.ceil(least_s * takes.sfreq))
    rng = seeds.generator(0, "example of a served model")
    walk = rng.normal(scale=30e-6, size=(needed, n_channels)).cumsum(axis=0)
    return Example(walk[None], first.number, "a random walk, made up from a seed")
