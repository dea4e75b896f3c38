"""A perceptron of snnTorch's leaky neurons, stepped from outside or by itself."""

from itertools import pairwise

import snntorch
import torch
from torch import Tensor, nn

HIDDEN, BETA = (128, 64), 0.9


class Stepped(nn.Module):
    """It takes the spikes of a step."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        widths = (n_inputs, *HIDDEN, n_outputs)
        pairs = pairwise(widths)
        self.linear = nn.ModuleList(nn.Linear(*pair) for pair in pairs)
        self.neurons = nn.ModuleList(snntorch.Leaky(BETA) for _ in widths[1:])

    def forward(self, spikes: Tensor) -> Tensor:
        """Pass the layers."""
        for linear, neurons in zip(self.linear, self.neurons, strict=True):
            spikes, _ = neurons(linear(spikes))
        return spikes


class Looping(Stepped):
    """It takes all steps."""

    def forward(self, spikes: Tensor) -> Tensor:
        """Begin anew, and step through time."""
        states = [neurons.reset_mem() for neurons in self.neurons]
        outputs = []
        for values in spikes.unbind(0):
            for k, linear in enumerate(self.linear):
                values, states[k] = self.neurons[k](linear(values), states[k])
            outputs.append(values)
        return torch.stack(outputs)
