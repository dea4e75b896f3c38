"""The one layer behind all spiking neuron models.

It is apart from the models' settings, so that reading `params.yaml` does not import
torch.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from pipeline.errors import ConfigError, DataError
from pipeline.kernels.neurons.sequence import SequenceKernel, find
from pipeline.kernels.neurons.surrogates import surrogate_options
from pipeline.neurons.parts.snntorch import run_snntorch, runs_as_snntorch
from pipeline.neurons.parts.starts import Spread, Start

if TYPE_CHECKING:
    from pipeline.neurons.parts.spiking import SpikingNeuron


class UpdateWords(NamedTuple):
    """The words that each neuron of a layer keeps, and those that an update moves.

    Parameters
    ----------
    variables : int
        State variables.
    read, written : int
        Of these, words that an update reads and writes.
    constants : int
        Constants that differ between neurons.
    bits : int
        Of an output.
    """

    variables: int
    read: int
    written: int
    constants: int
    bits: int = 32


class NeuronLayer(nn.Module):
    """Neurons with learned dynamics, whose state is passed and returned, never kept.

    `BIOSPIKE_NEURONS` chooses the implementation when the layer is built: `compiled`
    (default; off the CPU it is as `torch`), `torch` (a step at a time by autograd) or
    `snntorch` (by `snntorch.Leaky`, for its models).

    Parameters
    ----------
    model : SpikingNeuron
        The settings, which define the learned values and their meaning.
    shape : tuple of int
        Neurons of the layer: channels first, then positions if there are any.
    dt : float
        Seconds a step.
    """

    def __init__(
        self, model: "SpikingNeuron", shape: tuple[int, ...], *, dt: float
    ) -> None:
        super().__init__()
        self.model = model
        self.shape = shape
        self.dt = dt
        self.kernel = find(model.kernel)
        surrogate = surrogate_options(model.surrogate, model.surrogate_slope)
        self.options = (*map(float, model.options()), *surrogate)
        self.loop = _loop(self.kernel, model)
        shared = {
            "layer": tuple(1 for _ in shape),
            "channel": (shape[0], *(1 for _ in shape[1:])),
            "neuron": shape,
        }[model.learned_per]
        self.learned = nn.ParameterDict(
            {name: _first(value, shared) for name, value in model.start().items()}
        )
        self._fixed: Tensor | None = None

    def quantities(self) -> dict[str, Tensor]:
        """Give the learned values in the units of the settings, without gradients."""
        with torch.no_grad():
            return self.model.quantities(dict(self.learned.items()), self.dt)

    def fix(self) -> None:
        """Keep the constants as they are now: for what no longer learns."""
        self._fixed = self.constants().detach()

    def constants(self) -> Tensor:
        """Compute the kernel's constants, (constant, neuron)."""
        if self._fixed is not None:
            return self._fixed
        rows = self.model.constants(dict(self.learned.items()), self.dt)
        depth = len(self.shape)
        expanded = [row.expand(*row.shape[:-depth], *self.shape) for row in rows]
        return torch.cat([row.reshape(-1, prod(self.shape)) for row in expanded])

    def update_words(self) -> UpdateWords:
        """Count the words of each neuron; what a layer shares is in registers."""
        with torch.no_grad():
            own = 0 if self.model.learned_per == "layer" else len(self.constants())
        variables = len(self.model.rest())
        return UpdateWords(variables, *self.model.moved_by_update(), constants=own)

    def driven(self, currents: Tensor) -> Tensor:
        """Scale currents, or the weights that make them, as the membranes take them."""
        return self.model.drive(currents, dict(self.learned.items()), self.dt)

    def initial_state(self, current: Tensor) -> tuple[Tensor, ...]:
        """Make the state before the first step, for current (batch, ...)."""
        shape = (current.shape[0], *self.shape)
        return tuple(current.new_full(shape, value) for value in self.model.rest())

    def forward(self, current: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Make one step; gives spikes and state, (batch, *shape) each."""
        one_by_one = self.loop if self.loop is run_snntorch else self.kernel.plain_run
        outputs, *last = self._run(one_by_one, current[None], state)
        return outputs[0], *last

    def run(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Step through currents (time, batch, ...); gives spikes and the last state.

        Raises
        ------
        UnstableError
            A state is not a number, or runs away.
        DataError
            The currents do not fit the layer.
        """
        on_cpu = currents.device.type == "cpu"
        loop = self.loop if on_cpu else self.kernel.plain_run
        return self._run(loop, currents, state)

    def _run(
        self, loop: Callable[..., Any], currents: Tensor, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        self._check(currents)
        state = state or self.initial_state(currents.new_empty(currents.shape[1:]))
        self.check_state(currents, state)
        outputs, last = loop(
            self.driven(currents).flatten(2),
            torch.stack([values.flatten(1) for values in state]),
            self.constants(),
            self.options,
        )
        shape = (*currents.shape[:2], *self.shape)
        return outputs.reshape(shape), *last.reshape(-1, *shape[1:]).unbind(0)

    def _check(self, currents: Tensor) -> None:
        first, *others = self.shape
        expected = (self.model.inputs * first, *others)
        if currents.shape[2:] != expected:
            raise DataError(
                f"{type(self.model).__name__} neurons",
                f"currents of shape {tuple(currents.shape[2:])} a step and window",
                expected=f"{expected}",
                remedy="give the layer before as many outputs",
            )

    def check_state(self, currents: Tensor, state: Sequence[Tensor]) -> None:
        """Refuse a state of another size: compiled loops would write beyond it.

        Raises
        ------
        DataError
            The state does not fit the currents (time, batch, ...) or the model.
        """
        expected = [(currents.shape[1], *self.shape)] * len(self.model.rest())
        found = [tuple(values.shape) for values in state]
        if found != expected:
            raise DataError(
                f"{type(self.model).__name__} neurons",
                f"a state of shapes {found}",
                expected=f"{expected}",
                remedy="begin other windows with their own initial_state",
            )


def _first(value: Start, shared: tuple[int, ...]) -> nn.Parameter:
    """Make a parameter: one value for each that shares, or several.

    A spread goes over the channels.
    """
    if isinstance(value, Spread):
        spread = torch.tensor(value.over(shared[0]), dtype=torch.float32)
        column = spread.reshape(-1, *(1 for _ in shared[1:]))
        return nn.Parameter(column.expand(shared).clone())
    values = torch.tensor(value, dtype=torch.float32)
    column = values.reshape(*values.shape, *(1 for _ in shared))
    return nn.Parameter(column.expand(*values.shape, *shared).clone())


def _loop(kernel: SequenceKernel, model: "SpikingNeuron") -> Callable[..., Any]:
    """Choose the implementation that computes sequences on the CPU."""
    loops: Mapping[str, Callable[..., Any]] = {
        "compiled": kernel.run,
        "torch": kernel.plain_run,
        "snntorch": run_snntorch,
    }
    asked = os.environ.get("BIOSPIKE_NEURONS", "compiled")
    if asked not in loops or (asked == "snntorch" and not runs_as_snntorch(model)):
        raise ConfigError(
            "BIOSPIKE_NEURONS",
            f"'{asked}' for {type(model).__name__} neurons",
            expected="compiled or torch; snntorch for models of the leaky kernel, "
            "with a gradient through the reset only where that is at once",
        )
    return loops[asked]
