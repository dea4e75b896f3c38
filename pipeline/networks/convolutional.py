"""A small causal convolutional network over time."""

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PositiveInt, model_validator

from pipeline.errors import ConfigError
from pipeline.networks.base import Network, Shape
from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from torch import nn

Counts = Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=8)]


class Convolutional(Network):
    """Strided causal convolutions, each with its neurons; a read-out of their rates.

        spikes ─► [convolution ─► norm ─► neurons] × layers ─► rates ─► linear

    The strides make every layer slower than the one before, so the deeper neurons make
    few steps; with leaky neurons the membranes carry memory beyond the kernels. The
    read-out sees in which segment of the window a neuron fired.
    """

    channels: Counts = (24, 48)
    kernels: Counts = (11, 7)
    strides: Counts = (4, 2)
    bins: Annotated[
        int, Field(ge=1, le=64, description="segments of the window that are read out")
    ] = 8
    dropout: Annotated[
        float, Field(ge=0, lt=1, description="share of rates dropped in training")
    ] = 0.2

    @model_validator(mode="after")
    def _check_layers(self) -> "Convolutional":
        if not len(self.channels) == len(self.kernels) == len(self.strides):
            raise ValueError("channels, kernels and strides differ in length")
        if any(k < s for k, s in zip(self.kernels, self.strides, strict=True)):
            raise ValueError("a kernel shorter than its stride would skip steps")
        return self

    def build(self, shape: Shape, neuron: Neuron) -> "nn.Module":
        """Make the network.

        Raises
        ------
        ConfigError
            The windows are too short for the strides and segments.
        """
        from torch import nn

        from pipeline.networks._layers import SegmentRates

        self._check_length(shape)
        n_rates = self.bins * self.channels[-1]
        return nn.Sequential(
            *self._layers(shape, neuron),
            SegmentRates(self.bins),
            nn.Dropout(self.dropout),
            nn.Linear(n_rates, shape.n_classes),
        )

    def _layers(self, shape: Shape, neuron: Neuron) -> "list[nn.Module]":
        from pipeline.networks._layers import CausalConvolution, Unrolled

        dt, layers = shape.dt, []
        widths = pairwise((shape.n_features, *self.channels))
        for (n_in, n_out), kernel, stride in zip(
            widths, self.kernels, self.strides, strict=True
        ):
            dt *= stride
            layers += [
                CausalConvolution(n_in, n_out, kernel=kernel, stride=stride),
                Unrolled(neuron.build(n_out, dt=dt), spiking=neuron.spiking),
            ]
        return layers

    def _check_length(self, shape: Shape) -> None:
        n_steps = shape.n_steps // prod(self.strides)
        if n_steps < self.bins:
            raise ConfigError(
                "params.yaml: models.*.network",
                f"windows of {shape.n_steps} steps leave {n_steps} after strides "
                f"{self.strides}, for {self.bins} bins",
                expected="at least one step a bin",
                remedy="fewer bins, shorter strides, or longer windows",
            )
