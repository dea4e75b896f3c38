"""The parts of a program in C, loaded from a cell's files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pipeline import files, seeds
from pipeline.device.running import RESTARTS, RUNS_ON, Running
from pipeline.device.stimulus import AdcRecording, Stimulus, packed
from pipeline.errors import DataError, PipelineError
from pipeline.exporting.parts.recordings import segments, used_recordings
from pipeline.front_end.chain import (
    FrontEnd,
    design_front_end,
    digitise,
    saturations,
)
from pipeline.networks.base import Shape
from pipeline.preparation.signals import SignalSettings
from pipeline.quantization.network import IntegerNetwork
from pipeline.training.cell import TrainedCell, TrainedFold

SAMPLE_WINDOWS = 16
"""Random windows in the test of an exported program."""


@dataclass(frozen=True)
class Program:
    """A cell's network in integers, and its front end.

    Parameters
    ----------
    trained : TrainedFold
    network : IntegerNetwork
    front_end : FrontEnd
    channels : tuple of str
        Of the recordings, in their order.
    test : DataFrame
        The fold's test windows.
    running : Running
        As the network was trained and tested.
    """

    trained: TrainedFold
    network: IntegerNetwork
    front_end: FrontEnd
    channels: tuple[str, ...]
    test: pd.DataFrame
    running: Running

    @property
    def shape(self) -> Shape:
        """The network's windows."""
        return self.trained.shape

    def encode(self, samples: np.ndarray) -> tuple[np.ndarray, int]:
        """Map samples (channel, time) to spikes (step, feature) and saturations.

        The steps in which the front end settles are left out.
        """
        spikes, memory = self.front_end.encode(samples)
        return spikes.T[self.front_end.settling_steps :], saturations(memory)


def load_program(trained: TrainedFold) -> Program:
    """Load the parts of a program in C.

    Raises
    ------
    PipelineError
        The fold has no network in integers, its front end has no integer form, or the
        network restarts where no device could.
    """
    network = _integer_network(trained)
    cell = trained.cell
    signal = SignalSettings.model_validate(cell.run["settings"]["signal"])
    rate, channels = _recorded(cell.dataset, used_recordings(cell.dataset), signal)
    front_end = design_front_end(signal, cell.encoder, rate, channels)
    return Program(
        trained,
        network,
        front_end,
        channels,
        trained.decisions("test"),
        running_of(trained),
    )


def running_of(trained: TrainedFold) -> Running:
    """Find how a fold's network goes from decision to decision.

    Raises
    ------
    PipelineError
        It restarts at labelled blocks, or remembers less than a window.
    """
    cell, shape = trained.cell, trained.shape
    if cell.network.restarts == "windows":
        return RESTARTS
    where = f"C export of {cell.name}"
    if cell.network.restarts == "blocks":
        raise PipelineError(
            where,
            "it starts anew at labelled blocks, and no device knows these",
            expected="a network that runs on, or restarts for every decision",
            remedy="restart: never, or windows",
        )
    if cell.memory_s is None:
        return RUNS_ON
    memory = max(1, round(cell.memory_s / shape.dt))
    if memory < shape.n_steps:
        raise PipelineError(
            where,
            f"it may remember {cell.memory_s:g} s, less than a window of "
            f"{shape.n_steps * shape.dt:g} s",
            expected="at least a window",
            remedy="a longer memory_s, or restart: windows",
        )
    return Running(memory=memory)


def matched_ann(trained: TrainedFold) -> TrainedFold | None:
    """Find the network of rectified units that matches a spiking cell.

    It is a cell of the same data set, encoder and fold with hidden layers; one with the
    same network settings before others, and of these one that was pruned alike.
    """
    mine = trained.cell.run
    if _neuron(mine) == "relu":
        return None
    candidates = []
    for path in sorted((files.DATA / "runs").glob("*/run.json")):
        run = files.load_json(path)
        alike = all(run.get(k) == mine[k] for k in ("dataset", "encoder"))
        folds = [line["fold"] for line in run.get("folds", ())]
        if alike and trained.number in folds and _neuron(run) == "relu":
            differs = [
                run["settings"].get(part) != mine["settings"].get(part)
                for part in ("network", "sparsity")
            ]
            candidates.append((*differs, path.parent.name))
    for *_, name in sorted(candidates):
        matched = TrainedCell.open(name).fold(trained.number)
        if len(getattr(matched.network, "layers", ())):
            return matched
    return None


def sample(program: Program) -> Stimulus:
    """Draw random windows of spikes and a stretch of samples, from a seed.

    An exported folder goes to others: it holds no patient's signal.
    """
    shape, rng = program.shape, seeds.generator(0, "sample of an exported program")
    rates = np.linspace(0, 0.5, SAMPLE_WINDOWS)[:, None, None]
    spikes = rng.random((SAMPLE_WINDOWS, shape.n_steps, shape.n_features)) < rates
    n_channels, sfreq = len(program.channels), program.front_end.recorded_sfreq
    n_steps = 1.5 * shape.n_steps + program.front_end.settling_steps
    n_samples = int(np.ceil(n_steps * shape.dt * sfreq))
    # A random walk of up to about a millivolt has something in every band.
    walk = rng.normal(scale=30e-6, size=(n_channels, n_samples)).cumsum(axis=1)
    n = shape.n_steps
    decisions = (n // 2, n, n + n // 4)
    anew = (n,) if program.running.memory else ()
    recording = AdcRecording(digitise(walk), decisions, anew)
    return Stimulus(shape, n_channels, packed(spikes), (recording,))


def fold_stimulus(program: Program) -> tuple[Stimulus, list[str]]:
    """Take all recordings of a fold's test windows, to decide at every window's end.

    The front end starts anew in every segment, so each stands for a recording. Windows
    that end after their segment are left out: no more samples come.

    Returns
    -------
    stimulus : Stimulus
    labels : list of str
        Of the windows, in the order of the decisions.
    """
    lag, test = _lag(program), program.test
    sampled = test[test["stop"] + lag <= test["segment_stop"]]
    test = sampled.sort_values(["recording", "segment", "stop"])
    recordings = [
        segment
        for name, table in test.groupby("recording", sort=True)
        for segment in segments(program, str(name), table, lag)
    ]
    none = window_spikes(program, test.iloc[:0])
    stimulus = Stimulus(program.shape, len(program.channels), none, recordings)
    return stimulus, test["label"].tolist()


def stratified(program: Program, n_windows: int) -> pd.DataFrame:
    """Choose so many test windows, or all of them: equally many of each class.

    Where a class has fewer, windows of the others fill up.
    """
    test = program.test
    by_class = test.groupby("label", sort=True).window
    each = -(-n_windows // by_class.ngroups)
    chosen = set(by_class.apply(partial(_evenly, n=each)).explode())
    rest = test["window"][~test["window"].isin(chosen)]
    chosen |= set(_evenly(rest, n=max(0, n_windows - len(chosen))))
    rows: pd.DataFrame = test[test["window"].isin(chosen)]
    return rows


def window_spikes(program: Program, table: pd.DataFrame) -> np.ndarray:
    """Cut the encoder's packed spikes of windows: (window, step, byte), uint8."""
    import torch

    shape = program.shape
    if table.empty:
        return np.empty((0, shape.n_steps, -(-shape.n_features // 8)), np.uint8)
    windows = program.trained.load(table)
    spikes = windows.spikes(torch.arange(len(table)))
    return packed(spikes.numpy().swapaxes(0, 1))


def _lag(program: Program) -> int:
    """Count the steps that the code lags behind the signal."""
    delay_s: float = program.trained.cell.encoder.delay_s(program.front_end.sfreq)
    return round(delay_s * program.front_end.sfreq)


def _evenly(windows: pd.Series, *, n: int) -> list[int]:
    places = np.linspace(0, len(windows) - 1, min(n, len(windows))).round().astype(int)
    return [int(window) for window in windows.iloc[places]]


def _neuron(run: Mapping[str, Any]) -> str:
    return str(run.get("settings", {}).get("neuron", {}).get("name", ""))


def _integer_network(trained: TrainedFold) -> IntegerNetwork:
    if trained.integers is None:
        raise PipelineError(
            f"C export, fold {trained.number} of {trained.cell.name}",
            f"has no network in integers: {trained.absent}",
            expected="a network that was quantised",
            remedy="export a cell of another model",
        )
    return trained.integers


def _recorded(
    dataset: str, used: pd.DataFrame, signal: SignalSettings
) -> tuple[float, tuple[str, ...]]:
    """Find the one sampling rate, and the channels of the signal."""
    rates = sorted(used["sfreq"].unique())
    if len(rates) != 1:
        raise DataError(
            f"recordings of {dataset}",
            f"rates of {', '.join(f'{rate:g}' for rate in rates)} samples per second",
            expected="one: a device's converter has one rate",
            remedy="export a cell of a data set that was recorded at one rate",
        )
    path = files.folder("recordings", dataset) / f"{used['recording'].iloc[0]}_raw.fif"
    raw = files.load_recording(path)
    picked = raw.pick(list(signal.channels)) if signal.channels else raw
    return float(rates[0]), tuple(picked.ch_names)
