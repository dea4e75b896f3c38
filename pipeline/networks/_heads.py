"""Read-outs: from the outputs of the last layer to a logit a class.

A head is given a window in pieces of time, or in one. What it `reads` of each piece is
small; `logits` puts that together.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from pipeline.errors import DataError

FIRST_TAU_S = 0.1
"""Time constant of a class's membrane before it learns, seconds."""


class Head(nn.Module):
    """A read-out of windows that come in pieces."""

    def forward(self, outputs: Tensor) -> Tensor:
        """Map outputs of whole windows (time, batch, channel) to (batch, class)."""
        return self.logits([self.read(outputs, 0, outputs.shape[0])])

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Read a piece that begins with step `start` of windows of `n_steps`."""
        raise NotImplementedError

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Put the readings of all pieces together; (batch, class)."""
        raise NotImplementedError


class SegmentRates(nn.Module):
    """Mean output of each channel in equal segments of the window.

    For spikes these are counts: a device needs one accumulator a channel and folds the
    constant division into the weights that follow.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(
        self, spikes: Tensor, start: int = 0, n_steps: int | None = None
    ) -> Tensor:
        """Map (time, batch, channel) to (batch, bin·channel).

        Of a piece of a window, give what it adds to the rates of the whole.
        """
        segments = segment_edges(n_steps or spikes.shape[0], self.bins)
        return torch.cat([_share(spikes, start, *edges) for edges in segments], dim=1)


def segment_edges(n_steps: int, bins: int) -> list[tuple[int, int]]:
    """Cut steps into segments, the first ones a step longer if need be."""
    short, longer = divmod(n_steps, bins)
    edges = [k * short + min(k, longer) for k in range(bins + 1)]
    return list(pairwise(edges))


def _share(spikes: Tensor, start: int, first: int, stop: int) -> Tensor:
    """Add up the steps of a segment that a piece holds, over the segment's length."""
    inside = spikes[max(first - start, 0) : max(stop - start, 0)]
    return inside.sum(0) / (stop - first)


class RateHead(Head):
    """A linear map of the rates in equal segments of the window."""

    def __init__(self, n_in: int, n_classes: int, *, bins: int, dropout: float) -> None:
        super().__init__()
        self.rates = SegmentRates(bins)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(bins * n_in, n_classes)

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Give what a piece adds to the rates.

        Raises
        ------
        DataError
            A window has fewer steps than segments.
        """
        if n_steps < self.rates.bins:
            raise DataError(
                "spikes",
                f"windows that leave {n_steps} steps to read out",
                expected=f"at least {self.rates.bins}, one a segment",
            )
        rates: Tensor = self.rates(outputs, start, n_steps)
        return rates

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Map the rates."""
        first, *others = readings
        logits: Tensor = self.linear(self.dropout(sum(others, first)))
        return logits


class StepHead(Head):
    """A read-out that has logits at every step."""

    def __init__(self, n_in: int, n_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_classes)

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Give the classes' currents at every step, (time, batch, class)."""
        currents: Tensor = self.linear(outputs)
        return currents

    def steps(self, readings: Sequence[Tensor]) -> Tensor:
        """Give the logits at every step, (time, batch, class)."""
        return torch.cat(list(readings))


class CountHead(StepHead):
    """A linear map of the spike counts: the mean over time of a map of the spikes."""

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Average over time."""
        return self.steps(readings).mean(0)


class MembraneHead(StepHead):
    """A membrane a class that never fires; its highest value is the logit.

        u[t] = α·u[t−1] + (1 − α)·(W·s[t] + b)      α = exp(−dt / τ), τ learned

    The maximum, not the mean, over time: the mean would be a spike count again, save
    for the last few τ of the window.
    """

    def __init__(self, n_in: int, n_classes: int, *, dt: float) -> None:
        super().__init__(n_in, n_classes)
        self.membranes = Integrator(n_classes, dt=dt)

    def steps(self, readings: Sequence[Tensor]) -> Tensor:
        """Give the membranes at every step."""
        membranes: Tensor = self.membranes(super().steps(readings))
        return membranes

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Take the highest membrane of each class."""
        return self.steps(readings).amax(0)


class Integrator(nn.Module):
    """Leaky membranes that never fire, whose time constants are learned."""

    def __init__(self, width: int, *, dt: float) -> None:
        super().__init__()
        self.dt = dt
        log_tau = torch.full((width,), math.log(FIRST_TAU_S))
        self.learned = nn.ParameterDict({"log_tau": nn.Parameter(log_tau)})

    def forward(self, currents: Tensor) -> Tensor:
        """Turn currents (time, batch, class) into membranes of the same shape."""
        alpha = (-self.dt * (-self.learned["log_tau"]).exp()).exp()
        membrane, membranes = torch.zeros_like(currents[0]), []
        for current in currents.unbind(0):
            membrane = torch.lerp(current, membrane, alpha)
            membranes.append(membrane)
        return torch.stack(membranes)
