"""The decisions of a network before the end of a window.

The running logits of a read-out are its logits if no further spike arrived: rates and
counts take the missing steps as silent; membranes and class neurons are read in their
present state. They are read at up to 8 moments, at equal distances but for rounding;
rates are read at the ends of segments, and the last moment is the end of the window.
Layers are causal: the beginning of a window gives the same running logits as the full
window, in integers bit for bit.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.networks.parts.stack import Stack
from pipeline.training.batches import Windows

MOST_MOMENTS = 8
AT_ONCE = 64


@dataclass(frozen=True)
class Moments:
    """The moments at which a network's decision is read, for windows of one length.

    Parameters
    ----------
    read : tuple of int
        Steps that the read-out has seen by then; the last is that of the full window.
    steps : tuple of int
        Steps of the window that this takes; the last is the number of all steps.
    """

    read: tuple[int, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Running:
    """The decisions of a network at each moment of its windows.

    Parameters
    ----------
    decisions : array, shape (moment, window), int64
        The class with the highest running logit.
    gaps : array, shape (moment, window)
        Difference of the two highest; integers for an integer network.
    """

    decisions: np.ndarray
    gaps: np.ndarray


def moments(network: Stack, windows: Windows) -> Moments:
    """Choose the moments, from the steps that the network's layers make of a window."""
    n_read = len(_outputs(network, windows.spikes(torch.arange(1))))
    ends = network.head.ends(n_read)
    number = min(MOST_MOMENTS, len(ends))
    read = [ends[-(-len(ends) * k // number) - 1] for k in range(1, number + 1)]
    steps = [network.stride * stop for stop in read[:-1]]
    return Moments(tuple(read), (*steps, windows.n_steps))


def running(network: Stack, windows: Windows, when: Moments) -> Running:
    """Run full windows, and read the decision at every moment."""
    decisions, gaps = [], []
    for rows in torch.split(torch.arange(len(windows.first)), AT_ONCE):
        logits = running_logits(network, windows.spikes(rows), when)
        top = logits.topk(2, dim=2).values
        decisions.append(logits.argmax(2))
        gaps.append(top[..., 0] - top[..., 1])
    return Running(torch.cat(decisions, 1).numpy(), torch.cat(gaps, 1).numpy())


def running_logits(network: Stack, spikes: Tensor, when: Moments) -> Tensor:
    """Compute the running logits of windows, (moment, batch, class)."""
    network.eval()
    with torch.no_grad():
        outputs = _outputs(network, spikes)
        logits = [
            _logits_after(network, outputs[:stop], when.read[-1]) for stop in when.read
        ]
    return torch.stack(logits)


class LengthAware(Stack):
    """A network whose read-out knows the length of the full window."""

    def __init__(self, network: Stack, n_read: int) -> None:
        super().__init__(network.layers, network.head)
        self.n_read = n_read

    def forward(self, spikes: Tensor) -> Tensor:
        """Map the beginnings of windows to running logits."""
        return _logits_after(self, _outputs(self, spikes), self.n_read)


def _outputs(network: Stack, spikes: Tensor) -> Tensor:
    """Give the outputs of the last layer: (time, batch, channel)."""
    values = spikes
    with torch.no_grad():
        for layer in network.layers:
            values, *_ = layer(values, None)
    return values


def _logits_after(network: Stack, outputs: Tensor, n_read: int) -> Tensor:
    """Compute the logits after the first steps of `n_read`; (batch, class).

    For rates and counts, silent steps are appended: they add nothing, and the counters
    of the read-out find every segment in its place.
    """
    head = network.head
    if head.averages:
        missing = n_read - len(outputs)
        outputs = functional.pad(outputs, (0, 0, 0, 0, 0, missing))
    return head.logits([head.read(outputs, 0, n_read)])
