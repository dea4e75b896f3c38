"""A network in integers as C: constants, places in memory, and one list of layers.

The sources in `c_sources/` document their use.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from pipeline.device.running import Running
from pipeline.exporting.parts.c_arrays import (
    define,
    history_of,
    structure,
    variables,
)
from pipeline.exporting.parts.c_neurons import fields_of, kinds_in_c
from pipeline.exporting.parts.c_read_out import outputs_of, read_out_of, read_out_sizes
from pipeline.exporting.parts.c_rows import is_sparse, write_rows
from pipeline.exporting.parts.c_taps import InexpressibleError, Taps, to_taps
from pipeline.networks.base import Shape
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.neurons.base import IntegerNeurons
from pipeline.quantization.recurrent import IntegerRecurrent, neurons_of

MOST = 2**16 - 1
"""Channels, neurons and steps are counted in 16 bits."""

STEPS_LISTED = 2
"""Steps whose outputs a read-out can list before it adds them up, if all fired."""

FIRST_LINE = "/* Sizes of the network; written by biospike export. */\n"
"""First line of `model.h`, which identifies an exported folder."""


def kinds(network: IntegerNetwork) -> list[type[IntegerNeurons]]:
    """List the kinds of neurons of a network, each once, by name."""
    found = {part.neurons.kind: type(part.neurons) for part in _layers(network)}
    return [found[kind] for kind in sorted(found)]


def header(network: IntegerNetwork, shape: Shape, running: Running) -> str:
    """Write `model.h`: sizes, and how the network goes from decision to decision."""
    layers = list(_layers(network))
    rows = [part.n_listed for part in layers]
    sizes = {
        "STEPS": shape.n_steps,
        "STRIDE": network.stride,
        "FEATURES": shape.n_features,
        "SPIKE_BYTES": -(-shape.n_features // 8),
        "CLASSES": shape.n_classes,
        "LAYERS": len(layers),
        "MOST_ROWS": max([*rows, STEPS_LISTED * outputs_of(network.head)]),
        "MOST_SUMS": max([part.n_sums for part in layers], default=1),
    }
    _refuse_wide("windows", shape.n_steps)
    lines = [define(name, value) for name, value in sizes.items()]
    lines += [*read_out_sizes(network.head), *_running(running)]
    if any(part.neurons.graded for part in layers):
        lines.append("/* Some layers take graded values. */\n")
        lines.append(define("GRADED", 1))
    return (
        FIRST_LINE
        + "#ifndef BIOSPIKE_MODEL_H\n#define BIOSPIKE_MODEL_H\n\n"
        + "#include <stdint.h>\n\n"
        + "".join(lines)
        + "\n#endif\n"
    )


def _running(running: Running) -> list[str]:
    """Write what `biospike.c` is to do."""
    lines = []
    if running.restarts:
        lines += ["/* It starts anew for every decision. */\n", define("RESTARTS", 1)]
    if running.memory is not None:
        lines += ["/* Its memory, steps. */\n", define("MEMORY", running.memory)]
    if running.goes_back:
        lines += ["/* A window of steps is kept. */\n", define("WINDOW", 1)]
    return lines


def source(network: IntegerNetwork) -> str:
    """Write `model.c`: weights, constants, and places in memory.

    Raises
    ------
    InexpressibleError
        A layer has weights or neurons without a form in C.
    """
    parts = [
        "/* The network; written by biospike export. */\n",
        '#include "layers.h"\n',
    ]
    parts += ['#include "model.h"\n']
    initialisers, last = [], None
    for number, part in enumerate(_layers(network), 1):
        text, initialiser = _layer(number, part, graded=bool(last and last.graded))
        n_in, width = part.taps.weights.shape[1], part.neurons.width
        title = f"Layer {number}: {part.kind}, {n_in} channels to {width} "
        title += part.neurons.kind + ", recurrent" * bool(part.own)
        parts += [f"\n/* {title}. */\n", text]
        initialisers.append(initialiser)
        last = part.neurons
    if initialisers:
        parts.append("\nstatic const struct layer layers[] = {\n")
        parts += [f"    {text},\n" for text in initialisers]
        parts.append("};\n")
    text, read = read_out_of(network.head, last)
    fields = [
        ("layers", "layers" if initialisers else "0"),
        ("n_layers", len(initialisers)),
        ("read_out", structure(read, " " * 4)),
    ]
    parts += ["\n/* Read-out. */\n", text]
    parts += ["\nconst struct model biospike_model = ", structure(fields, ""), ";\n"]
    return "".join(parts)


class Part(NamedTuple):
    """A layer: its weights, their kind, its neurons; the layer if it is recurrent."""

    kind: str
    taps: Taps
    neurons: IntegerNeurons
    own: IntegerRecurrent | None

    @property
    def n_sums(self) -> int:
        """Sums that the neurons take: one each, or one each of their branches."""
        return int(self.taps.weights.shape[2])

    @property
    def rows(self) -> np.ndarray:
        """The weights, a row a tap and channel."""
        return self.taps.weights.reshape(-1, self.n_sums)

    @property
    def own_rows(self) -> np.ndarray:
        """The recurrent weights, a row a neuron; of no neuron, no rows."""
        if not self.own:
            return np.empty((0, self.n_sums), np.int8)
        weights: np.ndarray = self.own.recurrent.weight.numpy().T
        return weights

    @property
    def n_listed(self) -> int:
        """Count the rows that are complete: all may be listed at once."""
        both = self.rows, self.own_rows
        return sum(len(rows) for rows in both if not is_sparse(rows))


def _layers(network: IntegerNetwork) -> Iterator[Part]:
    for number, layer in enumerate(network.layers, 1):
        name = f"layer {number}"
        unrolled = layer.unrolled
        neurons = neurons_of(unrolled)
        own = unrolled if isinstance(unrolled, IntegerRecurrent) else None
        kind = getattr(neurons, "kind", type(neurons).__name__)
        if kind not in kinds_in_c():
            raise InexpressibleError(name, f"has neurons of the kind {kind}")
        weights: Any = layer.weights
        taps = to_taps(weights, name)
        _refuse_wide(name, *taps.weights.shape, taps.span)
        yield Part(weights.kind, taps, cast("IntegerNeurons", neurons), own)


def _refuse_wide(layer: str, *sizes: int) -> None:
    if max(sizes) > MOST:
        reason = f"has {max(sizes)} channels, neurons or steps, over {MOST}"
        raise InexpressibleError(layer, reason)


def _layer(number: int, part: Part, *, graded: bool) -> tuple[str, str]:
    """Write a layer's arrays, and the initialiser of its `struct layer`."""
    taps, neurons = part.taps, part.neurons
    memory, history = history_of(
        number, taps.weights.shape[1], taps.span, graded=graded
    )
    text, rows = write_rows("weights", number, part.rows)
    text += memory + variables("uint16_t", (f"missing_{number}", 0))
    connections = [
        ("in", history),
        ("spacing", taps.spacing),
        ("stride", taps.stride),
        ("missing", f"&missing_{number}"),
        ("n_out", part.n_sums),
        ("rows", rows),
    ]
    if part.own:
        own, rows = write_rows("own", number, part.own_rows)
        text += own
        connections += [("own", rows), ("lift", part.own.lift)]
    more, fields = fields_of(number, neurons)
    inside = [
        ("connections", structure(connections, " " * 8)),
        ("neurons", structure(fields, " " * 8)),
    ]
    return text + more, structure(inside, " " * 4)
