"""Measure a cell outside the chain: its program on processors, this machine's meters.

Results that depend on the machine go into `data/measured` alone, on which no stage
depends: measuring makes nothing stale.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, f1_score

from pipeline.device.expected import Results, expected
from pipeline.device.stimulus import AdcRecording
from pipeline.errors import ConfigError, PipelineError
from pipeline.exporting.c import write_program
from pipeline.exporting.parts.c_program import (
    Program,
    fold_stimulus,
    load_program,
    stratified,
    window_spikes,
)
from pipeline.measurement import measured
from pipeline.measurement.emulation import PROCESSORS, emulate
from pipeline.measurement.latency import latency
from pipeline.measurement.meter_log import import_log
from pipeline.measurement.metering import meters
from pipeline.profiling.cost_tables import instruction_energy, tables_for
from pipeline.profiling.duty import duty, windows_per_second
from pipeline.profiling.profile import ProfilingSettings
from pipeline.training.batches import Windows
from pipeline.training.cell import TrainedCell, TrainedFold

EMULATED_WINDOWS = 200
"""Windows that run on emulated processors, at least; as many of each class."""

EMULATED_SAMPLES = 1 << 19
"""Samples of all channels of a recording that an emulated processor gets, at most: half
of its flash."""


@dataclass(frozen=True)
class Log:
    """An external meter's log, and the windows of each interval marked in it."""

    path: Path
    windows: int


def asked_log(path: Path | None, windows: int | None, n_cells: int) -> Log | None:
    """Give the log that is to be imported, if any.

    Raises
    ------
    ConfigError
        It is for several cells, or the number of windows is without it, or it without.
    """
    if path and n_cells > 1:
        raise ConfigError(
            "biospike measure",
            "one --meter-log for several cells",
            expected="one cell",
            remedy="measure the cells one after the other, each with its own log",
        )
    if bool(path) != bool(windows):
        raise ConfigError(
            "biospike measure",
            "one of --meter-log and --windows without the other",
            expected="the log, and how many windows ran in each interval marked in it",
            remedy="give both: --meter-log FILE --windows NUMBER",
        )
    return Log(path, windows) if path and windows else None


def measure_cell(
    cell: str, fold: int | None, settings: ProfilingSettings, log: Log | None = None
) -> dict[str, Any]:
    """Measure one fold's network, and add the results to the run's measurements.

    Its C program runs on this host, from raw samples, over the full test fold, and on
    emulated processors over a sample; every available meter measures the network.

    Parameters
    ----------
    cell : str
    fold : int, optional
        Default: the first fold.
    settings : ProfilingSettings
    log : Log, optional
        To be imported.

    Returns
    -------
    measured : dict
        As it stands in the file.

    Raises
    ------
    PipelineError
        The cell has no trained network, or the log cannot be read.
    """
    trained = TrainedCell.open(cell).fold(fold)
    imported = {}
    if log:
        imported["imported"] = import_log(log.path, windows=log.windows)
    windows = _first_window(trained)
    return measured.add(
        cell,
        trained.cell.run["run_key"],
        {
            **imported,
            **latency(trained.network, windows, settings),
            "meters": meters(trained.network, windows, settings),
            "emulated": emulated(trained),
        },
    )


def emulated(trained: TrainedFold) -> dict[str, Any]:
    """Run the cell's program, or give the reason why there is none."""
    try:
        program = load_program(trained)
        return _emulated(program)
    except PipelineError as error:
        return {"absent": f"{error.where}: {error.found}"}


def _emulated(program: Program) -> dict[str, Any]:
    """Run a program on the complete fold here, and on a sample elsewhere."""
    full, labels = fold_stimulus(program)
    chosen = stratified(program, EMULATED_WINDOWS)
    a_sample = 1 / (program.front_end.recorded_sfreq * program.shape.dt)
    most = EMULATED_SAMPLES // full.n_channels
    some = replace(
        full,
        windows=window_spikes(program, chosen),
        recordings=[
            excerpt(one, most, a_sample, program.front_end.settling_steps)
            for one in full.recordings[:1]
        ],
    )
    truths = [
        expected(program.network, each, program.encode, program.running)
        for each in (full, some)
    ]
    with tempfile.TemporaryDirectory(prefix="biospike-") as parent:
        write_program(program, Path(parent), "")
        measurements = emulate(
            Path(parent), host=(full, truths[0]), device=(some, truths[1])
        )
    for processor in PROCESSORS:
        there = measurements[processor.name]
        if "absent" not in there:
            spent = np.array(there.pop("instructions"), float)
            there |= weighted(spent, chosen["label"], program.test["label"])
            there |= bill(program, there, processor.name)
    if "absent" not in measurements["host"]:
        measurements["host"] |= accuracy(truths[0], labels, program)
    return {"fold": program.trained.number, **measurements}


def excerpt(
    recording: AdcRecording, n_samples: int, steps: float, left_out: int
) -> AdcRecording:
    """Cut a recording after so many samples.

    Parameters
    ----------
    recording : AdcRecording
    n_samples : int
    steps : float
        Of each sample.
    left_out : int
        The first steps, which are none of the network's.
    """
    n_steps = int(min(n_samples, recording.samples.shape[1]) * steps) - left_out
    return AdcRecording(
        recording.samples[:, :n_samples],
        [step for step in recording.decisions if step <= n_steps],
        [step for step in recording.anew if step <= n_steps],
    )


def weighted(
    spent: np.ndarray, sampled: pd.Series, windows: pd.Series
) -> dict[str, float]:
    """Average over windows, weighted by the frequency of their classes.

    The sample has equally many windows of each class; the mean weighs a class by its
    share of all test windows.

    Parameters
    ----------
    spent : array, shape (sampled,)
        Instructions of each sampled window.
    sampled, windows : Series
        Labels of the sample, and of all test windows.
    """
    means = pd.Series(spent).groupby(sampled.to_numpy()).mean()
    shares = windows.value_counts(normalize=True)
    return {"instructions_per_window": float((means * shares).sum())}


def bill(program: Program, there: dict[str, Any], processor: str) -> dict[str, Any]:
    """Turn instructions into those of a second, and into joules if a cost is known.

    Of a network that runs on, `running` has the bill of that, beside the bill of the
    same network, had it restarted for every decision.
    """
    rate = windows_per_second(program.trained.cell.table)
    front_end = there["front_end_instructions_per_sample"]
    front_end *= program.front_end.recorded_sfreq
    known = processor in tables_for("instructions")
    joules = instruction_energy(processor) if known else None
    window = there["instructions_per_window"]
    found = {"front_end_instructions_per_second": front_end}
    found |= _of_a_second(front_end, window, rate, joules)
    if joules:
        found["energy_uj_per_window"] = window * joules * 1e6
    decision = there["instructions_per_decision"]
    if program.running.restarts or decision is None:
        return found
    network = there["network_instructions_per_step"] / program.shape.dt
    return found | {
        "running": {
            "network_instructions_per_second": network,
            **_of_a_second(front_end + network, decision, rate, joules),
        }
    }


def _of_a_second(
    always_on: float, decision: float, rate: float, joules: float | None
) -> dict[str, Any]:
    """Bill a second: what runs all the time, and so many decisions."""
    second = always_on + decision * rate
    if joules is None:
        return {"instructions_per_second": second}
    return {
        "instructions_per_second": second,
        "energy_uj_per_second": second * joules * 1e6,
        "duty": duty(decision * joules, always_on * joules, rate),
    }


def accuracy(
    results: Results, labels: Sequence[str], program: Program
) -> dict[str, float]:
    """Judge the decisions of the complete fold, from raw samples to classes."""
    names = np.array(program.trained.cell.labels)
    predicted = names[results.decisions.argmax(1)]
    return {
        "balanced_accuracy": float(balanced_accuracy_score(labels, predicted)),
        "macro_f1": float(f1_score(labels, predicted, average="macro")),
    }


def _first_window(trained: TrainedFold) -> Windows:
    """Load the fold's first test window."""
    return trained.load(trained.decisions("test").head(1))
