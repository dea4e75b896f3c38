"""The read-outs in C: constants, places in memory, and the source of each kind."""

import numpy as np

from pipeline.exporting.parts.c_arrays import (
    constants,
    define,
    history_of,
    variables,
)
from pipeline.exporting.parts.c_neurons import Fields
from pipeline.networks.parts.heads import segment_edges
from pipeline.quantization.neurons.base import IntegerNeurons
from pipeline.quantization.read_outs import IntegerHead, IntegerReadOut


def read_out_of(
    head: IntegerReadOut, last: IntegerNeurons | None
) -> tuple[str, Fields]:
    """Write a read-out's arrays, and list the fields that lead to them.

    Parameters
    ----------
    head : IntegerReadOut
    last : IntegerNeurons or None
        Those whose outputs it reads; None: it reads the network's input.
    """
    graded = bool(last and last.graded)
    memory, history = history_of(0, outputs_of(head), 1, graded=graded)
    text = constants("int8_t", "weights_0", head.linear.weight.numpy().T) + memory
    fields: Fields = [("in", history), ("weights", "weights_0")]
    for name in head.TENSORS:
        values: np.ndarray = head.get_buffer(name).numpy()
        text += constants("int32_t", f"{name}_0", values)
        fields.append((name, f"{name}_0"))
    fields.append(("shift", head.shift))
    if not isinstance(head, IntegerHead):
        own, more = _traces(head)
        return text + own, fields + more
    summed = bool(last and not last.spiking)
    own, more = _rates(head, graded=graded, summed=summed)
    return text + own, fields + more


def outputs_of(head: IntegerReadOut) -> int:
    """Count the outputs of the last layer, which a read-out reads."""
    return head.linear.in_features // int(head.constants.get("bins", 1))


def read_out_sizes(head: IntegerReadOut) -> list[str]:
    """Write the sizes of a read-out that are not those of all."""
    if isinstance(head, IntegerHead):
        return []
    lines = ["/* Traces of all time constants and classes. */\n"]
    return [*lines, define("TRACES", head.linear.out_features)]


def _rates(head: IntegerHead, *, graded: bool, summed: bool) -> tuple[str, Fields]:
    """Keep the outputs of the steps that a decision reads.

    Activations are added up before they meet weights; events, also those of several
    spikes, meet them one by one.
    """
    width, span, bins = outputs_of(head), head.n_read, head.rates.bins
    n_bytes = width if graded else -(-width // 8)
    ends = np.array([stop for _, stop in segment_edges(span, bins)])
    text = variables("uint16_t", ("newest_output", 0))
    text += variables("uint8_t", ("outputs", span * n_bytes))
    text += constants("uint16_t", "ends", ends)
    if summed:
        text += variables("int32_t", ("summed", width))
    return text, [
        ("span", span),
        ("bytes", n_bytes),
        ("newest", "&newest_output"),
        ("outputs", "outputs"),
        ("ends", "ends"),
        ("segments", bins),
        ("summed", "summed" if summed else "0"),
    ]


def _traces(head: IntegerReadOut) -> tuple[str, Fields]:
    """Keep the traces: they are all that is read."""
    text = variables("int32_t", ("trace", head.linear.out_features))
    return text, [("trace", "trace"), ("up", head.constants["up"])]
