"""Recordings as a device's converter would give them, a segment each."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.device.stimulus import AdcRecording
from pipeline.errors import DataError
from pipeline.front_end.chain import digitise
from pipeline.preparation.segments import segments_of
from pipeline.preparation.signals import SignalSettings
from pipeline.preparation.streaming import Preparation, plan_recording

if TYPE_CHECKING:
    from pipeline.exporting.parts.c_program import Program


def segments(
    program: "Program", recording: str, windows: pd.DataFrame, lag: int
) -> Iterator[AdcRecording]:
    """Read each segment in which windows end, to decide there.

    Parameters
    ----------
    program : Program
    recording : str
    windows : DataFrame
        segment, stop: samples of the prepared signal, rising within a segment.
    lag : int
        Steps that the code lags behind the signal.
    """
    plan = _planned(program, recording)
    for number, own in windows.groupby("segment", sort=True):
        place = int(str(number))
        begin = plan.segments[place] + program.front_end.settling_steps
        ends = [int(stop) - begin for stop in own["stop"]]
        bounds = plan.starts[place], plan.ends[place]
        yield AdcRecording(
            _digitised(program, plan, *bounds),
            [end + lag for end in ends],
            [end + lag for end in program.running.anew(ends)],
        )


def _planned(program: "Program", recording: str) -> Preparation:
    """Open a recording that the front end can read."""
    run = program.trained.cell.run
    folder = files.folder("recordings", run["dataset"])
    raw = files.load_recording(folder / f"{recording}_raw.fif")
    rate, wanted = program.front_end.recorded_sfreq, program.channels
    if raw.info["sfreq"] != rate or not set(wanted) <= set(raw.ch_names):
        raise DataError(
            f"recording {recording}",
            f"it has {', '.join(raw.ch_names)} at {raw.info['sfreq']:g} Hz",
            expected=f"{', '.join(wanted)} at {rate:g} Hz, as the data set's first",
            remedy="export a cell of a data set whose recordings are alike",
        )
    segments = segments_of(used_recordings(run["dataset"]))[recording]
    starts = tuple(segment.start for segment in segments)
    signal = SignalSettings.model_validate(run["settings"]["signal"])
    return plan_recording(raw, signal, starts, where=f"recording {recording}")


def _digitised(
    program: "Program", plan: Preparation, start: int, stop: int
) -> np.ndarray:
    volts = plan.raw.get_data(list(program.channels), start, stop)
    try:
        return digitise(volts)
    except DataError as error:
        where = f"{plan.where}, {error.where}"
        raise DataError(
            where, error.found, expected=error.expected, remedy=error.remedy
        ) from None


def used_recordings(dataset: str) -> pd.DataFrame:
    """Load the table of a data set's recordings that are in use."""
    table = files.load_table(files.folder("recordings", dataset) / "recordings.parquet")
    used: pd.DataFrame = table[table["status"] == "used"]
    return used
