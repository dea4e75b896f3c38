"""What was counted of a network's work: integers over all windows."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

RULES = (
    "a synaptic operation is one nonzero input meeting one nonzero weight: an "
    "accumulate if all inputs of the layer are -1, 0 or 1, else a multiply-accumulate",
    "several events at once, as of multisynaptic neurons, are one multiply-accumulate",
    "normalisation is folded into the weights; biases are not counted",
    "a linear read-out of spike rates adds one row of weights a spike",
    "every membrane is updated at every step, by as many multiply-accumulates as its "
    "equations have, without those of spikes and thresholds; exponentials are free",
    "recurrent weights meet the outputs of the step before",
    "a weight that a mask hides is a weight of zero",
    "dense operations take no input and no weight for zero; zeros that a layer pads "
    "with are not inputs, zeros that come before a window are",
)
"""What is counted, and how."""


@dataclass(frozen=True)
class Synapses:
    """What the connections of one layer did, over all windows.

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
    """

    name: str
    effective: int
    dense: int
    graded: bool
    weights: int
    zero_weights: int


@dataclass(frozen=True)
class Neurons:
    """What the neurons of one layer did, over all windows.

    Parameters
    ----------
    updates : int
        Membranes × steps, also where an update changed nothing; 0 without membranes.
    multiplications : int
        Multiply-accumulates of all updates.
    outputs, nonzero : int
        Values given out, and how many were not 0.
    """

    name: str
    updates: int
    multiplications: int
    outputs: int
    nonzero: int


@dataclass(frozen=True)
class Counted:
    """What a network did over some windows.

    Parameters
    ----------
    n_windows : int
    window_s : float
        Length of a window, seconds of signal.
    synapses : tuple of Synapses
    neurons : tuple of Neurons
    parameters, footprint_bytes : int
        Of the network as deployed: normalisation folded into the weights; parameters
        and buffers without state.
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
        """What a machine that skips no zero would do."""
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


Layer = TypeVar("Layer", Synapses, Neurons)


def pooled(parts: Sequence[Counted]) -> Counted:
    """Add up counts of one topology: of several batches, or of every fold's network."""
    synapses = zip(*(part.synapses for part in parts), strict=True)
    neurons = zip(*(part.neurons for part in parts), strict=True)
    return replace(
        parts[0],
        n_windows=sum(part.n_windows for part in parts),
        synapses=tuple(
            replace(_total(layers), graded=any(layer.graded for layer in layers))
            for layers in synapses
        ),
        neurons=tuple(map(_total, neurons)),
    )


def _total(layers: Sequence[Layer]) -> Layer:
    integers = [field.name for field in fields(layers[0]) if field.type is int]
    return replace(
        layers[0], **{n: sum(getattr(layer, n) for layer in layers) for n in integers}
    )
