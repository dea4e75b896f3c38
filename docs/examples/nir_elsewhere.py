"""Run an exported network in another simulator that reads NIR, and compare.

    python docs/examples/nir_elsewhere.py CELL --reader snntorch

snnTorch needs the package `nirtorch` beside it, Norse is a package of its own; neither
is among our dependencies. Both read matrices and LIF neurons, no more: networks whose
membranes are reset to zero, without strides and recurrent weights. The read-out stays
here, for it integrates.

Both take steps by Euler's rule, v ← v + (dt/τ)·(r·i − v), where a file's steps are
exact, v ← β·v + (1 − β)·r·i with β = exp(−dt/τ). With τ' = dt/(1 − β) they are the
same. Norse 1.1.0 leaves r out; snnTorch 1.0.0 has steps of 0.1 ms, and one threshold
and r = τ/dt in a layer. So each membrane is counted in its own threshold, and the
weights have what is left of r.
"""

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import nir
import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from pipeline.exporting.nir import to_graph
from pipeline.networks.parts.stack import Stack
from pipeline.training.cell import TrainedCell, TrainedFold

READ = nir.Input | nir.Output | nir.Affine | nir.Linear | nir.LIF
SPIKES = re.compile(r"\d+_(layer_\d+)_spikes")


class Reader(NamedTuple):
    """A simulator that reads NIR.

    Parameters
    ----------
    load : callable
        Makes a module of a graph, whose steps take `dt`.
    dt : float or None
        Its step, seconds; None: any.
    unit : callable
        Gives the r that it expects, of τ/dt.
    """

    load: Callable[[nir.NIRGraph, float], nn.Module]
    dt: float | None
    unit: Callable[[np.ndarray], np.ndarray]


def _snntorch(graph: nir.NIRGraph, dt: float) -> nn.Module:
    from snntorch.import_nir import import_from_nir

    module: nn.Module = import_from_nir(graph)
    return module


def _norse(graph: nir.NIRGraph, dt: float) -> nn.Module:
    from norse.torch import from_nir

    module: nn.Module = from_nir(graph, dt=dt)
    return module


READERS = {
    "snntorch": Reader(_snntorch, 1e-4, lambda steps: steps),
    "norse": Reader(_norse, None, np.ones_like),
}


def translated(graph: nir.NIRGraph, reader: Reader) -> nir.NIRGraph:
    """Cut the read-out off, and write the neurons as a reader understands them.

    Raises
    ------
    ValueError
        The graph has what these readers cannot read.
    """
    nodes = {n: node for n, node in graph.nodes.items() if "_head_" not in n}
    for name, node in nodes.items():
        if not isinstance(node, READ):
            raise ValueError(f"{name} is a {type(node).__name__}, which is not read")
    edges = [edge for edge in graph.edges if set(edge) <= set(nodes)]
    if {tuple(edge) for edge in edges} & late_edges(graph):
        raise ValueError("it has recurrent weights, which are not read as they are")
    *_, last = (name for name in nodes if SPIKES.fullmatch(name))
    edges = [edge for edge in edges if edge[1] != "output"] + [(last, "output")]
    dt = float(graph.metadata["dt"])
    for source, end in edges:
        if isinstance(neurons := graph.nodes[end], nir.LIF):
            nodes[end], factor = euler(neurons, dt, reader)
            nodes[source] = scaled(nodes[source], factor)
    nodes["output"] = nir.Output({"output": nodes[last].output_type["output"]})
    return nir.NIRGraph(nodes, edges)


def late_edges(graph: nir.NIRGraph) -> set[tuple[str, str]]:
    """Read which edges carry the value of the step before."""
    return {tuple(edge) for edge in json.loads(graph.metadata["late_edges"])}


def euler(node: nir.LIF, dt: float, reader: Reader) -> tuple[nir.LIF, np.ndarray]:
    """Write neurons so that a step by Euler's rule is the exact one.

    Gives also the factors of their currents.
    """
    steps = 1 / -np.expm1(-dt / node.tau)
    r, one = reader.unit(steps), np.ones_like(node.tau)
    tau = steps * (reader.dt or dt)
    made = replace(node, tau=tau, r=r, v_threshold=one, v_reset=0 * one)
    return made, node.r / (r * node.v_threshold)


def scaled(node: nir.NIRNode, factor: np.ndarray) -> nir.NIRNode:
    """Multiply what a matrix gives."""
    weight = factor[:, None] * node.weight
    if isinstance(node, nir.Linear):
        return nir.Linear(weight)
    return nir.Affine(weight, factor * node.bias)


def run(module: nn.Module, spikes: Tensor) -> Tensor:
    """Step through spikes (time, batch, feature); gives those of the last layer."""
    state, outputs = None, []
    with torch.no_grad():
        for step in spikes:
            given, state = module(step, state)
            outputs.append(given)
    return torch.stack(outputs)


def here(network: Stack, spikes: Tensor) -> Tensor:
    """Give the spikes of the last layer as this package computes them."""
    with torch.no_grad():
        for layer in network.layers:
            spikes, *_ = layer(spikes, None)
    return spikes


def compared(trained: TrainedFold, reader: Reader, n_windows: int) -> str:
    """Compare a fold's test windows in both."""
    graph = translated(to_graph(trained.network, trained.shape, about={}), reader)
    windows = trained.load(trained.decisions("test").head(n_windows))
    spikes = windows.spikes(torch.arange(len(windows.first))).float()
    ours = here(trained.network, spikes)
    theirs = run(reader.load(graph, trained.shape.dt), spikes)
    with torch.no_grad():
        decided = [trained.network.head(one).argmax(1) for one in (ours, theirs)]
    same = (decided[0] == decided[1]).sum()
    return (
        f"{int((ours != theirs).sum())} of {int(ours.sum())} spikes differ, and "
        f"{same} of {len(windows.first)} decisions are the same"
    )


def main() -> None:
    """Print how a cell's network comes out elsewhere."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cell", metavar="CELL")
    parser.add_argument("--reader", choices=READERS, default="snntorch")
    parser.add_argument("--windows", type=int, default=64, help="default: 64")
    asked = parser.parse_args()
    trained = TrainedCell.open(asked.cell).fold()
    Console().print(compared(trained, READERS[asked.reader], asked.windows))


if __name__ == "__main__":
    main()
