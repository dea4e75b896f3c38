"""The base class of network topologies."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.components import Component
from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from torch import nn


MEMBRANE_TAU_S = 0.1
"""Time constant of a class's membrane before it learns, seconds."""


@dataclass(frozen=True)
class Shape:
    """The contract of a network: windows of spikes in, one logit a class out.

    Parameters
    ----------
    n_steps, n_features, n_classes : int
    dt : float
        Seconds a step.
    labels : sequence of str
        The classes in order.
    parts : sequence of (str, int)
        The parts of the code, each with its number of features, in their order.
    """

    n_steps: int
    n_features: int
    n_classes: int
    dt: float
    labels: Sequence[str] = ()
    parts: Sequence[tuple[str, int]] = ()


class Network(Component):
    """A topology; any neuron fits in it, `relu` makes the matched ANN."""

    @property
    def is_oracle(self) -> bool:
        """Whether it is given what no device has: it is for comparison only."""
        return False

    def check(self, neuron: Neuron) -> None:
        """Refuse a neuron that cannot be in it; most take any.

        Raises
        ------
        ConfigError
        """
        return

    def check_shape(self, shape: Shape) -> None:
        """Refuse windows that it cannot read; most take any.

        Raises
        ------
        ConfigError
        """
        return

    @abstractmethod
    def build(self, shape: Shape, neuron: Neuron) -> "nn.Module":
        """Make the network.

        Returns
        -------
        network : nn.Module
            Maps spikes of shape (time, batch, feature), float32 of 0 and 1, to logits
            of shape (batch, class).
        """
