"""From a neuron's loops over time to one torch operator with its own gradient.

A kernel module gives the equations three times: as one plain step in torch, which is
the reference implementation and runs off the CPU, and as two compiled loops over a
complete sequence, forwards and backwards. Here they are registered as `torch.library`
operators, so that autograd, `torch.compile` and `torch.export` take them like any
other.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.library import register_autograd

from pipeline.errors import PipelineError
from pipeline.kernels.neurons.operators import add_operator, as_arrays, precision
from pipeline.kernels.neurons.surrogates import compiled_surrogate

TOO_LARGE = 1e9
"""A state beyond this is running away: thresholds are about 1."""

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State, State, Sequence[float]], tuple[Tensor, State]]


@dataclass(frozen=True, eq=False)
class SequenceKernel:
    """One neuron model's step and its compiled loops over time.

    Shapes: T steps, B windows, N neurons, S state variables, P constants a neuron, K
    values a step that the backward pass needs. A neuron takes one current, or R: then
    currents are (T, B, R·N), first those of the neurons' first inputs.

    Parameters
    ----------
    name : str
        The operator becomes `torch.ops.biospike.<name>`.
    step : callable
        `step(current, state, constants, options) -> spikes, state`: one step in torch,
        of S tensors (B, N) and P constants (N,); differentiable by autograd.
    forward : callable
        `forward(currents, state, constants, options, spikes, trace)`: fills spikes
        (T, B, N) and trace (K, T, B, N; empty if no gradient is wanted) and moves
        state (S, B, N) on in place. Constants are (P, N), options float64.
    backward : callable
        `backward(grad_spikes, grad_state, trace, state, constants, options, surrogate,
        grad_currents, grad_constants)`: fills grad_currents (T, B, R·N), adds
        up grad_constants (P, B or more, N) from zeros, and turns grad_state (S, B, N),
        which comes as the gradient of the last state, into that of the first. Here
        state is the state before the first step.
    n_trace : callable
        K for given options.
    """

    name: str
    step: Step
    forward: Callable[..., None]
    backward: Callable[..., None]
    n_trace: Callable[[Sequence[float]], int] = lambda options: 1

    def __post_init__(self) -> None:
        """Register the operators."""
        _register(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by name: operators are registered once."""
        return find, (self.name,)

    def run(
        self,
        currents: Tensor,
        state: Tensor,
        constants: Tensor,
        options: Sequence[float],
    ) -> tuple[Tensor, Tensor]:
        """Step through a sequence, compiled.

        Parameters
        ----------
        currents : Tensor, shape (T, B, N)
        state : Tensor, shape (S, B, N)
        constants : Tensor, shape (P, N)
        options : sequence of float

        Returns
        -------
        spikes : Tensor, shape (T, B, N)
        state : Tensor, shape (S, B, N)

        Raises
        ------
        UnstableError
            The last state is not a number, or has run away.
        """
        operator = getattr(torch.ops.biospike, self.name)
        keep = torch.is_grad_enabled()
        spikes, state, _ = operator(currents, state, constants, list(options), keep)
        return spikes, state

    def plain_run(
        self,
        currents: Tensor,
        state: Tensor,
        constants: Tensor,
        options: Sequence[float],
    ) -> tuple[Tensor, Tensor]:
        """Do the same step by step, by autograd, on any device: the reference."""
        states, rows = state.unbind(0), constants.unbind(0)
        spikes = []
        # unbind, because the backward pass of currents[t] is quadratic in time.
        for current in currents.unbind(0):
            fired, states = self.step(current, states, rows, options)
            spikes.append(fired)
        outputs = torch.stack(spikes) if spikes else _outputs(currents, state)
        last = torch.stack(states)
        if is_unstable(last):
            raise UnstableError(self.first_bad_step(currents, state, rows, options))
        return outputs, last

    def first_bad_step(
        self,
        currents: Tensor,
        state: Tensor,
        constants: State,
        options: Sequence[float],
    ) -> int:
        """Find the first unstable step of a sequence that ends in an unstable state."""
        states, last = state.unbind(0), currents.shape[0] - 1
        with torch.no_grad():
            for number, current in enumerate(currents.unbind(0)):
                _, states = self.step(current, states, constants, options)
                if is_unstable(torch.stack(states)):
                    return number
        return last


class UnstableError(PipelineError):
    """A neuron's state is not a number, or runs away."""

    def __init__(self, step: int) -> None:
        super().__init__(
            f"step {step}",
            "a neuron's state is not a number or beyond 1e9",
            expected="finite currents, and dynamics that forget",
            remedy="look for NaN in the input; lower training.learning_rate",
        )
        self.step = step

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes."""
        return type(self), (self.step,), vars(self)


def is_unstable(state: Tensor) -> bool:
    """Whether a state is not a number, or runs away."""
    return not bool((state.abs() < TOO_LARGE).all())


def find(name: str) -> SequenceKernel:
    """Find the kernel in `pipeline/kernels/neurons/<name>.py`."""
    module = importlib.import_module(f"pipeline.kernels.neurons.{name}")
    return cast("SequenceKernel", module.KERNEL)


def _register(kernel: SequenceKernel) -> None:
    """Make `biospike::<name>` and `biospike::<name>_backward`, its gradient."""
    _add_forward(kernel)
    _add_backward(kernel)
    differentiate = getattr(torch.ops.biospike, f"{kernel.name}_backward")

    def keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep what the backward pass needs."""
        currents, state, constants, options, _ = inputs
        ctx.save_for_backward(output[2], state, constants)
        ctx.others = options, currents.shape[2]

    def propagate(
        ctx: Any, grad_spikes: Tensor, grad_state: Tensor, _: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Give the gradients of currents, state and constants."""
        grads = differentiate(grad_spikes, grad_state, *ctx.saved_tensors, *ctx.others)
        return (*grads, None, None)

    register_autograd(f"biospike::{kernel.name}", propagate, setup_context=keep)


def _add_forward(kernel: SequenceKernel) -> None:
    def room(
        currents: Tensor, state: Tensor, options: Sequence[float], keep: bool
    ) -> tuple[Tensor, Tensor]:
        """Allocate spikes and, if it is kept, the trace."""
        depth = kernel.n_trace(options) if keep else 0
        spikes = _outputs(currents, state)
        return spikes, spikes.new_empty((depth, *spikes.shape))

    def forward(
        currents: Tensor,
        state: Tensor,
        constants: Tensor,
        options: Sequence[float],
        keep: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run the compiled loop over the sequence."""
        spikes, trace = room(currents, state, options, keep)
        last = state.clone(memory_format=torch.contiguous_format)
        inputs = as_arrays(currents, last, constants)
        kernel.forward(*inputs, np.array(options), *as_arrays(spikes, trace))
        if is_unstable(last):
            rows = constants.unbind(0)
            raise UnstableError(kernel.first_bad_step(currents, state, rows, options))
        return spikes, last, trace

    def shapes(
        currents: Tensor,
        state: Tensor,
        constants: Tensor,
        options: Sequence[float],
        keep: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Give tensors of the results' shapes, for torch's tracing."""
        spikes, trace = room(currents, state, options, keep)
        return spikes, torch.empty_like(state), trace

    add_operator(kernel.name, forward, shapes)


def _add_backward(kernel: SequenceKernel) -> None:
    def backward(
        grad_spikes: Tensor,
        grad_state: Tensor,
        trace: Tensor,
        state: Tensor,
        constants: Tensor,
        options: Sequence[float],
        n_currents: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run the compiled gradient over the sequence."""
        grad_currents = grad_spikes.new_empty((*grad_spikes.shape[:2], n_currents))
        first = grad_state.clone(memory_format=torch.contiguous_format)
        _, n_batch, n_neurons = state.shape
        # One window too many: else rows of powers of two lie where stores meet loads.
        room = len(constants), n_batch + 1, n_neurons
        grad_constants = state.new_zeros(room)
        surrogate = compiled_surrogate(options, precision(state))
        inputs = as_arrays(grad_spikes, first, trace, state, constants)
        outputs = as_arrays(grad_currents, grad_constants)
        kernel.backward(*inputs, np.array(options), surrogate, *outputs)
        return grad_currents, first, grad_constants.sum(1)

    def shapes(
        grad_spikes: Tensor,
        grad_state: Tensor,
        trace: Tensor,
        state: Tensor,
        constants: Tensor,
        options: Sequence[float],
        n_currents: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Give tensors of the results' shapes, for torch's tracing."""
        grad_currents = grad_spikes.new_empty((*grad_spikes.shape[:2], n_currents))
        return grad_currents, torch.empty_like(grad_state), torch.empty_like(constants)

    add_operator(f"{kernel.name}_backward", backward, shapes)


def _outputs(currents: Tensor, state: Tensor) -> Tensor:
    """Make room for the outputs of the neurons of a state, one for each current."""
    return currents.new_empty((currents.shape[0], *state.shape[1:]))
