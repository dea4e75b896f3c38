"""What a read-out needs to add itself to a graph of NIR."""

from typing import Protocol

from torch import Tensor, nn

from pipeline.neurons.parts.circuit import InexpressibleError, Sources


class NirNodes(Protocol):
    """Adds nodes of NIR behind the outputs of the last layer.

    Each gives the nodes whose sum is the logits in the last step of a window.
    """

    def rates(self, linear: nn.Linear, bins: int) -> Sources:
        """Add a linear map of the mean outputs in so many segments."""

    def membranes(self, linear: nn.Linear, log_tau: Tensor) -> Sources:
        """Add a linear map and leaky membranes that never fire, one a class.

        `log_tau` is the logarithm of each one's time constant in seconds.
        """

    def traces(self, linear: nn.Linear, log_tau: Tensor, n_classes: int) -> Sources:
        """Add a bank of membranes a class that never fire, and their sum."""

    def refusal(self, reason: str) -> InexpressibleError:
        """Name the read-out, and why NIR has no exact form of it."""
