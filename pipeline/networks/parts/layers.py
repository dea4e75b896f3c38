"""The parts of networks: weights, and neurons over a full window.

It stands apart from the networks' settings so that reading `params.yaml` does not
import torch.
"""

import math
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.kernels.neurons import recurrent
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.parts.weights import Weights
from pipeline.neurons.base import Neuron
from pipeline.neurons.parts.layer import NeuronLayer


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

    local: ClassVar[bool] = False
    """Whether its weights learn by local rules, and so not by gradients."""

    def __init__(self, neuron: Neuron, width: int, *, dt: float) -> None:
        super().__init__()
        self.neurons = neuron.build((width,), dt=dt)
        self.width = width
        self.dt = dt
        self.spiking = neuron.spiking
        self.multiplications = neuron.multiplications

    @property
    def dynamics(self) -> NeuronLayer | None:
        """Its neurons, if they have learned dynamics."""
        neurons = getattr(self, "neurons", None)
        return neurons if isinstance(neurons, NeuronLayer) else None

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn currents (time, batch, input) into outputs and the last state."""
        run: Any = self.neurons.run
        outputs, *last = run(currents, *state)
        return outputs, *last


class Recurrent(Unrolled):
    """Neurons connected to the outputs of all neurons of their layer, a step later.

    c[t] = i[t] + R·s[t−1], with s[−1] = 0. The state begins with the last outputs. R
    is orthogonal at first.

    Compiled neurons go through `pipeline.kernels.neurons.recurrent`; the others, and
    all of them off the CPU, a step at a time, where the sum over neurons has another
    order.
    """

    def __init__(self, neuron: Neuron, width: int, *, dt: float) -> None:
        super().__init__(neuron, width, dt=dt)
        self.recurrent = dense_weights(width, width, neuron.inputs, bias=False)
        # Numbers of about 1, so that a step of Adam is small beside each and beside
        # their sum over neurons; together with the gain they are orthogonal.
        nn.init.orthogonal_(self.recurrent.weight, math.sqrt(width))
        self.recurrent.gain.div_(math.sqrt(width))

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn currents (time, batch, input) into outputs and the last state."""
        before, *inner = state or self._initial_state(currents)
        neurons = self.dynamics
        if (
            neurons is not None
            and neurons.loop == neurons.kernel.run
            and currents.device.type == "cpu"
        ):
            return self._compiled(neurons, currents, before, inner)
        outputs, weights = [], weight_of(self.recurrent)
        for number, current in enumerate(currents.unbind(0)):
            try:
                before, *inner = self.neurons(current + before @ weights.t(), *inner)
            except UnstableError:
                raise UnstableError(number) from None
            outputs.append(before)
        return torch.stack(outputs), before, *inner

    def _initial_state(self, currents: Tensor) -> tuple[Tensor, ...]:
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


class ScaledLinear(nn.Linear):
    """A linear map whose weights and biases have factors that are not learned.

        i = (g·W)·x + h·b        a g and an h for each current

    A factor beside the weights, and not in them, also scales what a step of an
    optimizer changes: of neurons that remember long, as little as of others. Both are
    1 until `pipeline.networks.parts.initial.calibrate` sets them. Under a mask, only
    some weights exist.
    """

    mask: Tensor | None
    gain: Tensor
    bias_gain: Tensor

    def __init__(
        self, n_in: int, n_out: int, *, bias: bool, mask: Tensor | None = None
    ) -> None:
        super().__init__(n_in, n_out, bias=bias)
        _add_factors(self, mask)

    def forward(self, values: Tensor) -> Tensor:
        """Map (…, feature) to (…, current)."""
        return functional.linear(values, weight_of(self), bias_of(self))


class ScaledConvolution(nn.Conv1d):
    """A convolution over time, with factors and a mask as `ScaledLinear` has them."""

    mask: Tensor | None
    gain: Tensor
    bias_gain: Tensor

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        stride: int,
        *,
        bias: bool,
        mask: Tensor | None = None,
    ) -> None:
        super().__init__(n_in, n_out, kernel, stride, bias=bias)
        _add_factors(self, None if mask is None else mask[..., None])

    def forward(self, values: Tensor) -> Tensor:
        """Map (batch, feature, time) to currents."""
        return cast(
            "Tensor", self._conv_forward(values, weight_of(self), bias_of(self))
        )


class ScaledNorm(nn.BatchNorm1d):
    """A normalisation whose outputs have a factor that is not learned."""

    gain: Tensor

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.register_buffer("gain", torch.ones(width))

    def forward(self, values: Tensor) -> Tensor:
        """Normalise (batch, channel, time)."""
        return super().forward(values) * self.gain[:, None]


def _add_factors(layer: nn.Linear | nn.Conv1d, mask: Tensor | None) -> None:
    layer.register_buffer("mask", mask)
    for name in ("gain", "bias_gain"):
        layer.register_buffer(name, torch.ones(len(layer.weight)))


def weight_of(layer: nn.Linear | nn.Conv1d) -> Tensor:
    """Give a layer's weights times their factors; those that a mask hides are 0."""
    if not isinstance(layer, ScaledLinear | ScaledConvolution):
        return layer.weight
    weights = layer.weight * layer.gain.view(-1, *(1 for _ in layer.weight.shape[1:]))
    return weights if layer.mask is None else weights * layer.mask


def bias_of(layer: nn.Linear | nn.Conv1d) -> Tensor | None:
    """Give a layer's biases times their factors, if it has any."""
    if layer.bias is None or not isinstance(layer, ScaledLinear | ScaledConvolution):
        return layer.bias
    return layer.bias * layer.bias_gain


def dense_weights(n_in: int, n_out: int, branches: int, *, bias: bool) -> ScaledLinear:
    """Make weights from every input to every neuron, to one of its branches."""
    mask = branch_mask(n_in, n_out, branches) if branches > 1 else None
    return ScaledLinear(n_in, branches * n_out, bias=bias, mask=mask)


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


class CausalConvolution(Weights):
    """A strided convolution over time that never looks ahead, normalised if asked.

    Output step j is complete when input step (j + 1)·stride − 1 is in; it covers that
    and the kernel − 1 steps before. An evaluated BatchNorm folds into the kernel.
    Without a norm there is a bias, unless it is left out.

    """

    kind = "convolution"

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        kernel: int,
        stride: int,
        branches: int = 1,
        normalised: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.n_past, self.stride = kernel - stride, stride
        self.constants = {"stride": stride}
        width = branches * n_out
        mask = branch_mask(n_in, n_out, branches) if branches > 1 else None
        self.convolution = ScaledConvolution(
            n_in, width, kernel, stride, bias=bias and not normalised, mask=mask
        )
        self.norm = ScaledNorm(width) if normalised else nn.Identity()

    @property
    def linear_map(self) -> nn.Conv1d:
        """The convolution, without its norm."""
        return self.convolution

    def forward(self, spikes: Tensor, past: Tensor | None = None) -> Tensor:
        """Map (time, batch, feature) to currents, (time // stride, batch, channel)."""
        values = with_past(spikes, self.n_past, past)
        currents = self.norm(self.convolution(values.permute(1, 2, 0)))
        return cast("Tensor", currents.permute(2, 0, 1).contiguous())
