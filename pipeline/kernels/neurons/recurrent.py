"""Neurons with recurrent input: each other's last outputs, over a complete sequence.

::

    c[t] = i[t] + Σⱼ s[t−1, j]·R[j]         row R[j] has the weights from neuron j
    s[t], state = step(c[t], state)         any neuron of this folder

The sum goes over the rows in their order and skips silent neurons, so a step costs
spikes × row and the reference implementation, which adds every row in the same order,
gives the same bits. One operator serves all neurons: it runs their compiled loops a
step at a time. For the backward pass it keeps the state before each step, beside the
loops' own traces.

Backwards, with δ[t] the gradient of c[t], s[t] gets δ[t+1]·Rᵀ on top of its gradient
from outside, and R gets Σₜ s[t−1]ᵀ·δ[t]: one matrix product over steps and windows, or,
where few neurons fire, a row a spike.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.library import register_autograd

from pipeline.kernels.neurons.operators import add_operator, as_arrays, precision
from pipeline.kernels.neurons.recurrent_rows import add_recurrent, grad_weights
from pipeline.kernels.neurons.sequence import (
    TOO_LARGE,
    SequenceKernel,
    UnstableError,
    find,
)
from pipeline.kernels.neurons.surrogates import compiled_surrogate


def run(
    kernel: SequenceKernel,
    currents: Tensor,
    weights: Tensor,
    spikes: Tensor,
    state: Tensor,
    constants: Tensor,
    options: Sequence[float],
) -> tuple[Tensor, Tensor]:
    """Step through a sequence, compiled.

    Parameters
    ----------
    kernel : SequenceKernel
        The neurons' own.
    currents : Tensor, shape (T, B, R·N)
    weights : Tensor, shape (R·N, N)
        Row n: the input weights of neuron n, as in `nn.Linear`.
    spikes : Tensor, shape (B, N)
        The outputs of the step before the first.
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
        A state is not a number, or runs away.
    """
    operator = torch.ops.biospike.recurrent
    keep = torch.is_grad_enabled()
    outputs, last, _, _ = operator(
        kernel.name, currents, weights, spikes, state, constants, list(options), keep
    )
    return outputs, last


def plain_run(
    kernel: SequenceKernel,
    currents: Tensor,
    weights: Tensor,
    spikes: Tensor,
    state: Tensor,
    constants: Tensor,
    options: Sequence[float],
) -> tuple[Tensor, Tensor]:
    """Do the same a step and a row at a time, by autograd: the reference."""
    outputs = []
    for number, current in enumerate(currents.unbind(0)):
        for sent, row in zip(spikes.unbind(1), weights.unbind(1), strict=True):
            current = current + sent[:, None] * row
        try:
            fired, state = kernel.plain_run(current[None], state, constants, options)
        except UnstableError:
            raise UnstableError(number) from None
        spikes = fired[0]
        outputs.append(spikes)
    nothing = currents.new_empty((0, *state.shape[1:]))
    return torch.stack(outputs) if outputs else nothing, state


def _run(
    name: str,
    currents: Tensor,
    weights: Tensor,
    spikes: Tensor,
    state: Tensor,
    constants: Tensor,
    options: Sequence[float],
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    kernel = find(name)
    outputs, trace, states = _room(kernel, currents, state, options, keep)
    last = state.clone(memory_format=torch.contiguous_format)
    sent = weights.t()
    arrays = as_arrays(currents, spikes, sent, last, constants, outputs, trace, states)
    _step_through(kernel, np.array(options), *arrays)
    return outputs, last, trace, states


def _step_through(
    kernel: SequenceKernel,
    options: np.ndarray,
    currents: np.ndarray,
    spikes: np.ndarray,
    sent: np.ndarray,
    state: np.ndarray,
    constants: np.ndarray,
    outputs: np.ndarray,
    trace: np.ndarray,
    states: np.ndarray,
) -> None:
    """Fill outputs, trace and states and move the state on."""
    driven = np.empty((1, *currents.shape[1:]), currents.dtype)
    first = state.copy()
    given = spikes
    for t in range(len(currents)):
        add_recurrent(currents[t], spikes, sent, driven[0])
        if len(states):
            states[t] = state
        # One step of the trace is contiguous, as the loops require.
        kept = (
            trace[t][:, None] if len(trace) else trace.reshape(0, 1, *state.shape[1:])
        )
        kernel.forward(driven, state, constants, options, outputs[t : t + 1], kept)
        spikes = outputs[t]
    if not (np.abs(state) < TOO_LARGE).all():
        raise UnstableError(
            _first_unstable(kernel, currents, given, sent, first, constants, options)
        )


def _first_unstable(
    kernel: SequenceKernel,
    currents: np.ndarray,
    spikes: np.ndarray,
    sent: np.ndarray,
    state: np.ndarray,
    constants: np.ndarray,
    options: np.ndarray,
) -> int:
    """Repeat the steps to find the first unstable one."""
    driven = np.empty((1, *currents.shape[1:]), currents.dtype)
    outputs = np.empty((1, *state.shape[1:]), currents.dtype)
    no_trace = np.empty((0, *outputs.shape), currents.dtype)
    for t in range(len(currents)):
        add_recurrent(currents[t], spikes, sent, driven[0])
        kernel.forward(driven, state, constants, options, outputs, no_trace)
        spikes = outputs[0]
        if not (np.abs(state) < TOO_LARGE).all():
            return t
    return len(currents) - 1


def _differentiate(
    name: str,
    grad_outputs: Tensor,
    grad_last: Tensor,
    trace: Tensor,
    states: Tensor,
    outputs: Tensor,
    weights: Tensor,
    spikes: Tensor,
    constants: Tensor,
    options: Sequence[float],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    kernel = find(name)
    numbers = (np.array(options), compiled_surrogate(options, precision(constants)))
    n_steps, batch, n_neurons = grad_outputs.shape
    weights = weights.contiguous()
    grads = grad_outputs.new_empty((n_steps, batch, len(weights)))
    grad_state = grad_last.clone(memory_format=torch.contiguous_format)
    grad_constants = constants.new_zeros((len(constants), batch, n_neurons))
    total = grad_outputs.new_empty((1, batch, n_neurons))
    # A loop may count on zeros, so what a step adds is added up here.
    share = torch.empty_like(grad_constants)
    arrays = as_arrays(total, grad_state, trace, states, constants, grads, share)
    summed, to_state, kept, before, fixed, to_currents, to_constants = arrays
    for t in range(n_steps - 1, -1, -1):
        if t + 1 < n_steps:
            torch.addmm(grad_outputs[t], grads[t + 1], weights, out=total[0])
        else:
            total.copy_(grad_outputs[t : t + 1])
        share.zero_()
        kernel.backward(summed, to_state, kept[t][:, None], before[t], fixed, *numbers,
                        to_currents[t : t + 1], to_constants)  # fmt: skip
        grad_constants += share
    grad_spikes = grads[0] @ weights if n_steps else torch.zeros_like(spikes)
    return (
        grads,
        grad_weights(grads, outputs, spikes, weights),
        grad_spikes,
        grad_state,
        grad_constants.sum(1),
    )


def _run_shapes(
    name: str,
    currents: Tensor,
    weights: Tensor,
    spikes: Tensor,
    state: Tensor,
    constants: Tensor,
    options: Sequence[float],
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    outputs, trace, states = _room(find(name), currents, state, options, keep)
    return outputs, torch.empty_like(state), trace, states


def _differentiate_shapes(
    name: str,
    grad_outputs: Tensor,
    grad_last: Tensor,
    trace: Tensor,
    states: Tensor,
    outputs: Tensor,
    weights: Tensor,
    spikes: Tensor,
    constants: Tensor,
    options: Sequence[float],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    grads = grad_outputs.new_empty((*grad_outputs.shape[:2], len(weights)))
    return (
        grads,
        torch.empty_like(weights),
        torch.empty_like(spikes),
        torch.empty_like(grad_last),
        torch.empty_like(constants),
    )


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    name, _, weights, spikes, _, constants, options, _ = inputs
    outputs, _, trace, states = output
    ctx.save_for_backward(trace, states, outputs, weights, spikes, constants)
    ctx.name, ctx.options = name, options


def _propagate(
    ctx: Any, grad_outputs: Tensor, grad_last: Tensor, _: Tensor, __: Tensor
) -> tuple[Tensor | None, ...]:
    grads = torch.ops.biospike.recurrent_backward(
        ctx.name, grad_outputs, grad_last, *ctx.saved_tensors, ctx.options
    )
    return (None, *grads, None, None)


add_operator("recurrent", _run, _run_shapes)
add_operator("recurrent_backward", _differentiate, _differentiate_shapes)
register_autograd("biospike::recurrent", _propagate, setup_context=_keep)


def _room(
    kernel: SequenceKernel,
    currents: Tensor,
    state: Tensor,
    options: Sequence[float],
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Make room for outputs (T, B, N), trace (T, K, B, N) and states (T, S, B, N)."""
    steps, (_, *shape) = currents.shape[0], state.shape
    kept = steps if keep else 0
    return (
        currents.new_empty((steps, *shape)),
        currents.new_empty((kept, kernel.n_trace(options), *shape)),
        currents.new_empty((kept, *state.shape)),
    )
