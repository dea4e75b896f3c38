"""The base class of network topologies."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from pipeline.components import Component
from pipeline.neurons.base import Neuron

if TYPE_CHECKING:
    from pipeline.networks.parts.reward_settings import RewardReadOut
    from pipeline.networks.parts.stack import Stack


MEMBRANE_TAU_S = 0.1
"""Time constant of a class's membrane before it learns, seconds."""

Restart = Literal["never", "windows", "blocks"]
"""When a network's state starts anew, besides where persons and recordings change."""


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


class LocalLearning(Protocol):
    """The settings of a layer that learns by local rules, and of its read-out."""

    @property
    def windows(self) -> int:
        """Training windows that the layer sees."""

    @property
    def first_weights(self) -> tuple[float, float]:
        """Ends of what its weights are drawn from, in shares of the largest."""

    @property
    def reward(self) -> "RewardReadOut | None":
        """The read-out that learns from reward; None: it learns by gradients."""


class Network(Component):
    """A topology; any neuron fits in it, `relu` makes the matched ANN."""

    own_neurons: ClassVar[bool] = False
    """Whether it brings neurons of its own, and so takes none."""

    @property
    def is_oracle(self) -> bool:
        """Whether it is given what no device has: it is for comparison only."""
        return False

    @property
    def local(self) -> LocalLearning | None:
        """How its layer learns by local rules; None: all learns by gradients."""
        return None

    @property
    def restarts(self) -> Restart:
        """When its state starts anew."""
        return "windows"

    @property
    def learns_activity(self) -> bool:
        """Whether gradients can change the activity of its layers."""
        return True

    @property
    def prunable(self) -> bool:
        """Whether any of its weights learn by gradients, and can be pruned."""
        return True

    @property
    def mixes_persons(self) -> bool:
        """Whether in training it computes anything from several persons together."""
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
    def build(self, shape: Shape, neuron: Neuron) -> "Stack":
        """Make the network.

        Returns
        -------
        network : Stack
            Maps spikes of shape (time, batch, feature), float32 of 0 and 1, to logits
            of shape (batch, class).
        """
