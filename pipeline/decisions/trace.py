"""A decision with all that led to it: signal, spikes, membranes and evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor

from pipeline import files
from pipeline.decisions.activation import spike_activation
from pipeline.decisions.replay import Recorded, replay
from pipeline.decisions.series import Series
from pipeline.decisions.signals import Clock, filtered, recorded
from pipeline.decisions.tested import Decision, Other, others
from pipeline.errors import DataError
from pipeline.networks.parts.stack import Stack
from pipeline.training.cell import TrainedCell

CLOSE = 0.01
"""Most by which a traced probability may differ from the stored one, which a batch, or
a GPU, may have rounded otherwise."""


@dataclass(frozen=True)
class LayerTrace:
    """What a layer did before a decision.

    Parameters
    ----------
    outputs : Series
        A row a neuron; 0 and 1 if it spikes.
    spiking : bool
    membranes : Series or None
        A row a neuron; after each step, and its reset unless that is delayed.
    thresholds : array, shape (neuron,), or None
        Membranes that fire; of neurons whose threshold moves, at rest.
    absent : str
        Why there are no membranes; empty if there are.
    """

    outputs: Series
    spiking: bool
    membranes: Series | None
    thresholds: np.ndarray | None
    absent: str


@dataclass(frozen=True)
class DecisionTrace:
    """A decision with all that led to it, on the clock of its recording.

    Spikes stand where the signal is that they encode: the code's own delay is taken
    off. What a strided layer gives stands at the last of its steps.

    Parameters
    ----------
    decision : Decision
    recorded, filtered : Series
        The signal as it was recorded, V, and as it was prepared.
    spikes : Series
        The code, a row a feature.
    layers : tuple of LayerTrace
        Empty if the read-out reads the code itself.
    activation : tuple of Series
        Spike activation maps: of the code, and of each spiking layer.
    evidence : Series
        Logits of each class, had the decision been taken at each step.
    others : tuple of Other
        What else begins while the spikes last.
    """

    decision: Decision
    recorded: Series
    filtered: Series
    spikes: Series
    layers: tuple[LayerTrace, ...]
    activation: tuple[Series, ...]
    evidence: Series
    others: tuple[Other, ...] = ()


def trace(cell: TrainedCell, found: Decision) -> DecisionTrace:
    """Follow a decision of a test window from the recording to the classes.

    Parameters
    ----------
    cell : TrainedCell
    found : Decision
        One that it took, as `predictions.parquet` has it.

    Raises
    ------
    DataError
        Files of the cell or its data set are missing, or the network does not decide
        as it did when it was tested.
    """
    from pipeline.training.devices import one_thread

    fold = cell.fold(found.fold)
    with one_thread():
        again = replay(fold, found.window)
    _check_same(cell, found, fold.network.values(again.evidence[-1]))
    (segment,) = cell.table.loc[cell.table["window"] == found.window, "segment"]
    stop = again.first + len(again.spikes)
    signal, clock = filtered(
        cell.dataset, found.recording, int(segment), again.first, stop
    )
    names = files.load_spikes(cell.spikes / f"{found.recording}.h5").features
    spikes = _series(again.spikes, names, again.first, clock)
    layers = _layers(fold.network, again.layers, again.first, clock)
    return DecisionTrace(
        found,
        recorded(cell.dataset, found.recording, signal, clock.segment),
        signal,
        spikes,
        layers,
        _maps(spikes, layers),
        _series(again.evidence, cell.labels, again.first, clock, fold.network.stride),
        tuple(others(cell, found, (spikes.start_s, float(spikes.time_s[-1])))),
    )


def _check_same(cell: TrainedCell, found: Decision, logits: Tensor) -> None:
    """Refuse a network that no longer predicts what it predicted."""
    again = logits.softmax(0).tolist()
    stored = [found.probabilities[label] for label in cell.labels]
    gap = float(np.abs(np.subtract(again, stored)).max())
    if not gap <= CLOSE:
        raise DataError(
            f"{cell.name}: decision {found.window}",
            f"its network now gives probabilities that differ by {gap:.3g}",
            expected=f"those of predictions.parquet, within {CLOSE:g}",
            remedy=f"run `dvc repro train@{cell.name}`: spikes, windows and weights "
            "are not of one run",
        )


def _layers(
    network: Stack, replayed: Sequence[Recorded], first: int, clock: Clock
) -> tuple[LayerTrace, ...]:
    traced, steps = [], 1
    for layer, each in zip(network.layers, replayed, strict=True):
        steps *= layer.stride
        rows = tuple(str(number) for number in range(each.outputs.shape[1]))
        set_in_time = partial(_series, rows=rows, first=first, clock=clock, steps=steps)
        membranes = each.membranes
        traced.append(
            LayerTrace(
                set_in_time(each.outputs),
                layer.unrolled.spiking,
                None if membranes is None else set_in_time(membranes),
                None if each.thresholds is None else each.thresholds.numpy(),
                "" if membranes is not None else _absent(layer.unrolled.spiking),
            )
        )
    return tuple(traced)


def _absent(spiking: bool) -> str:
    if spiking:
        return "the state of these neurons is no single membrane"
    return "neurons that do not spike have no membrane"


def _series(
    values: Tensor, rows: Sequence[str], first: int, clock: Clock, steps: int = 1
) -> Series:
    """Give rows over time; every column ends `steps` samples."""
    start_s = clock.at(first + steps - 1)
    return Series(values.numpy().T, tuple(rows), start_s, steps / clock.sfreq)


def _maps(spikes: Series, layers: tuple[LayerTrace, ...]) -> tuple[Series, ...]:
    """Compute the maps of the code and of the layers that spike."""
    every = {"code": spikes} | {
        f"layer {number}": layer.outputs
        for number, layer in enumerate(layers, start=1)
        if layer.spiking
    }
    return tuple(
        Series(
            spike_activation(each.values, each.dt)[None],
            (name,),
            each.start_s,
            each.dt,
        )
        for name, each in every.items()
    )
