"""Weights and read-outs in NIR's primitives."""

from dataclasses import dataclass
from itertools import pairwise

import nir
import numpy as np
from torch import Tensor, nn

from pipeline.networks.parts.heads import segment_edges
from pipeline.networks.parts.weights import Taps, linear_of, taps_of
from pipeline.neurons.parts.circuit import Circuit, InexpressibleError, Sources


def add_weights(
    circuit: Circuit, name: str, layer: nn.Module, sources: Sources, n_inputs: int
) -> tuple[Circuit, list[Sources]]:
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
    circuit : Circuit
        Slower than the one that was given where the layer has a stride.
    currents : list of tuple of str
        For each input of the neurons, the nodes that add up to its current.

    Raises
    ------
    InexpressibleError
        NIR has no counterpart of the layer.
    """
    if (taps := taps_of(layer)) is None:
        kind = type(layer).__name__
        raise InexpressibleError(name, f"a {kind} has no counterpart in NIR")
    linear = linear_of(layer)
    bias = None if linear.bias is None else _array(linear.bias)
    slower = circuit.slowed(taps.stride)
    seen = _seen(circuit, slower, name, taps, sources)
    currents: list[Sources] = [()] * n_inputs
    for steps, past, weights in zip(*seen, map(_array, taps.matrices), strict=True):
        offset = None if steps else bias
        for k, rows in enumerate(np.split(np.arange(len(weights)), n_inputs)):
            part = f"_input_{k}" * (n_inputs > 1) + f"_past_{steps}" * bool(steps)
            own = None if offset is None else offset[rows]
            currents[k] += _matrix(slower, f"{name}{part}", weights[rows], own, past)
    return slower, currents


def _seen(
    circuit: Circuit, slower: Circuit, name: str, taps: Taps, sources: Sources
) -> tuple[list[int], list[Sources]]:
    """Add what each tap sees: the steps that it looks back, and what was there.

    NIR's Conv1d runs along space, and time has no steps there: a tap is a matrix behind
    a delay. Where the layer is slower than its sources, a gate follows.
    """
    width = taps.matrices.shape[2]
    ago = [number * taps.spacing for number in range(len(taps.matrices))]
    seen = [_past(circuit, name, steps, sources, width) for steps in ago]
    if taps.stride > 1:
        ticks = slower.constant(f"{name}_ticks", np.ones(width))
        seen = [
            (slower.gate(f"{name}_gate_{steps}", past, ticks, width),)
            for steps, past in zip(ago, seen, strict=True)
        ]
    return ago, seen


@dataclass(frozen=True)
class ReadOutNodes:
    """Adds the nodes of a read-out behind the outputs of the last layer.

    Parameters
    ----------
    circuit : Circuit
    sources : tuple of str
        The nodes whose sum is those outputs.
    n_steps : int
        Outputs of that layer in a window.
    """

    circuit: Circuit
    sources: Sources
    n_steps: int

    def rates(self, linear: nn.Linear, bins: int) -> Sources:
        """Add a linear map of the mean outputs in so many segments."""
        return _add_rates(self.circuit, linear, self.sources, bins, self.n_steps)

    def membranes(self, linear: nn.Linear, log_tau: Tensor) -> Sources:
        """Add a membrane a class that never fires."""
        membranes = self._integrated(linear, log_tau)
        return (self.circuit.hold("head_logits", membranes, linear.out_features),)

    def traces(self, linear: nn.Linear, log_tau: Tensor, n_classes: int) -> Sources:
        """Add a bank of membranes a class that never fire, and their sum."""
        traces = self._integrated(linear, log_tau)
        node = nir.Linear(np.tile(np.eye(n_classes), linear.out_features // n_classes))
        added = self.circuit.add("head_sum", node, (traces,))
        return (self.circuit.hold("head_logits", added, n_classes),)

    def _integrated(self, linear: nn.Linear, log_tau: Tensor) -> str:
        weights, bias = _array(linear.weight), _array(linear.bias)
        name = "head_weights"
        currents = _matrix(self.circuit, name, weights, bias, self.sources)
        tau = np.exp(_array(log_tau).astype(np.float64))
        gain = self.circuit.rise(tau)
        return self.circuit.integrate("head_membrane", tau, currents, gain)

    def refusal(self, reason: str) -> InexpressibleError:
        """Name the read-out, and why NIR has no exact form of it."""
        return InexpressibleError("head", reason)


def _add_rates(
    circuit: Circuit, linear: nn.Linear, sources: Sources, bins: int, n_steps: int
) -> Sources:
    """Add a linear map of the rates in segments of the last `n_steps` steps.

    An integrator counts the spikes since the start. A delay gives its value at the end
    of a segment; minus its value at the segment's beginning, it is the segment's count:
    in the last step of a window, and at every step of a stream.
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
    nothing = np.zeros_like(weights[:, :width])
    logits = []
    borders = [0, *(stop for _, stop in edges)]
    pairs = pairwise([nothing, *per_spike, nothing])
    for k, (border, (before, after)) in enumerate(zip(borders, pairs, strict=True)):
        held = _past(circuit, "head", n_steps - border, (counts,), width)
        change = before - after
        # Counts and bias are there between ticks too.
        ended = nir.Affine(change, bias) if border == n_steps else nir.Linear(change)
        logits.append(circuit.add(f"head_border_{k}", ended, held))
    # One node adds them up, as not every reader sums the inputs of an output.
    return (circuit.scale("head_logits", np.ones(len(weights)), logits),)


def _past(
    circuit: Circuit, name: str, steps: int, sources: Sources, width: int
) -> Sources:
    """Give the sources as they were some steps ago."""
    if not steps:
        return sources
    return (circuit.delay(f"{name}_delay_{steps}", steps, width, sources),)


def _matrix(
    circuit: Circuit,
    name: str,
    weights: np.ndarray,
    bias: np.ndarray | None,
    sources: Sources,
) -> Sources:
    """Add a matrix; its bias is silent between ticks, as the sources are."""
    if bias is None:
        return (circuit.add(name, nir.Linear(weights), sources),)
    if circuit.every == 1:
        return (circuit.add(name, nir.Affine(weights, bias), sources),)
    product = circuit.add(name, nir.Linear(weights), sources)
    return product, circuit.constant(f"{name}_bias", bias)


def _array(parameter: Tensor) -> np.ndarray:
    return np.array(parameter.detach().cpu().numpy())
