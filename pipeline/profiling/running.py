"""The decisions of a network before the end of a window, and its operations until then.

The running logits of a read-out are its logits if no further spike arrived: rates and
counts take the missing steps as silent; membranes and class neurons are read in their
present state. They are read at up to 8 moments, at equal distances but for rounding;
rates are read at the ends of segments, and the last moment is the end of the window.
Layers are causal: the beginning of a window gives the same running logits as the full
window, in integers bit for bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.parts.heads import SegmentRates, segment_edges
from pipeline.networks.parts.stack import Stack
from pipeline.networks.parts.step_heads import CountHead
from pipeline.profiling.counts import Counted, pooled
from pipeline.profiling.operations import count
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


def moments(network: nn.Module, windows: Windows) -> Moments:
    """Choose the moments, from the steps that the network's layers make of a window."""
    stack: Any = network
    n_read = len(_outputs(stack, windows.spikes(torch.arange(1))))
    stride = round(stack.layers[-1].unrolled.dt / windows.dt) if stack.layers else 1
    rates = getattr(stack.head, "rates", getattr(stack.head, "gates", None))
    ends = (
        [stop for _, stop in segment_edges(n_read, rates.bins)]
        if rates is not None
        else list(range(1, n_read + 1))
    )
    number = min(MOST_MOMENTS, len(ends))
    read = [ends[-(-len(ends) * k // number) - 1] for k in range(1, number + 1)]
    return Moments(
        tuple(read), (*(stride * stop for stop in read[:-1]), windows.n_steps)
    )


def running(network: nn.Module, windows: Windows, when: Moments) -> Running:
    """Run full windows, and read the decision at every moment."""
    decisions, gaps = [], []
    for rows in torch.split(torch.arange(len(windows.first)), AT_ONCE):
        logits = running_logits(network, windows.spikes(rows), when)
        top = logits.topk(2, dim=2).values
        decisions.append(logits.argmax(2))
        gaps.append(top[..., 0] - top[..., 1])
    return Running(torch.cat(decisions, 1).numpy(), torch.cat(gaps, 1).numpy())


def running_logits(network: nn.Module, spikes: Tensor, when: Moments) -> Tensor:
    """Compute the running logits of windows, (moment, batch, class)."""
    stack = cast("Stack", network.eval())
    with torch.no_grad():
        outputs = _outputs(stack, spikes)
        logits = [
            _logits_after(stack, outputs[:stop], when.read[-1]) for stop in when.read
        ]
    return torch.stack(logits)


def count_until(
    network: nn.Module, windows: Windows, when: Moments, at: np.ndarray
) -> Counted:
    """Count what a network does in windows until each stops, at moment `at`.

    The network runs on the steps of each window until then. A second of signal still
    holds as many windows as it does without a cutoff.
    """
    aware = LengthAware(cast("Stack", network), when.read[-1])
    parts = [
        replace(
            count(aware, windows.spikes(rows)[: when.steps[moment]], dt=windows.dt),
            window_s=windows.n_steps * windows.dt,
        )
        for moment, rows in _groups(at)
    ]
    return pooled(parts)


def _groups(at: np.ndarray) -> Iterator[tuple[int, Tensor]]:
    """List windows that stop at the same moment, some at a time."""
    for moment in np.unique(at):
        for rows in torch.split(
            torch.from_numpy(np.flatnonzero(at == moment)), AT_ONCE
        ):
            yield int(moment), rows


class LengthAware(Stack):
    """A network whose read-out knows the length of the full window."""

    def __init__(self, network: Stack, n_read: int) -> None:
        super().__init__(cast("Any", network.layers), network.head)
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
    if isinstance(getattr(head, "rates", None), SegmentRates) or isinstance(
        head, CountHead
    ):
        missing = n_read - len(outputs)
        outputs = functional.pad(outputs, (0, 0, 0, 0, 0, missing))
    return head.logits([head.read(outputs, 0, n_read)])
