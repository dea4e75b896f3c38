"""Read-outs: from the outputs of the last layer to a logit a class.

A head reads a window in pieces of time, or in one, and decides at its end; or it reads
a network that runs on, and decides `At` the steps that it is asked about, from what
came before them. What it `reads` of each piece is small; `logits` puts that together.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.errors import DataError
from pipeline.networks.parts.head_maps import RateMap, TraceMap

if TYPE_CHECKING:
    from pipeline.networks.parts.nir_nodes import NirNodes
    from pipeline.neurons.parts.circuit import Sources


class At(NamedTuple):
    """The steps of decisions in a batch of running networks.

    Parameters
    ----------
    row : Tensor, shape (decision,), int64
        Which of the batch.
    stop : Tensor, shape (decision,), int64
        Steps seen by then; of a head, outputs of the last layer.
    """

    row: Tensor
    stop: Tensor


class Share(NamedTuple):
    """The contribution of a piece of time to the rates before some decisions.

    Parameters
    ----------
    here : Tensor, shape (share,), int64
        The decisions.
    rates : Tensor, shape (share, bin·channel)
    """

    here: Tensor
    rates: Tensor


Reading = Tensor | Share
"""The output of a head for a piece of time."""


class Head(nn.Module):
    """A read-out of windows that come in pieces."""

    averages: ClassVar[bool] = False
    """Whether it averages over the steps of a window: missing ones count as silent."""

    has_steps: ClassVar[bool] = False
    """Whether it has logits at every step."""

    n_read: int
    """Last outputs that a decision needs, of a network that runs on."""

    @property
    def rate_map(self) -> RateMap | None:
        """The linear map of rates that it is; None if it is something else."""
        return None

    @property
    def trace_map(self) -> TraceMap | None:
        """The traces that it adds up; None if it is something else."""
        return None

    def ends(self, n_steps: int) -> list[int]:
        """List the steps after which a window of `n_steps` may be decided early."""
        return list(range(1, n_steps + 1))

    def forward(self, outputs: Tensor) -> Tensor:
        """Map outputs of full windows (time, batch, channel) to (batch, class)."""
        return self.logits([self.read(outputs, 0, outputs.shape[0])])

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Read a piece that begins with step `start` of windows of `n_steps`."""
        raise NotImplementedError

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Put the readings of all pieces together; (batch, class)."""
        raise NotImplementedError

    def steps(self, readings: Sequence[Tensor]) -> Tensor:
        """Give the logits at every step, (time, batch, class), if it has them."""
        raise TypeError("this head has no logits at every step")

    def read_at(self, outputs: Tensor, start: int, at: At) -> Reading:
        """Read a piece, which begins with step `start`, of a network that runs on."""
        raise NotImplementedError

    def logits_at(self, readings: Sequence[Any], at: At) -> Tensor:
        """Put the readings of all pieces together; (decision, class)."""
        raise NotImplementedError

    def to_nir(self, nodes: "NirNodes") -> "Sources":
        """Add it to a graph of NIR; gives the nodes that add up to the logits.

        Raises
        ------
        InexpressibleError
            NIR has no exact form of it.
        """
        if (rates := self.rate_map) is None:
            kind = type(self).__name__
            raise nodes.refusal(f"a {kind} has no counterpart in NIR")
        return nodes.rates(*rates)

    def follow(self, outputs: Tensor, memory: Any) -> Any:
        """Read the next piece of a stream; gives what decisions after it need.

        Parameters
        ----------
        outputs : Tensor, shape (time, batch, channel)
        memory : Any
            What the piece before gave; None before the first.
        """
        seen = outputs if memory is None else torch.cat([memory, outputs])
        return seen[max(len(seen) - self.n_read, 0) :]

    def now(self, memory: Any) -> Tensor:
        """Decide at the end of the last piece, as `logits_at` does; (batch, class)."""
        outputs: Tensor = memory
        rows = torch.arange(outputs.shape[1], device=outputs.device)
        at = At(rows, torch.full_like(rows, len(outputs)))
        return self.logits_at([self.read_at(outputs, 0, at)], at)


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

        Of a piece of a window, give what it adds to the rates of the full window.
        """
        segments = segment_edges(n_steps or spikes.shape[0], self.bins)
        return torch.cat([self.share(spikes, start, *edges) for edges in segments], 1)

    def share(self, spikes: Tensor, start: int, first: int, stop: int) -> Tensor:
        """Add up the steps of a segment that a piece holds, over its length."""
        inside = spikes[max(first - start, 0) : max(stop - start, 0)]
        return self.scaled(inside.sum(0), stop - first)

    def scaled(self, sums: Tensor, length: int | Tensor) -> Tensor:
        """Turn sums over a segment of so many steps into rates."""
        return sums / length

    def trailing(self, outputs: Tensor, start: int, at: At, n_read: int) -> Share:
        """Give what a piece adds to the rates in the last `n_read` steps.

        Parameters
        ----------
        outputs : Tensor, shape (time, batch, channel)
        start : int
            The first step of the piece.
        at : At
        n_read : int
        """
        last, n_steps = at.stop - start, len(outputs)
        here = torch.nonzero((last > 0) & (last - n_read < n_steps)).flatten()
        edges = torch.tensor(segment_edges(n_read, self.bins), device=last.device)
        # Sums of doubles: spike counts are exact, and activations nearly so.
        wide = torch.float64 if outputs.is_floating_point() else torch.int64
        sums = functional.pad(outputs.to(wide).cumsum(0), (0, 0, 0, 0, 1, 0))
        bounds = (last[here, None, None] - n_read + edges).clamp(0, n_steps)
        row = at.row[here, None]
        counts = sums[bounds[..., 1], row] - sums[bounds[..., 0], row]
        lengths = (edges[:, 1] - edges[:, 0])[:, None]
        return Share(here, self.scaled(counts.to(outputs.dtype), lengths).flatten(1))


def summed(shares: Sequence[Share], n_decisions: int) -> Tensor:
    """Add up what all pieces gave to the rates: (decision, bin·channel)."""
    first = shares[0].rates
    total = first.new_zeros((n_decisions, first.shape[1]))
    for share in shares:
        total = total.index_add(0, share.here, share.rates)
    return total


def segment_ends(n_steps: int, bins: int) -> list[int]:
    """List the steps at which the segments of a window end."""
    return [stop for _, stop in segment_edges(n_steps, bins)]


def segment_edges(n_steps: int, bins: int) -> list[tuple[int, int]]:
    """Cut steps into segments, the first ones a step longer if need be."""
    short, longer = divmod(n_steps, bins)
    edges = [k * short + min(k, longer) for k in range(bins + 1)]
    return list(pairwise(edges))


class RateHead(Head):
    """A linear map of the rates in equal segments of the window.

    Parameters
    ----------
    n_in, n_classes : int
    n_read : int
        Steps of a window; of a network that runs on, the steps before a decision.
    bins : int
        Segments.
    dropout : float
    """

    averages = True

    def __init__(
        self, n_in: int, n_classes: int, *, n_read: int, bins: int, dropout: float
    ) -> None:
        super().__init__()
        self.n_read = n_read
        self.rates = SegmentRates(bins)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(bins * n_in, n_classes)

    @property
    def rate_map(self) -> RateMap:
        """Its weights, and its segments."""
        return RateMap(self.linear, self.rates.bins)

    def ends(self, n_steps: int) -> list[int]:
        """List the ends of its segments."""
        return segment_ends(n_steps, self.rates.bins)

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

    def read_at(self, outputs: Tensor, start: int, at: At) -> Share:
        """Give what a piece adds to the rates before each decision."""
        return self.rates.trailing(outputs, start, at, self.n_read)

    def logits_at(self, readings: Sequence[Share], at: At) -> Tensor:
        """Map the rates."""
        return self.logits([summed(readings, len(at.row))])
