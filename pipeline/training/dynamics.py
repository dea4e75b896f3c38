"""Parameters that neurons learn, without weights: tables for the report and MLflow.

`learned.parquet` holds the learned quantities after every epoch, `portraits.parquet`
the map that a step without input makes of a neuron's state. Both work for any neuron
model: they ask the layer for its quantities and make it step, and know no equation.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from pipeline import files
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.neurons.parts.layer import NeuronLayer

Plain = dict[str, Any]
Epoch = TypeVar("Epoch")

LEARNED, PORTRAITS = "learned.parquet", "portraits.parquet"
POINTS = np.linspace(-2, 2, 161)
"""Membranes of a portrait of one variable, in thresholds."""
SIDE = 21
"""Points along each axis of a portrait of two variables."""
QUARTILES = (0.25, 0.5, 0.75)
NOISE_STEPS = 500


def learned(network: nn.Module) -> list[Plain]:
    """Report what a network's neurons have learned so far, as plain JSON.

    Returns
    -------
    learned : list of dict
        A layer's quantity each: layer (1 is the first), module (its path in the
        network), quantity, shape, and values, flat, in the units of the settings; what
        is not finite is None. Empty for a network that learns no dynamics.
    """
    with torch.no_grad():
        return [
            {
                "layer": number,
                "module": path,
                "quantity": name,
                "shape": list(values.shape),
                "values": _short(values),
            }
            for number, path, layer in _layers(network)
            for name, values in layer.quantities().items()
        ]


def noted(
    epochs: Iterable[Epoch], network: nn.Module, notes: list[list[Plain]]
) -> Iterator[Epoch]:
    """Pass epochs on; note what was `learned` before the first and after each.

    Parameters
    ----------
    epochs : iterable
        Changes `network` whenever the next epoch is asked for.
    network : nn.Module
    notes : list
        It grows by one before the first epoch and by one after each.
    """
    notes.append(learned(network))
    for epoch in epochs:
        notes.append(learned(network))
        yield epoch


def learned_table(folds: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Tabulate what the folds of a cell have learned.

    Parameters
    ----------
    folds : iterable of mapping
        A weights file's metadata each, with `fold`, `summary.best_epoch` and `learned`:
        what `learned` returned before training and after every epoch.

    Returns
    -------
    table : DataFrame
        fold, epoch (0 is before training), kept (whether it is the epoch whose weights
        are kept), layer, module, quantity, place (index of the value: the neuron or
        channel; after a comma before it, the branch) and value, float32, NaN if it is
        not finite.
    """
    tables = [
        _rows(entry).assign(
            fold=fold["fold"], epoch=epoch, kept=epoch == fold["summary"]["best_epoch"]
        )
        for fold in folds
        for epoch, entries in enumerate(fold["learned"])
        for entry in entries
    ]
    columns = ["fold", "epoch", "kept", "layer", "module", "quantity", "place", "value"]
    table = _joined(tables)
    return table[columns] if len(table) else table


def portraits(network: nn.Module) -> pd.DataFrame:
    """Sample what a step without input makes of the neurons' states.

        (u, w) → (next_u, next_w)

    from a grid of states, for the layers as they are and as they were before training,
    by the layer's own step. u is the first state variable, the membrane, in the model's
    `unit`, each neuron's own value that fires; w is the second, as it is. What the
    neurons of a layer make of a state is shown by the median over them and, for one
    variable, the quartiles. Neurons of more than two variables, or of no such unit,
    have no portrait, nor have those that run away from the grid.

    Returns
    -------
    table : DataFrame
        layer, when (`start` or `learned`), quantile, u, w, next_u, next_w; w and next_w
        are NaN for neurons of one variable. Empty if no layer has a portrait.
    """
    tables = [
        _portrait(layer, axes).assign(layer=number, when=when)
        for number, _, trained in _layers(network)
        if (axes := _axes(trained))
        for when, layer in (("start", _untrained(trained)), ("learned", trained))
    ]
    columns = ["layer", "when", "quantile", "u", "w", "next_u", "next_w"]
    table = _joined(tables)
    return table[columns] if len(table) else table


def save(
    folder: Path, networks: Sequence[nn.Module], folds: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Write what the folds of a cell learned; gives the names of the files.

    Parameters
    ----------
    folder : Path
        The cell's run.
    networks : sequence of nn.Module
        The trained network of each fold.
    folds : sequence of mapping
        The metadata of its weights file.
    """
    drawn = [
        portraits(network).assign(fold=fold["fold"])
        for network, fold in zip(networks, folds, strict=True)
    ]
    tables = {LEARNED: learned_table(folds), PORTRAITS: _joined(drawn)}
    written = {name for name, table in tables.items() if len(table)}
    for name in sorted(written):
        files.save_table(folder / name, tables[name])
    return written


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables below each other; an empty one has no columns of its own."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()


def _layers(network: nn.Module) -> list[tuple[int, str, NeuronLayer]]:
    """Find the layers of neurons with learned dynamics, counted from 1."""
    modules = network.named_modules()
    found = [(path, each) for path, each in modules if isinstance(each, NeuronLayer)]
    return [(number, *each) for number, each in enumerate(found, start=1)]


def _short(values: Tensor) -> list[float | None]:
    """Write float32 in the fewest digits that keep it."""
    single = values.detach().float().cpu().numpy().ravel()
    return [float(str(v)) if math.isfinite(v) else None for v in single]


def _rows(entry: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "layer": entry["layer"],
            "module": entry["module"],
            "quantity": entry["quantity"],
            "place": [",".join(map(str, at)) for at in np.ndindex(*entry["shape"])],
            "value": np.array(entry["values"], dtype=np.float32),
        }
    )


def _untrained(layer: NeuronLayer) -> NeuronLayer:
    """Make the layer that learning started from."""
    device = next(layer.parameters()).device
    return layer.model.build(layer.shape, dt=layer.dt).to(device)


def _axes(layer: NeuronLayer) -> list[np.ndarray]:
    """Choose the states of a portrait, a row of values a variable; none for many.

    Where a second variable lives is the model's own business: the grid covers, with a
    margin, what noise makes the untrained neuron visit. So all folds share it.
    """
    n_variables = len(layer.model.rest())
    if layer.model.unit(layer.quantities()) is None or n_variables > 2:
        return []
    if n_variables == 1:
        return [POINTS]
    low, high = _visited(layer)
    width = np.where(high > low, high - low, (high - low).max())
    margin = 0.125 * width + 0.5 * (width - (high - low))
    return [
        np.linspace(*ends, SIDE)
        for ends in zip(low - margin, high + margin, strict=True)
    ]


def _visited(layer: NeuronLayer) -> tuple[np.ndarray, np.ndarray]:
    """Drive an untrained neuron with noise; gives its variables' ends."""
    neuron = layer.model.build((1,), dt=layer.dt)
    unit = _unit(neuron)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(NOISE_STEPS, 1, layer.model.inputs, generator=generator)
    state = neuron.initial_state(noise[0])
    visited = []
    with torch.no_grad():
        for current in 0.3 + 0.6 * noise:
            _, *state = neuron(current, *state)
            visited.append([float(state[0] / unit), float(state[1])])
    return np.min(visited, axis=0), np.max(visited, axis=0)


def _unit(layer: NeuronLayer) -> Tensor:
    """Give the membrane's unit, (*shape): the value that fires."""
    unit = cast("Tensor | float", layer.model.unit(layer.quantities()))
    return next(layer.parameters()).new_ones(layer.shape) * unit


@torch.no_grad()
def _portrait(layer: NeuronLayer, axes: Sequence[np.ndarray]) -> pd.DataFrame:
    """Step once from every state of a grid, without input."""
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    unit = _unit(layer)
    points = unit.new_tensor(grid)
    spread = [column.reshape(-1, *(1 for _ in layer.shape)) for column in points.T]
    membrane, *others = (values.expand(-1, *layer.shape) for values in spread)
    first, *positions = layer.shape
    silence = unit.new_zeros(len(grid), layer.model.inputs * first, *positions)
    try:
        _, *after = layer(silence, membrane * unit, *others)
    except UnstableError:
        return pd.DataFrame()
    after[0] = after[0] / unit
    reached = [values.flatten(1).cpu().numpy() for values in after]
    shares = QUARTILES if len(axes) == 1 else (0.5,)
    columns = [
        np.quantile(values, shares, axis=1).ravel().astype(np.float32)
        for values in reached
    ]
    start = np.tile(grid.astype(np.float32), (len(shares), 1))
    absent = np.full(len(start), np.nan, dtype=np.float32)
    return pd.DataFrame(
        {
            "quantile": np.repeat(shares, len(grid)),
            "u": start[:, 0],
            "w": start[:, 1] if len(axes) == 2 else absent,
            "next_u": columns[0],
            "next_w": columns[1] if len(axes) == 2 else absent,
        }
    )
