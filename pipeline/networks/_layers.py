"""What networks are made of.

It stands apart from the networks' settings so that reading `params.yaml` does not
import torch.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class Unrolled(nn.Module):
    """A layer of neurons over a whole window; a forward hook sees all its spikes.

    Parameters
    ----------
    neurons : nn.Module
        What `Neuron.build` made.
    spiking : bool
        Whether its outputs are spikes.
    """

    def __init__(self, neurons: nn.Module, *, spiking: bool) -> None:
        super().__init__()
        self.neurons = neurons
        self.spiking = spiking

    def forward(self, currents: Tensor) -> Tensor:
        """Turn currents into outputs, both (time, batch, channel)."""
        return cast("Tensor", self.neurons.run(currents))  # type: ignore[operator]


class CausalConvolution(nn.Module):
    """A strided convolution over time that never looks ahead, normalised.

    Output step j is complete when input step (j + 1)·stride − 1 is in; it covers that
    and the kernel − 1 steps before. An evaluated BatchNorm folds into the kernel.
    """

    def __init__(self, n_in: int, n_out: int, *, kernel: int, stride: int) -> None:
        super().__init__()
        self.padding = kernel - stride
        self.convolution = nn.Conv1d(n_in, n_out, kernel, stride, bias=False)
        self.norm = nn.BatchNorm1d(n_out)

    def forward(self, spikes: Tensor) -> Tensor:
        """Map (time, batch, feature) to currents, (time // stride, batch, channel)."""
        padded = functional.pad(spikes.permute(1, 2, 0), (self.padding, 0))
        currents: Tensor = self.norm(self.convolution(padded))
        return currents.permute(2, 0, 1).contiguous()


class SegmentRates(nn.Module):
    """Mean output of each channel in equal segments of the window.

    For spikes these are counts: a device needs one accumulator a channel and folds the
    constant division into the weights that follow.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, spikes: Tensor) -> Tensor:
        """Map (time, batch, channel) to (batch, bin·channel)."""
        segments = spikes.tensor_split(self.bins)
        return torch.cat([segment.mean(0) for segment in segments], dim=1)
