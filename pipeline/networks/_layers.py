"""What networks are made of: weights, and neurons over a whole window.

It stands apart from the networks' settings so that reading `params.yaml` does not
import torch.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.kernels import recurrent
from pipeline.kernels._sequence import UnstableError
from pipeline.neurons._layer import NeuronLayer
from pipeline.neurons.base import Neuron


class Unrolled(nn.Module):
    """A layer of neurons over time; a forward hook sees all its outputs.

    Parameters
    ----------
    neuron : Neuron
        The model.
    width : int
        Neurons.
    dt : float
        Seconds a step.
    """

    def __init__(self, neuron: Neuron, width: int, *, dt: float) -> None:
        super().__init__()
        self.neurons = neuron.build((width,), dt=dt)
        self.width = width
        self.dt = dt
        self.spiking = neuron.spiking
        self.multiplications = neuron.multiplications

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn currents (time, batch, input) into outputs and the last state."""
        run: Any = self.neurons.run
        outputs, *last = run(currents, *state)
        return outputs, *last


class Recurrent(Unrolled):
    """Neurons that hear the outputs of all neurons of their layer a step later.

    c[t] = i[t] + R·s[t−1], with s[−1] = 0. The state begins with the last outputs.

    Compiled neurons go through `pipeline.kernels.recurrent`; the others, and all of
    them off the CPU, a step at a time, where the sum over neurons has another order.
    """

    def __init__(self, neuron: Neuron, width: int, *, dt: float) -> None:
        super().__init__(neuron, width, dt=dt)
        self.recurrent = dense_weights(width, width, neuron.inputs, bias=False)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn currents (time, batch, input) into outputs and the last state."""
        before, *inner = state or self._first(currents)
        neurons = self.neurons
        if (
            isinstance(neurons, NeuronLayer)
            and neurons.loop == neurons.kernel.run
            and currents.device.type == "cpu"
        ):
            return self._compiled(neurons, currents, before, inner)
        outputs = []
        for number, current in enumerate(currents.unbind(0)):
            try:
                before, *inner = neurons(current + self.recurrent(before), *inner)
            except UnstableError:
                raise UnstableError(number) from None
            outputs.append(before)
        return torch.stack(outputs), before, *inner

    def _first(self, currents: Tensor) -> tuple[Tensor, ...]:
        current = currents.new_empty(currents.shape[1:])
        initial: Any = self.neurons.initial_state
        return current.new_zeros(current.shape[0], self.width), *initial(current)

    def _compiled(
        self, neurons: NeuronLayer, currents: Tensor, before: Tensor, state: list[Any]
    ) -> tuple[Tensor, ...]:
        neurons.check_state(currents, state)
        outputs, last = recurrent.run(
            neurons.kernel,
            neurons.driven(currents),
            neurons.driven(weight_of(self.recurrent).t()).t(),
            before,
            torch.stack(state),
            neurons.constants(),
            neurons.options,
        )
        # A copy, or a state that is kept would keep the outputs of all steps.
        return outputs, outputs[-1].clone(), *last.unbind(0)


def with_past(values: Tensor, n_past: int, past: Tensor | None = None) -> Tensor:
    """Put the steps before a piece of time in front of it: silence, if none are given.

    Parameters
    ----------
    values : Tensor, shape (time, batch, feature)
    n_past : int
    past : Tensor, shape (n_past, batch, feature), or None
    """
    if past is None:
        return functional.pad(values, (0, 0, 0, 0, n_past, 0))
    return torch.cat([past, values])


class MaskedLinear(nn.Linear):
    """A linear map of which only the weights under a mask exist."""

    mask: Tensor

    def __init__(self, mask: Tensor, *, bias: bool) -> None:
        super().__init__(mask.shape[1], mask.shape[0], bias=bias)
        self.register_buffer("mask", mask)

    def forward(self, values: Tensor) -> Tensor:
        """Map (…, feature) to (…, current)."""
        return functional.linear(values, weight_of(self), self.bias)


class MaskedConvolution(nn.Conv1d):
    """A convolution over time of which only the kernels under a mask exist."""

    mask: Tensor

    def __init__(self, mask: Tensor, kernel: int, stride: int) -> None:
        super().__init__(mask.shape[1], mask.shape[0], kernel, stride, bias=False)
        self.register_buffer("mask", mask[..., None])

    def forward(self, values: Tensor) -> Tensor:
        """Map (batch, feature, time) to currents."""
        return cast("Tensor", self._conv_forward(values, weight_of(self), self.bias))


def weight_of(layer: nn.Linear | nn.Conv1d) -> Tensor:
    """Give a layer's weights; those that a mask hides are 0."""
    if isinstance(layer, MaskedLinear | MaskedConvolution):
        return layer.weight * layer.mask
    return layer.weight


def dense_weights(n_in: int, n_out: int, branches: int, *, bias: bool) -> nn.Linear:
    """Make weights from every input to every neuron, to one of its branches."""
    if branches == 1:
        return nn.Linear(n_in, n_out, bias=bias)
    return MaskedLinear(branch_mask(n_in, n_out, branches), bias=bias)


def branch_mask(n_in: int, n_out: int, branches: int) -> Tensor:
    """Choose at random which branch of each neuron an input reaches.

    The branches of a neuron share the inputs evenly. Torch's own generator draws.

    Returns
    -------
    mask : Tensor, shape (branches·n_out, n_in)
        0 and 1; row b·n_out + n is branch b of neuron n.
    """
    reached = torch.rand(n_out, n_in).argsort(1) % branches
    each = [reached == branch for branch in range(branches)]
    return torch.cat(each).float()


class CausalConvolution(nn.Module):
    """A strided convolution over time that never looks ahead, normalised.

    Output step j is complete when input step (j + 1)·stride − 1 is in; it covers that
    and the kernel − 1 steps before. An evaluated BatchNorm folds into the kernel.

    Attributes
    ----------
    n_past : int
        Steps before a piece of time that its first outputs need.
    """

    def __init__(
        self, n_in: int, n_out: int, *, kernel: int, stride: int, branches: int = 1
    ) -> None:
        super().__init__()
        self.n_past, self.stride = kernel - stride, stride
        self.convolution = (
            nn.Conv1d(n_in, n_out, kernel, stride, bias=False)
            if branches == 1
            else MaskedConvolution(branch_mask(n_in, n_out, branches), kernel, stride)
        )
        self.norm = nn.BatchNorm1d(branches * n_out)

    def forward(self, spikes: Tensor, past: Tensor | None = None) -> Tensor:
        """Map (time, batch, feature) to currents, (time // stride, batch, channel)."""
        values = with_past(spikes, self.n_past, past)
        currents = self.norm(self.convolution(values.permute(1, 2, 0)))
        return cast("Tensor", currents.permute(2, 0, 1).contiguous())
