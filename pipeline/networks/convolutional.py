"""A small causal convolutional network over time."""

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from pipeline.networks.base import Shape
from pipeline.networks.parts.settings import Counts, LayeredNetwork
from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from pipeline.networks.parts.stack import Layer


class Convolutional(LayeredNetwork):
    """Strided causal convolutions, each with its neurons.

        spikes ─► [convolution ─► norm ─► neurons] × layers ─► read-out

    The strides make every layer slower than the one before, so the deeper neurons make
    few steps; with leaky neurons the membranes carry memory beyond the kernels. The
    read-out of rates sees in which segment of the window a neuron fired.

    It does not compute pieces of time again to save memory, as the other networks can:
    the norm takes its mean and spread in training over the full window, so no piece
    can be computed without the others. The strides save memory already.
    """

    channels: Counts = (24, 48)
    kernels: Counts = (11, 7)
    strides: Counts = (4, 2)
    norm: Annotated[
        Literal["batch", "none"], Field(description="of currents, over a batch")
    ] = "batch"

    @model_validator(mode="after")
    def _check_layers(self) -> "Convolutional":
        if not len(self.channels) == len(self.kernels) == len(self.strides):
            raise ValueError("channels, kernels and strides differ in length")
        if any(k < s for k, s in zip(self.kernels, self.strides, strict=True)):
            raise ValueError("a kernel shorter than its stride would skip steps")
        return self

    @property
    def mixes_persons(self) -> bool:
        """A norm takes its mean and spread over a batch."""
        return self.norm == "batch"

    def n_read(self, shape: Shape) -> int:
        """Count what the strides leave of a window."""
        return shape.n_steps // prod(self.strides)

    def layers(self, shape: Shape, neuron: Neuron) -> "list[Layer]":
        """Make the layers."""
        from pipeline.networks.parts.layers import CausalConvolution, Unrolled
        from pipeline.networks.parts.stack import Layer

        dt, layers = shape.dt, []
        widths = pairwise((shape.n_features, *self.channels))
        for (n_in, n_out), kernel, stride in zip(
            widths, self.kernels, self.strides, strict=True
        ):
            dt *= stride
            weights = CausalConvolution(
                n_in,
                n_out,
                kernel=kernel,
                stride=stride,
                branches=neuron.inputs,
                normalised=self.norm == "batch",
            )
            layers.append(Layer(weights, Unrolled(neuron, n_out, dt=dt)))
        return layers
