"""Weights and read-outs in NIR's primitives."""

import nir
import numpy as np
from torch import Tensor, nn

from pipeline.networks.parts.heads import segment_edges
from pipeline.networks.parts.layers import CausalConvolution, weight_of
from pipeline.networks.parts.step_heads import MembraneHead
from pipeline.neurons.parts.circuit import Circuit, InexpressibleError, Sources


def add_weights(
    circuit: Circuit, name: str, layer: nn.Module, sources: Sources, n_inputs: int
) -> list[Sources]:
    """Add the weights of a layer of neurons.

    Parameters
    ----------
    circuit : Circuit
    name : str
    layer : nn.Module
    sources : tuple of str
        The nodes whose sum the layer takes.
    n_inputs : int
        Inputs of a neuron.

    Returns
    -------
    currents : list of tuple of str
        For each input of the neurons, the nodes that add up to its current.

    Raises
    ------
    InexpressibleError
        NIR has no counterpart of the layer.
    """
    match layer:
        case nn.Linear():
            taps = [_array(weight_of(layer))]
        case CausalConvolution():
            taps = _taps(name, layer.convolution)
            layer = layer.convolution
        case _:
            kind = type(layer).__name__
            raise InexpressibleError(name, f"a {kind} has no counterpart in NIR")
    bias = None if layer.bias is None else _array(layer.bias)
    currents: list[Sources] = [()] * n_inputs
    for steps, weights in enumerate(taps):
        past = _past(circuit, name, steps, sources, weights.shape[1])
        offset = None if steps else bias
        for k, rows in enumerate(np.split(np.arange(len(weights)), n_inputs)):
            node = _matrix(weights[rows], None if offset is None else offset[rows])
            part = f"_input_{k}" * (n_inputs > 1) + f"_past_{steps}" * bool(steps)
            currents[k] += (circuit.add(f"{name}{part}", node, past),)
    return currents


def _taps(name: str, convolution: nn.Conv1d) -> list[np.ndarray]:
    """Give the matrix of each tap, the newest step's first.

    NIR's Conv1d runs along space. Time has no steps there, hence no strides; without
    any, a tap is a matrix behind a delay.
    """
    if (stride := convolution.stride[0]) > 1:
        raise InexpressibleError(
            name,
            f"gives one step for {stride}, and all nodes of NIR share one time",
            remedy="train it with strides of 1, or a dense or recurrent network",
        )
    return list(np.moveaxis(_array(weight_of(convolution)), 2, 0)[::-1])


def add_rates(
    circuit: Circuit, linear: nn.Linear, sources: Sources, bins: int, n_steps: int
) -> Sources:
    """Add a linear map of the rates in segments of a window, valid in its last step.

    An integrator counts the spikes of the complete window. At the window's end a delay
    gives its value at the end of a segment; minus its value at the segment's beginning,
    it is the segment's count.
    """
    weights = _array(linear.weight).astype(np.float64)
    bias = _array(linear.bias)
    width = weights.shape[1] // bins
    one_a_spike = nir.I(np.full(width, 1 / circuit.dt))
    counts = circuit.add("head_counts", one_a_spike, sources)
    edges = segment_edges(n_steps, bins)
    per_spike = [
        part / (stop - start)
        for part, (start, stop) in zip(np.split(weights, bins, 1), edges, strict=True)
    ]
    per_spike.append(np.zeros_like(weights[:, :width]))
    logits = []
    for k, (_, stop) in enumerate(edges):
        held = _past(circuit, "head", n_steps - stop, (counts,), width)
        last = bias if stop == n_steps else None
        node = _matrix(per_spike[k] - per_spike[k + 1], last)
        logits.append(circuit.add(f"head_segment_{k}", node, held))
    # One node adds them up, as not every reader sums the inputs of an output.
    return (circuit.scale("head_logits", np.ones(len(weights)), logits),)


def add_membranes(circuit: Circuit, head: MembraneHead, sources: Sources) -> Sources:
    """Add a membrane a class that never fires."""
    node = _matrix(_array(head.linear.weight), _array(head.linear.bias))
    currents = circuit.add("head_weights", node, sources)
    tau = np.exp(_array(head.membranes.learned["log_tau"]).astype(np.float64))
    gain = circuit.rise(tau)
    return (circuit.integrate("head_membrane", tau, (currents,), gain),)


def _past(
    circuit: Circuit, name: str, steps: int, sources: Sources, width: int
) -> Sources:
    """Give the sources as they were some steps ago."""
    if not steps:
        return sources
    return (circuit.delay(f"{name}_delay_{steps}", steps, width, sources),)


def _matrix(weights: np.ndarray, bias: np.ndarray | None) -> nir.NIRNode:
    return nir.Linear(weights) if bias is None else nir.Affine(weights, bias)


def _array(parameter: Tensor) -> np.ndarray:
    return np.array(parameter.detach().cpu().numpy())
