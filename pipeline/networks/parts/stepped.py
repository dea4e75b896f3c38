"""Modules of snnTorch's layers in a network, their states handled from outside.

snnTorch's layers keep their states in buffers, hidden or not. Here these are set before
a piece of time, taken out after it, and emptied: so states start, travel and are
detached as those of all layers are, nothing of a window or person is left in a module,
and it can be copied. A module that steps through time itself begins with `reset_mem`,
`init_leaky` and the like, which give the states at the beginning: of a later piece,
those of the piece before.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import snntorch
import torch
from torch import Tensor, nn

from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.parts.layers import Unrolled
from pipeline.networks.parts.weights import Weights

KINDS: tuple[type[Any], ...] = (
    snntorch.Leaky,
    snntorch.Synaptic,
    snntorch.Alpha,
    snntorch.Lapicque,
    snntorch.RLeaky,
    snntorch.RSynaptic,
)
"""The layers whose states are known."""

STATES = ("mem", "syn", "syn_exc", "syn_inh", "spk")
"""Buffers that hold state."""


@dataclass(frozen=True, eq=False)
class Inner:
    """A layer of neurons inside a module, as those see it that count spikes.

    Parameters
    ----------
    neurons : nn.Module
    dt : float
        Seconds a step.
    """

    neurons: nn.Module
    dt: float
    spiking: bool = True


class Direct(Weights):
    """No weights: the features go into the module as they are."""

    kind = "direct"

    def forward(self, spikes: Tensor) -> Tensor:
        """Give the spikes themselves."""
        return spikes


class SteppedModule(Unrolled):
    """A module of snnTorch's layers over time.

    Parameters
    ----------
    module : nn.Module
        `outputs, *states = module(inputs, *states)`, as snnTorch's own layers; states
        may be left out on either side. Inputs are (batch, feature), or all steps,
        (time, batch, feature), if it `loops`.
    width : int
        Columns of its outputs.
    dt : float
        Seconds a step.
    loops : bool
        Whether it steps through time itself.
    last : bool
        Whether the last of several values that it gives is taken, not the first.
    """

    def __init__(
        self, module: nn.Module, width: int, *, dt: float, loops: bool, last: bool
    ) -> None:
        nn.Module.__init__(self)
        self.module = module
        self.width, self.dt = width, dt
        self.loops, self.last = loops, last
        self.spiking, self.multiplications = not last, 0
        release(module)

    def inner(self) -> list[Inner]:
        """List its layers of neurons."""
        return [Inner(neurons, self.dt) for neurons in layers_in(self.module)]

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn spikes (time, batch, feature) into outputs and the last states."""
        places = _places(self.module)
        kept = state[: len(places)] if state else [currents.new_zeros(0)] * len(places)
        passed = state[len(places) :] if state else (None,) * n_passed(self.module)
        for (neurons, name), value in zip(places, kept, strict=True):
            setattr(neurons, name, value)
        try:
            outputs, after = self._run(currents, passed)
            last = [getattr(neurons, name) for neurons, name in places]
        finally:
            for neurons, name in places:
                setattr(neurons, name, currents.new_zeros(0))
        if not bool(outputs.isfinite().all()):
            raise UnstableError(_first_bad(outputs))
        return outputs, *last, *after

    def _run(
        self, currents: Tensor, passed: Sequence[Tensor | None]
    ) -> tuple[Tensor, Sequence[Any]]:
        outputs = []
        with _carried(self.module):
            if self.loops:
                result = self.module(currents, *passed)
                return self._chosen(result), _returned(result, len(passed))
            for current in currents.unbind(0):
                result = self.module(current, *passed)
                passed = _returned(result, len(passed))
                outputs.append(self._chosen(result))
        return torch.stack(outputs), passed

    def _chosen(self, result: Any) -> Tensor:
        values: Sequence[Tensor] = result if isinstance(result, tuple) else (result,)
        return values[-1 if self.last else 0]


def _returned(result: Any, count: int) -> Sequence[Any]:
    """Give the states that a module returned: its last values."""
    return result[len(result) - count :] if count else ()


def _first_bad(outputs: Tensor) -> int:
    """Find the first step whose outputs are not finite."""
    bad = ~outputs.isfinite().flatten(1).all(1)
    return int(bad.nonzero()[0])


def layers_in(module: nn.Module) -> Iterator[nn.Module]:
    """List a module's layers of snnTorch's neurons."""
    for each in module.modules():
        if isinstance(each, snntorch.SpikingNeuron):
            yield each


def dynamics_in(module: nn.Module) -> Iterator[nn.Parameter]:
    """List what snnTorch's layers learn of their own: decays and thresholds."""
    for neurons in layers_in(module):
        for name, parameter in neurons.named_parameters(recurse=False):
            if name != "V":
                yield parameter


def _places(module: nn.Module) -> list[tuple[nn.Module, str]]:
    """List the buffers that hold state."""
    return [
        (neurons, name)
        for neurons in layers_in(module)
        for name, _ in neurons.named_buffers(recurse=False)
        if name in STATES
    ]


def n_passed(module: nn.Module) -> int:
    """Count the states that a module takes after its input: without a default, or None.

    They are None before the first step, as snnTorch's layers take them.
    """
    states = [
        each
        for each in inspect.signature(module.forward).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        and each.default in (each.empty, None)
    ]
    return max(len(states) - 1, 0)


def release(module: nn.Module) -> None:
    """Take a module's neurons off snnTorch's list, which would keep them for good."""
    mine = set(map(id, layers_in(module)))
    every = snntorch.SpikingNeuron.instances
    every[:] = [each for each in every if id(each) not in mine]


@contextmanager
def _carried(module: nn.Module) -> Iterator[None]:
    """Let a module begin with the states that its neurons have, instead of anew."""

    def begin(neurons: nn.Module) -> Any:
        """Give the states in the order of snnTorch's `reset_mem`."""
        states = tuple(
            value for name, value in neurons.named_buffers(recurse=False)
            if name in STATES
        )  # fmt: skip
        return states if len(states) > 1 else states[0]

    neurons: list[Any] = list(layers_in(module))
    for each in neurons:
        each.reset_mem = partial(begin, each)
    try:
        yield
    finally:
        for each in neurons:
            del each.reset_mem
