"""A network run again towards one decision, whose last steps are recorded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline import files
from pipeline.networks.parts.heads import At
from pipeline.networks.parts.stack import Stack, States
from pipeline.training import stretches
from pipeline.training.cell import TrainedFold
from pipeline.training.early import Moments, running_logits
from pipeline.training.memory import Memory

STEPS_AT_ONCE = 1 << 14
"""Steps before the recorded ones that a network is given at once."""


@dataclass(frozen=True)
class Recorded:
    """What a layer did in the recorded steps.

    Parameters
    ----------
    outputs : Tensor, shape (time, neuron)
    membranes : Tensor, shape (time, neuron), or None
        As the state has them after each step: where the reset is delayed, a membrane
        that fired. None if the state is no membrane.
    thresholds : Tensor, shape (neuron,), or None
        Membranes that fire, of neurons at rest.
    """

    outputs: Tensor
    membranes: Tensor | None
    thresholds: Tensor | None


class Replay(NamedTuple):
    """The last steps of a network before a decision.

    Parameters
    ----------
    first : int
        The prepared sample that the first recorded step encodes.
    spikes : Tensor, shape (time, feature)
    layers : list of Recorded
        Layer k has a step for `stride` of the layer before.
    evidence : Tensor, shape (time, class)
        The logits, had the decision been taken at each step of the last layer; the last
        row is the decision's.
    """

    first: int
    spikes: Tensor
    layers: list[Recorded]
    evidence: Tensor


def replay(fold: TrainedFold, window: int) -> Replay:
    """Run a fold's network again, as it was run to decide a test window.

    A network that runs on begins where it began then, and the last window before the
    decision is recorded. One that restarts sees the window alone; its evidence takes
    the steps to come for silent, as `training.early` does.
    """
    with torch.no_grad():
        if fold.cell.network.restarts == "windows":
            return _restarted(fold, window)
        return _run_on(fold, window)


def _restarted(fold: TrainedFold, window: int) -> Replay:
    """Record a window a step at a time, and read its logits from all steps at once.

    The layers run twice: graded outputs of single steps round otherwise (by 1e-7), and
    the evidence is to end in the logits of the decision as it was taken.
    """
    table = fold.decisions("test")
    table = table[table["window"] == window]
    windows = fold.load(table)
    spikes, network = windows.spikes(torch.arange(1)), fold.network
    layers = _recorded(network, spikes, _before(network))
    n_read = len(layers[-1].outputs) if layers else len(spikes)
    every = tuple(range(1, n_read + 1))
    logits = running_logits(network, spikes, Moments(every, every))
    return Replay(int(table["start"].iloc[0]), spikes[:, 0], layers, logits[:, 0])


def _run_on(fold: TrainedFold, window: int) -> Replay:
    network, (lived, place) = fold.network, _stretch(fold, window)
    stretch, stop = lived.stretch[place : place + 1], int(lived.step[place])
    first = max(0, stop - lived.n_steps) // network.stride * network.stride
    end = -(-stop // network.stride) * network.stride
    span = lived.cut(stretch, torch.tensor([first]), end - first)
    places = torch.arange(first, end, network.stride) // network.stride + 1
    asked = At(torch.zeros_like(places), places)
    states, readings, n_outputs = _before(network), [], 0
    for piece in _pieces(lived, stretch, first, network.stride):
        values, states = _passed(network, piece, states)
        readings.append(network.head.read_at(values, n_outputs, asked))
        n_outputs += len(values)
    layers = _recorded(network, span, states)
    last = layers[-1].outputs[:, None] if layers else span
    readings.append(network.head.read_at(last, n_outputs, asked))
    evidence = network.head.logits_at(readings, asked)
    table = fold.cell.table
    sample = int(table.loc[table["window"] == window, "stop"].iloc[0])
    return Replay(sample - stop + first, span[:, 0], layers, evidence)


def _stretch(fold: TrainedFold, window: int) -> tuple[stretches.Stretches, int]:
    """Load the stretches of a window's recording, and find its place among them."""
    cell = fold.cell
    folds = files.load_table(cell.windows / "folds.parquet")
    mine = folds.loc[folds["fold"] == fold.number, ["window", "role"]]
    recording = cell.table.set_index("window").at[window, "recording"]
    here = cell.table[cell.table["recording"] == recording]
    table = mine.merge(here, on="window", validate="1:1").sort_values("window")
    memory = Memory(cell.network.restarts == "blocks", cell.memory_s)
    lived = stretches.load(cell.spikes, table, "test", cell.labels, memory)
    numbers = table.loc[table["role"] == "test", "window"].tolist()
    return lived, numbers.index(window)


def _pieces(
    lived: stretches.Stretches, stretch: Tensor, stop: int, stride: int
) -> Iterator[Tensor]:
    """Cut what comes before the recorded steps."""
    size = STEPS_AT_ONCE // stride * stride
    for start in range(0, stop, size):
        yield lived.cut(stretch, torch.tensor([start]), min(size, stop - start))


def _before(network: Stack) -> States:
    return [() for _ in network.layers]


def _passed(network: Stack, values: Tensor, states: States) -> tuple[Tensor, States]:
    """Run all layers over a piece of time; gives the last one's outputs."""
    after: States = []
    for layer, state in zip(network.layers, states, strict=True):
        values, *last = layer(values, None, *state)
        after.append(tuple(last))
    return values, after


def _recorded(network: Stack, values: Tensor, states: States) -> list[Recorded]:
    """Run each layer a step at a time, (time, 1, feature), and record it."""
    found = []
    for layer, state in zip(network.layers, states, strict=True):
        outputs, membranes = [], []
        for piece in _steps(values, layer.stride):
            one, *last = layer(piece, None, *state)
            state = tuple(last)
            outputs.append(one)
            membranes.append(layer.unrolled.membranes(state[1:]))
        values = torch.cat(outputs)
        known = [each for each in membranes if each is not None]
        stacked = torch.stack(known) if known else None
        thresholds = layer.unrolled.firing_thresholds()
        found.append(Recorded(values[:, 0], stacked, thresholds))
    return found


def _steps(values: Tensor, stride: int) -> Iterable[Tensor]:
    """Split into the inputs of one output each; a rest makes none."""
    return torch.split(values[: len(values) // stride * stride], stride)
