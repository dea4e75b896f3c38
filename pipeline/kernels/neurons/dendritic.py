"""Neurons with dendritic branches, each with its own memory, over a sequence.

::

    d_k[t] = β_k·d_k[t−1] + (1 − β_k)·i_k[t]            for every branch k
    r[t] = H(v[t−1] − θ)
    v[t] = α·v[t−1] + g·Σ_k d_k[t] − r[t]·θ
    s[t] = H(v[t] − θ)                                   H' is the surrogate

r carries a gradient if gradients flow through the reset. Currents are branch by branch:
i_k of neuron n of N is number k·N + n. The state is v, then the branches.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from pipeline.kernels.compiling import compiled
from pipeline.kernels.neurons.sequence import SequenceKernel, State
from pipeline.kernels.neurons.surrogates import spike, surrogate_gradient

BRANCHES, THROUGH, NUMBER, STEEPNESS, PEAK = range(5)
"""Places in the options: how many branches, a flag, then the surrogate.

THROUGH: gradients flow through the reset.
"""

ALPHA, GAIN, THRESHOLD, BETAS = range(4)
"""Places in the constants; the branches' β are last."""


def step(
    current: Tensor, state: State, constants: State, options: Sequence[float]
) -> tuple[Tensor, State]:
    """Make one step in torch; constants are α, g, θ and every branch's β."""
    (membrane, *branches), (alpha, gain, threshold, *betas) = state, constants
    currents = current.chunk(len(branches), dim=-1)
    branches = [
        beta * branch + (1 - beta) * current
        for beta, branch, current in zip(betas, branches, currents, strict=True)
    ]
    total = sum(branches[1:], branches[0])
    reset = spike(membrane - threshold, *options[NUMBER:])
    reset = reset if options[THROUGH] else reset.detach()
    membrane = alpha * membrane + gain * total - reset * threshold
    return spike(membrane - threshold, *options[NUMBER:]), (membrane, *branches)


def n_trace(options: Sequence[float]) -> int:
    """Keep the complete state."""
    return int(options[BRANCHES]) + 1


@compiled
def _forward(
    currents: Any, state: Any, constants: Any, options: Any, spikes: Any, trace: Any
) -> None:
    one = currents.dtype.type(1)
    zero = currents.dtype.type(0)
    n_neurons = spikes.shape[2]
    alpha, gain, threshold = constants[ALPHA], constants[GAIN], constants[THRESHOLD]
    total = np.empty(n_neurons, currents.dtype)
    for t in range(spikes.shape[0]):
        for b in range(spikes.shape[1]):
            total[:] = zero
            for k in range(state.shape[0] - 1):
                branch, beta = state[1 + k, b], constants[BETAS + k]
                current = currents[t, b, k * n_neurons : (k + 1) * n_neurons]
                for n in range(n_neurons):
                    d = beta[n] * branch[n] + (one - beta[n]) * current[n]
                    branch[n] = d
                    total[n] += d
                    if trace.shape[0]:
                        trace[1 + k, t, b, n] = d
            membrane, fired = state[0, b], spikes[t, b]
            for n in range(n_neurons):
                reset = one if membrane[n] > threshold[n] else zero
                v = alpha[n] * membrane[n] + gain[n] * total[n]
                v = v - reset * threshold[n]
                fired[n] = one if v > threshold[n] else zero
                membrane[n] = v
                if trace.shape[0]:
                    trace[0, t, b, n] = v


@compiled
def _backward(
    grad_spikes: Any,
    grad_state: Any,
    trace: Any,
    state: Any,
    constants: Any,
    options: Any,
    surrogate: Any,
    grad_currents: Any,
    grad_constants: Any,
) -> None:
    one = constants.dtype.type(1)
    zero = constants.dtype.type(0)
    through = constants.dtype.type(options[THROUGH])
    n_neurons = grad_spikes.shape[2]
    alpha, gain, threshold = constants[ALPHA], constants[GAIN], constants[THRESHOLD]
    grad_v = np.empty(n_neurons, constants.dtype)
    for t in range(grad_spikes.shape[0] - 1, -1, -1):
        for b in range(grad_spikes.shape[1]):
            before = trace[0, t - 1, b] if t else state[0, b]
            fires, v, grad_m = grad_spikes[t, b], trace[0, t, b], grad_state[0, b]
            # Rows, because only loops over rows are vectorised.
            grad_alpha, grad_gain = grad_constants[ALPHA, b], grad_constants[GAIN, b]
            grad_threshold = grad_constants[THRESHOLD, b]
            for n in range(n_neurons):
                reset = one if before[n] > threshold[n] else zero
                slope = surrogate_gradient(v[n] - threshold[n], surrogate)
                fired = fires[n] * slope
                grad_v[n] = grad_m[n] + fired
                grad_alpha[n] += grad_v[n] * before[n]
                slope = surrogate_gradient(before[n] - threshold[n], surrogate)
                to_reset = -through * grad_v[n] * threshold[n] * slope
                grad_threshold[n] -= fired + grad_v[n] * reset + to_reset
                grad_m[n] = grad_v[n] * alpha[n] + to_reset
            for k in range(state.shape[0] - 1):
                earlier = trace[1 + k, t - 1, b] if t else state[1 + k, b]
                branch, grad_d = trace[1 + k, t, b], grad_state[1 + k, b]
                beta, grad_beta = constants[BETAS + k], grad_constants[BETAS + k, b]
                grad_i = grad_currents[t, b, k * n_neurons : (k + 1) * n_neurons]
                for n in range(n_neurons):
                    grad_here = grad_d[n] + gain[n] * grad_v[n]
                    grad_gain[n] += grad_v[n] * branch[n]
                    grad_beta[n] += grad_here * (earlier[n] - branch[n])
                    grad_i[n] = grad_here * (one - beta[n])
                    grad_d[n] = grad_here * beta[n]
    # The currents are not kept: i − d[t−1] = (d[t] − d[t−1]) / (1 − β).
    for k in range(state.shape[0] - 1):
        for b in range(grad_spikes.shape[1]):
            for n in range(n_neurons):
                grad_constants[BETAS + k, b, n] /= one - constants[BETAS + k, n]


KERNEL = SequenceKernel("dendritic", step, _forward, _backward, n_trace)
