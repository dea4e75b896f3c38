"""Measure a cell outside the chain: its program on processors, this machine's meters.

What depends on the machine goes into `data/measured` alone, which no stage depends on:
measuring makes nothing stale.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, f1_score

from pipeline import files, tracking
from pipeline.device.emulation import PROCESSORS, emulate
from pipeline.device.expected import Said, expected
from pipeline.device.meter_log import import_log
from pipeline.device.stimulus import AdcRecording, Stimulus
from pipeline.errors import PipelineError
from pipeline.exporting import Trained, load_trained
from pipeline.exporting._c_program import (
    Program,
    fold_stimulus,
    load_program,
    stratified,
    window_spikes,
)
from pipeline.exporting._recordings import read_codes
from pipeline.exporting.c import write_program
from pipeline.profiling import measured
from pipeline.profiling.cost_tables import instruction_energy, tables_for
from pipeline.profiling.duty import duty, windows_per_second
from pipeline.profiling.measuring import latency, meters
from pipeline.profiling.profile import ProfilingSettings
from pipeline.report.page import refresh
from pipeline.training import batches

EMULATED_WINDOWS = 200
"""Windows that run on emulated processors, at least; as many of each class."""

STRETCH_S = 10.0
"""Seconds of raw samples that the front end is counted on."""


@dataclass(frozen=True)
class Log:
    """An external meter's log, and the windows of each interval marked in it."""

    path: Path
    windows: int


def measure_cell(
    cell: str, fold: int | None, settings: ProfilingSettings, log: Log | None = None
) -> dict[str, Any]:
    """Measure one fold's network, and add it to what was measured of the run.

    Its C program runs on this host, from raw samples, over the whole test fold, and on
    emulated processors over a sample; the network runs by the meters that there are.

    Parameters
    ----------
    cell : str
    fold : int, optional
        The first one's unless said otherwise.
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
    trained = load_trained(cell, fold)
    imported = {}
    if log:
        imported["imported"] = import_log(log.path, windows=log.windows)
    windows = _windows(trained)
    here = measured.add(
        cell,
        trained.run["run_key"],
        {
            **imported,
            **latency(trained.network, windows, settings),
            "meters": meters(trained.network, windows, settings),
            "emulated": emulated(trained),
        },
    )
    # MLflow keeps it beside the bill, which the profile stage may yet have to make.
    billed = (files.folder("energy", cell) / "energy.json").exists()
    tracking.publish(cell, "runs", *(("energy",) if billed else ()))
    refresh()
    return here


def emulated(trained: Trained) -> dict[str, Any]:
    """Run the cell's program, or say why there is none."""
    try:
        program = load_program(trained)
        return _emulated(program)
    except PipelineError as error:
        return {"absent": f"{error.where}: {error.found}"}


def _emulated(program: Program) -> dict[str, Any]:
    """Run a program on the whole fold here, and on a sample elsewhere."""
    whole, labels = fold_stimulus(program)
    chosen = stratified(program, EMULATED_WINDOWS)
    some = _sample(program, chosen)
    truths = [expected(program.network, each, program.encode) for each in (whole, some)]
    with tempfile.TemporaryDirectory(prefix="biospike-") as parent:
        write_program(program, Path(parent), "")
        told = emulate(Path(parent), host=(whole, truths[0]), device=(some, truths[1]))
    for processor in PROCESSORS:
        there = told[processor.name]
        if "absent" not in there:
            spent = np.array(there.pop("instructions"), float)
            there |= weighted(spent, chosen["label"], program.test["label"])
            there |= bill(program, there, processor.name)
    if "absent" not in told["host"]:
        told["host"] |= accuracy(truths[0], labels, program)
    return {"fold": program.trained.fold, **told}


def _sample(program: Program, chosen: pd.DataFrame) -> Stimulus:
    """Take windows' spikes, and the start of a recording for the front end."""
    codes = read_codes(program, str(chosen["recording"].iloc[0]), STRETCH_S)
    spikes = window_spikes(program, chosen)
    n_channels = len(program.channels)
    return Stimulus(program.shape, n_channels, spikes, (AdcRecording(codes),))


def weighted(
    spent: np.ndarray, sampled: pd.Series, windows: pd.Series
) -> dict[str, float]:
    """Average over windows as often as their classes occur.

    The sample has as many of each class; the mean counts a class by its share of all
    test windows.

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
    """Turn instructions into those of a second, and into joules if a cost is known."""
    dataset = program.trained.run["dataset"]
    table = files.load_table(files.folder("windows", dataset) / "windows.parquet")
    rate = windows_per_second(table)
    window = there["instructions_per_window"]
    always_on = there["front_end_instructions_per_sample"]
    always_on *= program.front_end.recorded_sfreq
    counted = {
        "front_end_instructions_per_second": always_on,
        "instructions_per_second": always_on + window * rate,
    }
    if processor not in tables_for("instructions"):
        return counted
    joules = instruction_energy(processor)
    return {
        **counted,
        "energy_uj_per_window": window * joules * 1e6,
        "energy_uj_per_second": counted["instructions_per_second"] * joules * 1e6,
        "duty": duty(window * joules, always_on * joules, rate),
    }


def accuracy(said: Said, labels: Sequence[str], program: Program) -> dict[str, float]:
    """Judge the decisions of the whole fold, from raw samples to classes."""
    names = np.array(program.trained.run["labels"])
    decided = names[said.decisions.argmax(1)]
    return {
        "balanced_accuracy": float(balanced_accuracy_score(labels, decided)),
        "macro_f1": float(f1_score(labels, decided, average="macro")),
    }


def _windows(trained: Trained) -> batches.Windows:
    """Load the fold's first test window."""
    run = trained.run
    folder = files.folder("windows", run["dataset"])
    tested = files.load_table(trained.folder / "predictions.parquet")
    first = tested.loc[tested["fold"] == trained.fold, ["window"]].head(1)
    table = first.merge(files.load_table(folder / "windows.parquet"), on="window")
    spikes = files.folder("spikes", f"{run['dataset']}-{run['encoder']}")
    return batches.load(spikes, table, run["labels"])
