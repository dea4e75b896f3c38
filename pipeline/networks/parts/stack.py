"""Layers on layers: the one shape of all networks."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from pipeline.errors import DataError
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.parts.heads import At, Head, Reading
from pipeline.networks.parts.layers import Unrolled, with_past
from pipeline.networks.parts.weights import Weights

States = list[tuple[Tensor, ...]]
Read = Callable[[Tensor, int], Any]
"""A head applied to a piece of the last layer's outputs, and to its first step."""


class Dropped(NamedTuple):
    """The dropout of a batch: features, neurons of each layer; None: nothing."""

    features: Tensor | None
    neurons: list[Tensor | None]


class Layer(nn.Module):
    """Weights and the neurons they drive.

    Its state is the steps of input that its weights still need, then the neurons' own.

    Parameters
    ----------
    weights : Weights or nn.Linear
        Maps (time, batch, feature) to currents; also the `n_past` steps before, and
        `stride` steps to one.
    unrolled : Unrolled
    dropout : float
        Share of the neurons that are silenced in training, each for the full sequence,
        so that its pieces agree on them.
    """

    def __init__(
        self, weights: Weights | nn.Linear, unrolled: Unrolled, *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.weights = weights
        self.unrolled = unrolled
        self.dropout = dropout
        reach = (0, 1)
        if isinstance(weights, Weights):
            reach = (weights.n_past, weights.stride)
        self.n_past, self.stride = reach

    def forward(
        self, inputs: Tensor, kept: Tensor | None, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Give outputs (time, batch, neuron), of the kept neurons, and the state."""
        past, *inner = state or (None,)
        currents, needed = self._driven(inputs, past)
        outputs, *last = self.unrolled(currents, *inner)
        return outputs if kept is None else outputs * kept, needed, *last

    def _driven(self, inputs: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """Give the currents, and what weights need of these steps later."""
        if not self.n_past:
            return self.weights(inputs), inputs[:0]
        seen = with_past(inputs, self.n_past, past)
        return self.weights(inputs, past), seen[len(seen) - self.n_past :]

    def draw_kept(self, like: Tensor) -> Tensor | None:
        """Draw which neurons are kept, and by how much more they count."""
        if not self.training or self.dropout == 0:
            return None
        ones = like.new_ones(like.shape[1], self.unrolled.width)
        return functional.dropout(ones, self.dropout)


class Stack(nn.Module):
    """A network: layers, and a head that reads the last one, or the spikes.

    Parameters
    ----------
    layers : sequence of Layer
        May be empty.
    head : Head
    recompute : bool
        In training keep, of about √T pieces of time, only the states between them, and
        compute each piece again when its gradients are due. Memory then grows as √T
        for up to twice the time; the gradients agree to rounding.

    Attributes
    ----------
    dropout : float
        Share of the features that are silenced in training, each for the full sequence.
    """

    def __init__(
        self, layers: Sequence[Layer], head: Head, *, recompute: bool = False
    ) -> None:
        super().__init__()
        # A module that is used as a sequence, so that layers have their type.
        self.layers = cast("Sequence[Layer]", nn.ModuleList(layers))
        self.head = head
        self.recompute = recompute
        self.dropout = 0.0

    on_processor: ClassVar[bool] = False
    """Whether it runs on the processor alone."""

    def values(self, logits: Tensor) -> Tensor:
        """Give what its logits stand for: themselves, but for networks in integers."""
        return logits

    @property
    def stride(self) -> int:
        """Steps of input for one step of the last layer's outputs."""
        return math.prod(layer.stride for layer in self.layers)

    def forward(self, spikes: Tensor) -> Tensor:
        """Map spikes (time, batch, feature) of windows to logits (batch, class).

        Raises
        ------
        DataError
            The windows have no steps.
        UnstableError
            Neurons run away, or the spikes are not numbers; the layer is named.
        """
        return self.head.logits(self._read_windows(spikes))

    def steps(self, spikes: Tensor) -> Tensor:
        """Map spikes to logits at every step, (time, batch, class)."""
        return self.head.steps(self._read_windows(spikes))

    def decide(
        self, pieces: Iterable[Tensor], at: At, *, detach: bool = False
    ) -> Tensor:
        """Run on through pieces of time, and decide at the steps that are asked for.

        A decision is taken at the first step of the last layer that is complete at the
        asked step or after it.

        Parameters
        ----------
        pieces : iterable of Tensor, shape (time, batch, feature)
            They follow each other, and each has a multiple of `stride` steps.
        at : At
            Steps of input, from 1 to those of all pieces together.
        detach : bool
            Whether no gradient goes through the layers' states from a piece to the one
            before: truncated back-propagation.

        Returns
        -------
        logits : Tensor, shape (decision, class)

        Raises
        ------
        DataError
            There are no steps.
        UnstableError
            As for `forward`.
        """
        readings = self.read_at(pieces, at, detach=detach)
        return self.head.logits_at(readings, self._complete(at))

    def read_at(
        self, pieces: Iterable[Tensor], at: At, *, detach: bool = False
    ) -> list[Reading]:
        """Let the head read a network that runs on, as `decide` does."""
        asked = self._complete(at)

        def read(outputs: Tensor, start: int) -> Reading:
            """Read at the steps that are asked for."""
            return self.head.read_at(outputs, start, asked)

        return self._read(pieces, read, detach=detach)

    def _complete(self, at: At) -> At:
        """Count the outputs of the last layer that are complete at decisions."""
        return At(at.row, -(-at.stop // self.stride))

    def _read_windows(self, spikes: Tensor) -> list[Tensor]:
        """Let the head read windows, in pieces if these are computed again."""
        n_steps, again = spikes.shape[0], self.recompute and torch.is_grad_enabled()

        def read(outputs: Tensor, start: int) -> Tensor:
            """Read the window, or a piece of it."""
            # Only layers without strides come in pieces.
            length = n_steps if again else outputs.shape[0]
            return self.head.read(outputs, start, length)

        if not again:
            return self._read([spikes], read)
        size = max(math.ceil(math.sqrt(n_steps)), 1)
        return self._read(torch.split(spikes, size), read)

    def _read(
        self, pieces: Iterable[Tensor], read: Read, *, detach: bool = False
    ) -> list[Any]:
        """Run on through pieces of time; gives what `read` makes of each one's outputs.

        Raises
        ------
        DataError
            There are no steps.
        """
        states: States = [() for _ in self.layers]
        readings: list[Any] = []
        dropped: Dropped | None = None
        start = 0
        for piece in pieces:
            if not piece.shape[0]:
                break
            dropped = dropped or self._draw(piece)
            work = partial(self._piece, read, start, dropped)
            if self.recompute and torch.is_grad_enabled():
                reading, states = checkpoint(work, piece, states, use_reentrant=False)
            else:
                reading, states = work(piece, states)
            if detach:
                states = [tuple(part.detach() for part in state) for state in states]
            readings.append(reading)
            start += piece.shape[0]
        if not readings:
            raise DataError("spikes", "windows of 0 steps", expected="at least one")
        return readings

    def _draw(self, like: Tensor) -> Dropped:
        """Draw what is dropped out of a batch: features, and neurons of each layer."""
        features = None
        if self.training and self.dropout:
            features = functional.dropout(like.new_ones(like.shape[1:]), self.dropout)
        return Dropped(features, [layer.draw_kept(like) for layer in self.layers])

    def _piece(
        self, read: Read, start: int, dropped: Dropped, values: Tensor, states: States
    ) -> tuple[Any, States]:
        """Run all layers over a piece of time; gives its reading and the states."""
        if dropped.features is not None:
            values = values * dropped.features
        after: States = []
        for k, layer in enumerate(self.layers):
            start //= layer.stride
            try:
                values, *last = layer(values, dropped.neurons[k], *states[k])
            except UnstableError as error:
                error.step += start
                error.where = f"layer {k + 1}, step {error.step}"
                raise
            after.append(tuple(last))
        return read(values, start), after
