"""Neurons of any kind in C: what their file in `pipeline.quantization.neurons` states.

The C of a kind lies beside that file. The sources declare what our kinds have; where a
kind has other constants or states, they are added to the sources of its export.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from pipeline.exporting.parts.c_arrays import constants, variables
from pipeline.quantization.neurons.base import FOLDER, IntegerNeurons

STRUCT = re.compile(r"(?<=struct neurons \{\n)(.*?)(?=\};\n)", re.DOTALL)
"""The fields of `struct neurons` in `layers.h`."""

PROTOTYPES = re.compile(r"(?<=\n)(?=\nstruct layer \{)")
"""The place in `layers.h` after the steps of all kinds."""

CLEARED = re.compile(r"(?<=neurons\.synaptic, layer->neurons\.n\);\n)")
"""The place in `network.c` where the states of all kinds are cleared."""

Fields = list[tuple[str, object]]
"""The fields of a `struct neurons` with their values, in order."""


def kinds_in_c() -> list[str]:
    """List the kinds of neurons that there is C of, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.c"))


def c_source(kind: str) -> Path:
    """Give the C of a kind of neurons."""
    return FOLDER / f"{kind}.c"


def fields_of(number: int, neurons: IntegerNeurons) -> tuple[str, Fields]:
    """Write the arrays of a layer's neurons, and list the fields that lead to them."""
    values = neurons.constants
    fields: Fields = [("step", neurons.kind), ("n", neurons.width)]
    fields += [(_field(neurons, n), _plain(n, values[n])) for n in neurons.SHARED]
    text = ""
    for name in neurons.TENSORS:
        array: np.ndarray = neurons.get_buffer(name).numpy()
        text += constants("int32_t", f"{name}_{number}", array)
        fields.append((name, f"{name}_{number}"))
    for name in neurons.STATES:
        each = neurons.branches if name in neurons.A_BRANCH else 1
        text += variables("int32_t", (f"{name}_{number}", each * neurons.width))
        fields.append((name, f"{name}_{number}"))
    return text, fields


def with_declarations(header: str, used: Iterable[type[IntegerNeurons]]) -> str:
    """Declare in `layers.h` the constants, states and steps of kinds that it lacks."""
    for neurons in used:
        step = f"void {neurons.kind}("
        arguments = "const struct neurons *of, const int32_t *sums, struct events *out"
        if step not in header:
            header = PROTOTYPES.sub(f"{step}{arguments});\n", header, count=1)
        (fields,) = STRUCT.findall(header)
        known = re.findall(r"(\w+)[,;]", fields)
        lines = [line for name, line in _declarations(neurons) if name not in known]
        header = header.replace(fields, fields + "".join(lines))
    return header


def with_states(network: str, used: Iterable[type[IntegerNeurons]]) -> str:
    """Clear in `network.c` the states of kinds that it does not know."""
    states = {name: neurons for neurons in used for name in neurons.STATES}
    for name, neurons in states.items():
        if f"neurons.{name}," not in network:
            sums = "connections.n_out" if name in neurons.A_BRANCH else "neurons.n"
            line = f"        clear_state(layer->neurons.{name}, layer->{sums});\n"
            network = CLEARED.sub(line, network, count=1)
    return network


def _declarations(neurons: type[IntegerNeurons]) -> Iterable[tuple[str, str]]:
    """Give each field of a kind with its declaration."""
    for name in neurons.SHARED:
        field = _field(neurons, name)
        yield field, f"    int32_t {field};\n"
    for name in neurons.TENSORS:
        yield name, f"    const int32_t *{name};\n"
    for name in neurons.STATES:
        yield name, f"    int32_t *{name};\n"


def _field(neurons: IntegerNeurons | type[IntegerNeurons], name: str) -> str:
    """Name the field of a layer's constant: leaks may be a neuron's own elsewhere."""
    return f"shared_{name}" if name in neurons.LEAKS else name


def _plain(name: str, value: int | str) -> int | str:
    """Write a layer's constant: a choice is an enumerator, RESET_ZERO for zero."""
    return f"{name}_{value}".upper() if isinstance(value, str) else value
