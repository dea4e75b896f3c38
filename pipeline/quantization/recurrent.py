"""Recurrent layers in integers: any neurons, whose own outputs add to their sums."""

from typing import cast

import torch
from torch import Tensor, nn

from pipeline.networks.parts.layers import Unrolled
from pipeline.neurons.parts.layer import UpdateWords
from pipeline.quantization.neurons.base import IntegerNeurons
from pipeline.quantization.scales import LinearMap
from pipeline.quantization.weights import IntegerLinear

LIFTED = 7
"""Bits by which a spike counts more than one of the 127 steps of an activation."""


class IntegerRecurrent(Unrolled):
    """Integer neurons that are connected to all of their layer, a step later.

    ::

        i[t] = ((Σ weight·input[t]) ≪ lift) + (Σ own·output[t−1]),   output[−1] = 0

    Both sums are in one unit, so a neuron's recurrent weights share the scale of its
    others. Activations count 127 steps where a spike counts one: their layers lift the
    sum of spikes. The state begins with the last outputs.

    Parameters
    ----------
    neurons : IntegerNeurons
    weight : Tensor, shape (neuron, neuron), int8
        Of neurons with branches (branch·neuron, neuron).
    lift : int
    """

    neurons: IntegerNeurons

    def __init__(self, neurons: IntegerNeurons, weight: Tensor, *, lift: int) -> None:
        nn.Module.__init__(self)
        self.constants = {"lift": lift}
        self.lift = lift
        self.neurons = neurons
        self.recurrent = IntegerLinear(weight)
        self.width, self.dt, self.spiking = neurons.width, neurons.dt, neurons.spiking
        self.multiplications, self.rescales = neurons.multiplications, neurons.rescales

    @property
    def recurrent_weights(self) -> IntegerLinear:
        """The weights from its outputs to its own neurons."""
        return self.recurrent

    def update_words(self) -> UpdateWords:
        """Count the words of its neurons."""
        return self.neurons.update_words()

    def shifted_additions(self) -> int:
        """Count the shifted additions of its neurons."""
        return self.neurons.shifted_additions()

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into outputs and the last state."""
        outputs = currents.new_empty(*currents.shape[:2], self.width)
        before, *inner = state or (torch.zeros_like(outputs[0]),)
        for step, current in enumerate(currents.unbind(0)):
            driven = (current << self.lift) + self.recurrent(before).long()
            given, *inner = self.neurons(driven[None], *inner)
            outputs[step] = before = given[0]
        return outputs, before, *inner


def neurons_of(unrolled: Unrolled) -> Unrolled:
    """Give the neurons of a layer in integers, without its recurrent weights."""
    recurrent = isinstance(unrolled, IntegerRecurrent)
    return cast("IntegerNeurons", unrolled.neurons) if recurrent else unrolled


def quantise_recurrent(
    kind: type[IntegerNeurons], inputs: LinearMap, neurons: Unrolled, scale: float
) -> tuple[Tensor, IntegerRecurrent]:
    """Put a recurrent layer's weights and neurons in integers, as one map of inputs.

    Parameters
    ----------
    kind : type
        The integer form of the neurons.
    inputs : LinearMap
        Those of other layers.
    neurons : Unrolled
        With recurrent weights.
    scale : float
        The size of one step of their activations, if they are graded.

    Raises
    ------
    QuantizationError
        Their numbers might overflow.
    """
    own = cast("nn.Linear", neurons.recurrent_weights).weight.detach().double()
    most, lift = kind.largest(neurons), 0
    if not neurons.spiking:
        own = own * scale
        lift = LIFTED if inputs.most == 1 else 0
    flat = inputs.weights.flatten(1) / 2**lift
    weights, most = torch.cat([flat, own], 1), max(inputs.most << lift, most)
    both = LinearMap(inputs.name, weights, inputs.bias, most)
    integers, made = kind.quantise(both, neurons, scale)
    first, recurrent = integers[:, : flat.shape[1]], integers[:, flat.shape[1] :]
    layer = IntegerRecurrent(made, recurrent, lift=lift)
    return first.reshape_as(inputs.weights), layer
