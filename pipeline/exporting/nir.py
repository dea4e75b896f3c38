"""NIR, the Neuromorphic Intermediate Representation, which other simulators read.

NIR is a graph of differential equations in continuous time; a network trained in steps
means the same only to a reader that takes the same steps. So the file carries dt, the
rule by which each step is a solution of NIR's equations, and the late edges. A part
that NIR's equations cannot express is refused by name, never approximated.

References
----------
.. [1] J. E. Pedersen et al., "Neuromorphic intermediate representation: a unified
   instruction set for interoperable brain-inspired computing", Nature Communications
   15, 2024.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import nir
import numpy as np
from torch import nn

from pipeline import files
from pipeline.exporting.base import Exporter
from pipeline.exporting.parts.connections import ReadOutNodes, add_weights
from pipeline.exporting.parts.neuron_values import read_values
from pipeline.networks.base import Shape
from pipeline.networks.parts.deployed import deployed
from pipeline.networks.parts.stack import Layer, Stack
from pipeline.networks.parts.stepped import SteppedModule
from pipeline.neurons.base import Neuron
from pipeline.neurons.parts.circuit import INPUT, Circuit, InexpressibleError, Sources
from pipeline.training.cell import TrainedFold

STEPS = """\
Every node makes one step each dt seconds, from rest: before the first, all states are
0. Inputs are constant within a step. A node takes the sum of all edges into it, in the
same step, except along the edges in `late_edges`: these carry the value of the step
before, 0 in the first. LI and LIF: v <- b*v + (1 - b)*r*input with b = exp(-dt/tau),
then spikes where v > v_threshold, then v <- v_reset there. I and IF: v <- v +
dt*r*input, then IF as LIF. Delay: by delay/dt steps, rounded; 0 until then. Other
nodes: at once."""

LOGITS = """\
The output in the last of n_steps steps holds the logits of a window. Of a stream, whose
nodes go on without a restart, the output of every step holds those of a decision. It
changes in the last of each `stride` steps, counted from the first, and is constant in
between; a decision in between is that of the next change."""


class Nir(Exporter):
    """A NIR file, of which other simulators make the same spikes."""

    suffix: ClassVar[str] = ".nir"

    def export(self, trained: TrainedFold, path: Path) -> None:
        """Write the trained network of a fold as a NIR file.

        Raises
        ------
        InexpressibleError
            A layer has no exact counterpart in NIR; the message names it and why.
        """
        write(trained.network, trained.shape, path, about=trained.origin)


def write(
    network: nn.Module, shape: Shape, path: Path, *, about: Mapping[str, Any]
) -> None:
    """Write a network as a NIR file, the same bytes every time.

    Parameters
    ----------
    network : nn.Module
        Maps spikes (time, batch, feature) to logits; it is not changed.
    shape : Shape
        Its windows.
    path : Path
    about : mapping
        Goes into the graph's metadata, as JSON.

    Raises
    ------
    InexpressibleError
        A layer has no exact counterpart in NIR; the message names it and the reason.
    """
    graph = to_graph(network, shape, about=about)
    with files.replacing(path) as partial:
        nir.write(partial, graph)


def to_graph(
    network: nn.Module, shape: Shape, *, about: Mapping[str, Any]
) -> nir.NIRGraph:
    """Describe a network as a NIR graph: input spikes in, logits out.

    The metadata has the rule of stepping: `dt`, `n_steps`, `late_edges` as JSON, and
    `steps` in words; and the place of the `logits`, which are new every `stride` steps.
    """
    if not isinstance(network, Stack):
        kind = type(network).__name__
        raise InexpressibleError("network", f"a {kind} has no counterpart in NIR")
    stack = cast("Stack", deployed(network))
    circuit = Circuit(shape.dt)
    outputs = INPUT
    circuit.add("input", nir.Input({"input": np.array([shape.n_features])}))
    for number, layer in enumerate(stack.layers, 1):
        name = f"layer_{number}"
        circuit, outputs = _add_layer(circuit, name, layer, outputs)
    n_read = shape.n_steps // circuit.every
    outputs = stack.head.to_nir(ReadOutNodes(circuit, outputs, n_read))
    circuit.add("output", nir.Output({"output": np.array([shape.n_classes])}), outputs)
    return circuit.graph(
        {
            "dt": shape.dt,
            "n_steps": shape.n_steps,
            "stride": circuit.every,
            "steps": STEPS,
            "logits": LOGITS,
            "late_edges": files.dump_json(circuit.late),
            "about": files.dump_json(dict(about)),
        }
    )


def _add_layer(
    circuit: Circuit, name: str, layer: Layer, sources: Sources
) -> tuple[Circuit, Sources]:
    """Add weights, the neurons they drive, and recurrent weights.

    Gives the circuit as the next layer is to see it, and the nodes of the spikes.
    """
    if layer.unrolled.inhibition is not None:
        raise InexpressibleError(
            name, "its neurons compete, and NIR cannot limit how many fire"
        )
    if isinstance(layer.unrolled, SteppedModule):
        raise InexpressibleError(
            "network", "a module of snnTorch's layers runs as it is: it has no graph"
        )
    neurons: Any = layer.unrolled.neurons
    model: Neuron = neurons.model
    n = model.inputs
    circuit, currents = add_weights(
        circuit, f"{name}_weights", layer.weights, sources, n
    )
    entries, spikes = model.to_nir(circuit, read_values(name, neurons), currents)
    if (weights := layer.unrolled.recurrent_weights) is not None:
        back = f"{name}_recurrent"
        _, recurrent = add_weights(circuit, back, weights, (spikes,), n)
        for parts, entry in zip(recurrent, entries, strict=True):
            for part in parts:
                circuit.close(part, entry)
    return circuit, (spikes,)
