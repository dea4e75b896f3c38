"""A network of dense layers."""

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PositiveInt

from pipeline.networks.base import Shape
from pipeline.networks.parts.settings import LayeredNetwork
from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from torch import nn

    from pipeline.networks.parts.layers import Unrolled
    from pipeline.networks.parts.stack import Layer, Stack
    from pipeline.networks.parts.weights import Weights


class Dense(LayeredNetwork):
    """Each neuron is connected to every neuron of the layer before, at the same step.

        spikes ─► [weights ─► neurons] × layers ─► read-out

    What it remembers of the past is in its neurons' states alone. Without layers it is
    a linear read-out of the spikes, and has no neurons: what layers are to improve on.
    """

    units: Annotated[
        tuple[PositiveInt, ...],
        Field(max_length=8, description="neurons of every layer; none: no layers"),
    ] = (128, 64)
    bias: bool = True
    recompute: Annotated[
        bool,
        Field(description="train in memory that grows as √steps, up to twice as slow"),
    ] = False

    @property
    def learns_activity(self) -> bool:
        """Only layers have activity."""
        return bool(self.units)

    def build(self, shape: Shape, neuron: Neuron) -> "Stack":
        """Make the network."""
        network = super().build(shape, neuron)
        network.recompute = self.recompute
        return network

    def n_read(self, shape: Shape) -> int:
        """Count every step."""
        return shape.n_steps

    def layers(self, shape: Shape, neuron: Neuron) -> "list[Layer]":
        """Make the layers."""
        from pipeline.networks.parts.stack import Layer

        widths = pairwise((shape.n_features, *self.units))
        layers = [
            Layer(
                self.weights(n_in, n_out, neuron, first=not k),
                self.unrolled(neuron, n_out, dt=shape.dt),
                dropout=self.dropout,
            )
            for k, (n_in, n_out) in enumerate(widths)
        ]
        if layers:
            layers[-1].dropout = 0.0
        return layers

    def weights(
        self, n_in: int, n_out: int, neuron: Neuron, *, first: bool
    ) -> "Weights | nn.Linear":
        """Make the weights of a layer, the first one or another."""
        from pipeline.networks.parts.scaled import dense_weights

        return dense_weights(n_in, n_out, neuron.inputs, bias=self.bias)

    def unrolled(self, neuron: Neuron, width: int, *, dt: float) -> "Unrolled":
        """Make the neurons of a layer."""
        from pipeline.networks.parts.layers import Unrolled

        return Unrolled(neuron, width, dt=dt)
