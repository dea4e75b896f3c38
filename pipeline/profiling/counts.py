"""Counts of a network's work: integers over all windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from pipeline.profiling.words import Moved, NeuronStore, SynapseStore

NO_SYNAPSES, NO_NEURONS = SynapseStore(), NeuronStore()


@dataclass(frozen=True)
class Synapses:
    """The work of the connections of one layer, over all windows.

    Parameters
    ----------
    effective : int
        Nonzero inputs × nonzero weights.
    dense : int
        Inputs × weights, zero or not. Zeros that a convolution pads with itself count
        in neither; zeros that the network pads explicitly are inputs.
    graded : bool
        Whether some input was neither −1, 0 nor 1: MACs, not ACs.
    weights, zero_weights : int
    inputs, nonzero : int
        Values taken in, and how many were not 0.
    outputs, biases : int
        Sums given out, and how many of them had a bias added.
    hidden : bool
        Whether the inputs are outputs of neurons, not those of the network.
    store : SynapseStore
        Of one network, also where several are added up.
    """

    name: str
    effective: int
    dense: int
    graded: bool
    weights: int
    zero_weights: int
    inputs: int = 0
    nonzero: int = 0
    outputs: int = 0
    biases: int = 0
    hidden: bool = False
    store: SynapseStore = NO_SYNAPSES

    def moved(self) -> Iterator[Moved]:
        """List the words read and written."""
        yield from self.store.moved(
            self.effective, self.dense, self.outputs, self.biases, graded=self.graded
        )


@dataclass(frozen=True)
class Neurons:
    """The work of the neurons of one layer, over all windows.

    Parameters
    ----------
    updates : int
        Membranes × steps, also where an update changed nothing; 0 without membranes.
    multiplications : int
        Multiply-accumulates of all updates.
    outputs, nonzero : int
        Values given out, and how many were not 0.
    graded : bool
        Whether some output was neither 0 nor 1.
    rescalings : int
        32-bit multiplications that bring sums to another unit.
    shifted_additions : int
        Shifted additions of the leaks of integer neurons, in all updates.
    accumulated : int
        Values added to accumulators of a read-out.
    store : NeuronStore
        Of one network, also where several are added up.
    """

    name: str
    updates: int
    multiplications: int
    outputs: int
    nonzero: int
    graded: bool = False
    rescalings: int = 0
    shifted_additions: int = 0
    accumulated: int = 0
    store: NeuronStore = NO_NEURONS

    def moved(self) -> Iterator[Moved]:
        """List the words read and written."""
        yield from self.store.moved(
            self.updates,
            self.outputs,
            self.rescalings,
            self.accumulated,
            graded=self.graded,
        )


@dataclass(frozen=True)
class Counted:
    """The work of a network over some windows.

    Parameters
    ----------
    n_windows : int
    window_s : float
        Length of a window, seconds of signal.
    synapses : tuple of Synapses
    neurons : tuple of Neurons
    parameters, footprint_bytes : int
        Of the network as deployed: normalisation folded into the weights; parameters
        and buffers without state. Of integer networks parameters are all numbers kept.
    """

    n_windows: int
    window_s: float
    synapses: tuple[Synapses, ...]
    neurons: tuple[Neurons, ...]
    parameters: int
    footprint_bytes: int

    @property
    def effective_acs(self) -> int:
        """Accumulates: spikes that met nonzero weights."""
        return sum(layer.effective for layer in self.synapses if not layer.graded)

    @property
    def effective_macs(self) -> int:
        """Multiply-accumulates: graded values that met nonzero weights."""
        return sum(layer.effective for layer in self.synapses if layer.graded)

    @property
    def dense_operations(self) -> int:
        """The operations of a machine that skips no zero."""
        return sum(layer.dense for layer in self.synapses)

    @property
    def membrane_updates(self) -> int:
        """Membranes × steps."""
        return sum(layer.updates for layer in self.neurons)

    @property
    def membrane_multiplications(self) -> int:
        """Multiply-accumulates of all membrane updates."""
        return sum(layer.multiplications for layer in self.neurons)

    @property
    def shifted_additions(self) -> int:
        """Shifted additions, by which the neurons of integer networks leak."""
        return sum(layer.shifted_additions for layer in self.neurons)

    @property
    def rescalings(self) -> int:
        """Multiplications that bring sums of integers to another unit."""
        return sum(layer.rescalings for layer in self.neurons)

    @property
    def spikes(self) -> int:
        """Outputs of neurons with membranes that were not 0."""
        return sum(layer.nonzero for layer in self.neurons if layer.updates)

    @property
    def spike_rate(self) -> float | None:
        """Spikes a neuron and step; None without neurons that can spike."""
        outputs = sum(layer.outputs for layer in self.neurons if layer.updates)
        return self.spikes / outputs if outputs else None

    @property
    def activation_sparsity(self) -> float | None:
        """Share of the neurons' outputs that were 0; None without any outputs."""
        outputs = sum(layer.outputs for layer in self.neurons)
        nonzero = sum(layer.nonzero for layer in self.neurons)
        return 1 - nonzero / outputs if outputs else None

    @property
    def connection_sparsity(self) -> float:
        """Share of the weights that are 0; biases are not connections."""
        zeros = sum(layer.zero_weights for layer in self.synapses)
        return zeros / sum(layer.weights for layer in self.synapses)

    def moved(self) -> Iterator[Moved]:
        """List the words that all layers read and wrote."""
        for synapses in self.synapses:
            yield from synapses.moved()
        for neurons in self.neurons:
            yield from neurons.moved()

    def without_hidden_spikes(self) -> "Counted":
        """Give what would be left if no neuron fired: input, updates, biases."""
        synapses = (
            replace(layer, effective=0, nonzero=0) if layer.hidden else layer
            for layer in self.synapses
        )
        neurons = (replace(layer, nonzero=0, accumulated=0) for layer in self.neurons)
        return replace(self, synapses=tuple(synapses), neurons=tuple(neurons))


Layer = TypeVar("Layer", Synapses, Neurons)


def pooled(parts: Sequence[Counted]) -> Counted:
    """Add up counts of one topology: of several batches, or of every fold's network."""
    synapses = zip(*(part.synapses for part in parts), strict=True)
    neurons = zip(*(part.neurons for part in parts), strict=True)
    return replace(
        parts[0],
        n_windows=sum(part.n_windows for part in parts),
        synapses=tuple(map(_total, synapses)),
        neurons=tuple(map(_total, neurons)),
    )


def _total(layers: Sequence[Layer]) -> Layer:
    integers = [field.name for field in fields(layers[0]) if field.type is int]
    return replace(
        layers[0],
        graded=any(layer.graded for layer in layers),
        **{n: sum(getattr(layer, n) for layer in layers) for n in integers},
    )
