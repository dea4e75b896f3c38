"""The interface of every neuron model."""

from abc import abstractmethod
from typing import TYPE_CHECKING

from pipeline.components import Component

if TYPE_CHECKING:
    from torch import nn

    from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


class Neuron(Component):
    """A neuron model and the values its learning starts from."""

    @classmethod
    @abstractmethod
    def equations(cls) -> str:
        """Name its equations.

        The file of this name in `pipeline/quantization/neurons` has them in integers,
        if there is one, and the file in C beside it.
        """

    @property
    @abstractmethod
    def spiking(self) -> bool:
        """Whether it has a state and gives out spikes (False for the matched ANN)."""

    @property
    def inputs(self) -> int:
        """Currents that one neuron takes: its dendritic branches, 1 without any."""
        return 1

    @property
    def slowest_s(self) -> float:
        """Longest time constant before learning, seconds; 0 without any."""
        return 0.0

    @property
    def multiplications(self) -> int:
        """Multiply-accumulates that one neuron's state costs a step, spikes or not."""
        return 0

    @abstractmethod
    def build(self, shape: tuple[int, ...], *, dt: float) -> "nn.Module":
        """Make a layer of such neurons.

        Parameters
        ----------
        shape : tuple of int
            Neurons of the layer: channels first, then positions if there are any.
        dt : float
            Seconds a step.

        Returns
        -------
        layer : nn.Module
            `outputs, *state = layer(current, *state)` makes one step, in snnTorch's
            convention, with current and outputs of shape (batch, *shape); a neuron with
            several inputs takes (batch, inputs·channels).
            `layer.initial_state(current)` gives the state before the first step, a
            tuple. `outputs, *state = layer.run(currents, *state)` makes many, with
            currents and outputs of shape (time, batch, ...); without a state it begins
            with the initial one. `layer.model` is this neuron, and
            `layer.update_words()` counts the words that an update moves.
        """

    def to_nir(
        self, circuit: "Circuit", values: "LayerValues", currents: "Currents"
    ) -> "Added":
        """Add a layer of such neurons to a graph of NIR.

        Parameters
        ----------
        circuit : Circuit
        values : LayerValues
            Of the layer.
        currents : sequence of tuple of str
            For each input of the neurons, the nodes whose sum it takes.

        Returns
        -------
        entries : tuple of str
            For each input, the node that takes it: where recurrent currents go too.
        spikes : str
            The node that gives out spikes.

        Raises
        ------
        InexpressibleError
            NIR has no exact form of such neurons.
        """
        raise values.refuse(
            "their equations are not written in NIR's nodes",
            remedy=f"write the method to_nir of {type(self).__name__}",
        )
