"""What every neuron model does."""

from abc import abstractmethod
from typing import TYPE_CHECKING

from pipeline.components import Component

if TYPE_CHECKING:
    from torch import nn


class Neuron(Component):
    """A neuron model and the values its learning starts from."""

    @property
    @abstractmethod
    def spiking(self) -> bool:
        """Whether the output is binary spikes (False for the matched ANN)."""

    @abstractmethod
    def build(self, n_channels: int, *, dt: float) -> "nn.Module":
        """Make a layer of such neurons.

        Parameters
        ----------
        n_channels : int
            Neurons of the layer (dynamics may be shared or learned per channel).
        dt : float
            Seconds a step.

        Returns
        -------
        layer : nn.Module
            `spikes, *state = layer(current, *state)` makes one step with current of
            shape (batch, n_channels), in snnTorch's convention;
            `layer.initial_state(current)` gives the state before the first step, a
            tuple; `layer.run(currents)` takes (time, batch, n_channels) and returns the
            outputs of the same shape.
        """
