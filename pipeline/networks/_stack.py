"""Layers on layers: the one shape of all networks."""

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from pipeline.errors import DataError
from pipeline.kernels._sequence import UnstableError
from pipeline.networks._heads import Head, StepHead
from pipeline.networks._layers import Unrolled

States = list[tuple[Tensor, ...]]


class Layer(nn.Module):
    """Weights and the neurons they drive.

    Parameters
    ----------
    weights : nn.Module
        Maps (time, batch, feature) to currents.
    unrolled : Unrolled
    dropout : float
        Share of the neurons that are silenced in training, each for whole windows, so
        that a window's pieces agree on them.
    """

    def __init__(
        self, weights: nn.Module, unrolled: Unrolled, *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.weights = weights
        self.unrolled = unrolled
        self.dropout = dropout

    def forward(
        self, inputs: Tensor, kept: Tensor | None, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Give outputs (time, batch, neuron), of the kept neurons, and the state."""
        outputs, *last = self.unrolled(self.weights(inputs), *state)
        return outputs if kept is None else outputs * kept, *last

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
        Share of the features that are silenced in training, each for whole windows.
    """

    def __init__(
        self, layers: Sequence[Layer], head: Head, *, recompute: bool = False
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.head = head
        self.recompute = recompute
        self.dropout = 0.0

    def forward(self, spikes: Tensor) -> Tensor:
        """Map spikes (time, batch, feature) to logits (batch, class).

        Raises
        ------
        DataError
            The windows have no steps.
        UnstableError
            Neurons run away, or the spikes are not numbers; the layer is named.
        """
        return self.head.logits(self._readings(spikes))

    def steps(self, spikes: Tensor) -> Tensor:
        """Map spikes to logits at every step, (time, batch, class)."""
        if not isinstance(self.head, StepHead):
            raise TypeError("this head has no logits at every step")
        return self.head.steps(self._readings(spikes))

    def _readings(self, spikes: Tensor) -> list[Tensor]:
        """Let the head read all pieces of a window."""
        if not spikes.shape[0]:
            raise DataError("spikes", "windows of 0 steps", expected="at least one")
        if self.training and self.dropout:
            ones = spikes.new_ones(spikes.shape[1:])
            spikes = spikes * functional.dropout(ones, self.dropout)
        kept = [layer.draw_kept(spikes) for layer in self._layers()]
        states: States = [() for _ in self.layers]
        if not (self.recompute and torch.is_grad_enabled()):
            reading, _ = self._piece(0, None, kept, spikes, states)
            return [reading]
        readings, start = [], 0
        n_steps = spikes.shape[0]
        for piece in torch.split(spikes, math.ceil(math.sqrt(n_steps))):
            work = partial(self._piece, start, n_steps, kept)
            reading, states = checkpoint(work, piece, states, use_reentrant=False)
            readings.append(reading)
            start += len(piece)
        return readings

    def _piece(
        self,
        start: int,
        n_steps: int | None,
        kept: Sequence[Tensor | None],
        values: Tensor,
        states: States,
    ) -> tuple[Tensor, States]:
        """Run all layers over a piece of time; gives its reading and the states.

        `n_steps` is the whole window's, which layers that come in pieces keep; None if
        the piece is the whole window, of which strides may leave fewer steps.
        """
        after: States = []
        for k, layer in enumerate(self._layers()):
            try:
                values, *last = layer(values, kept[k], *states[k])
            except UnstableError as error:
                error.step += start
                error.where = f"layer {k + 1}, step {error.step}"
                raise
            after.append(tuple(last))
        whole = values.shape[0] if n_steps is None else n_steps
        return self.head.read(values, start, whole), after

    def _layers(self) -> list[Layer]:
        return [layer for layer in self.layers if isinstance(layer, Layer)]
