"""The parts of networks: weights, and neurons over a full window.

It stands apart from the networks' settings so that reading `params.yaml` does not
import torch.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.kernels.neurons import recurrent
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.parts.scaled import (
    ScaledConvolution,
    ScaledNorm,
    branch_mask,
    dense_weights,
    weight_of,
)
from pipeline.networks.parts.weights import Taps, Weights, kernel_taps
from pipeline.neurons.base import Neuron
from pipeline.neurons.parts.layer import NeuronLayer, UpdateWords


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

    rescales: bool = False
    """Whether each output is multiplied to another unit, as some are in integers."""

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

    @property
    def equations(self) -> str:
        """The name of its neurons' equations, as `Neuron.equations` has it."""
        model: Neuron = cast("Any", self.neurons).model
        return model.equations()

    @property
    def recurrent_weights(self) -> nn.Linear | None:
        """The weights from its outputs to its own neurons, a step later."""
        return None

    @property
    def inhibition(self) -> float | None:
        """What each spike takes off all other membranes; None: they do not compete."""
        return None

    def update_words(self) -> UpdateWords:
        """Count the words that each neuron keeps, and those that an update moves."""
        words: UpdateWords = cast("Any", self.neurons).update_words()
        return words

    def shifted_additions(self) -> int:
        """Count the shifted additions in which an update computes all leaks."""
        return 0

    def firing_thresholds(self) -> Tensor | None:
        """Give the membranes that fire, (neuron,); None if the state is no membrane.

        `adaptive_threshold` and `resonate` raise theirs after a spike: these are at
        rest.
        """
        if (neurons := self.dynamics) is None:
            return None
        unit = neurons.model.unit(neurons.quantities())
        if unit is None:
            return None
        return torch.as_tensor(unit, dtype=torch.float32).flatten().expand(self.width)

    def membranes(self, state: Sequence[Tensor]) -> Tensor | None:
        """Find the membranes in its state of one window, (neuron,), if it has any."""
        return None if self.firing_thresholds() is None else state[0][0]

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

    @property
    def recurrent_weights(self) -> nn.Linear:
        """R."""
        return self.recurrent

    def membranes(self, state: Sequence[Tensor]) -> Tensor | None:
        """Find the membranes behind the last outputs."""
        return super().membranes(state[1:])

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

    def taps(self) -> Taps:
        """Give the matrices of its kernel, without its norm."""
        return kernel_taps(weight_of(self.convolution), self.stride)

    def forward(self, spikes: Tensor, past: Tensor | None = None) -> Tensor:
        """Map (time, batch, feature) to currents, (time // stride, batch, channel)."""
        values = with_past(spikes, self.n_past, past)
        currents = self.norm(self.convolution(values.permute(1, 2, 0)))
        return cast("Tensor", currents.permute(2, 0, 1).contiguous())
