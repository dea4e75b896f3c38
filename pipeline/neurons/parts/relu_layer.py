"""The layer of rectified linear units."""

import torch
from torch import Tensor, nn

from pipeline.neurons.base import Neuron
from pipeline.neurons.parts.layer import UpdateWords


class ReluLayer(nn.Module):
    """Rectified linear units, each step by itself.

    Parameters
    ----------
    model : Neuron
        Their settings.
    """

    def __init__(self, model: Neuron) -> None:
        super().__init__()
        self.model = model

    def initial_state(self, current: Tensor) -> tuple[Tensor, ...]:
        """Make no state."""
        return ()

    def update_words(self) -> UpdateWords:
        """Count none: there is nothing to keep."""
        return UpdateWords(0, 0, 0, constants=0)

    def forward(self, current: Tensor) -> tuple[Tensor]:
        """Rectify a current of any shape."""
        return (torch.relu(current),)

    def run(self, currents: Tensor) -> tuple[Tensor]:
        """Rectify all steps at once: they do not depend on each other."""
        return (torch.relu(currents),)
