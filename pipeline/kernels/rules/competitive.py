"""A population of leaky neurons that inhibit each other, with or without learning.

::

    v[t] = β·v[t−1] + g[t−1]
    s[t] = v[t] ≥ ϑ; if more than k neurons are, only the k furthest above fire
    v[t] → 0 where s[t], v[t] − h·Σs[t] elsewhere
    g[t] = α·g[t−1] + Σ_i w_i·x_i[t]

The input of a step acts in the next one, so that a spike and the spike that it causes
are never in the same step. Sums go over the inputs that fire in their order, so one
window gives the same bits alone, in a batch, and while its weights learn.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from pipeline.kernels.compiling import EXACT, compiled, inlined, kind_of
from pipeline.kernels.rules.learning import Rows, StepEvents, update_all


class Population(NamedTuple):
    """The constants of all neurons.

    Parameters
    ----------
    beta, alpha : float32
        The factors of membranes and currents in a step.
    inhibition : float32
        h.
    winners : int
        k.
    scale : float32
        The unit of stored weights: 1, or that of their codes.
    """

    beta: Any
    alpha: Any
    inhibition: Any
    winners: Any
    scale: Any


@compiled
def live(
    neurons: Any,
    rules: Any,
    synapses: Any,
    membranes: Any,
    traces: Any,
    pre: Any,
    post: Any,
    clock: Any,
    rewards: Any,
) -> None:
    """Run a population over a train (time, source) while rules learn; fills `post`."""
    sums = np.zeros(post.shape[1], np.float32)
    for t in range(pre.shape[0]):
        _fire(neurons, membranes[0], membranes[1], synapses.thresholds, post[t])
        _clear(sums)
        for i in range(pre.shape[1]):
            if pre[t, i]:
                add_row(synapses.weights, i, sums)
        _charge(neurons, membranes[1], sums)
        update_all(
            rules, synapses, traces, StepEvents(pre[t], post[t], clock + t, rewards[t])
        )


@compiled
def deliver(spikes: Any, weights: Any, currents: Any) -> None:
    """Add up the currents of spikes (time, batch, source) at (time, batch, target)."""
    for t in range(spikes.shape[0]):
        for b in range(spikes.shape[1]):
            sums = currents[t, b]
            _clear(sums)
            for i in range(spikes.shape[2]):
                if spikes[t, b, i] != 0:
                    add_row(weights, i, sums)


@compiled
def compete(
    neurons: Any, currents: Any, thresholds: Any, membranes: Any, spikes: Any
) -> None:
    """Run populations over currents (time, batch, target); fills `spikes`.

    Parameters
    ----------
    membranes : array, shape (2, batch, target)
        Potentials and synaptic currents, which are changed.
    """
    fired = np.zeros(currents.shape[2], np.bool_)
    for t in range(currents.shape[0]):
        for b in range(currents.shape[1]):
            _fire(neurons, membranes[0, b], membranes[1, b], thresholds, fired)
            _charge(neurons, membranes[1, b], currents[t, b])
            for j in range(len(fired)):
                spikes[t, b, j] = fired[j]


@inlined
def _fire(
    neurons: Any, potentials: Any, currents: Any, thresholds: Any, fired: Any
) -> None:
    """Move potentials on, and mark the neurons that fire."""
    count = 0
    for j in range(len(potentials)):
        potentials[j] = neurons.beta * potentials[j] + currents[j]
        fired[j] = potentials[j] >= thresholds[j]
        count += fired[j]
    if count > neurons.winners:
        _choose(neurons.winners, potentials, thresholds, fired)
        count = neurons.winners
    if count:
        drop = neurons.inhibition * np.float32(count)
        for j in range(len(potentials)):
            potentials[j] = np.float32(0) if fired[j] else potentials[j] - drop


@inlined
def _choose(winners: Any, potentials: Any, thresholds: Any, fired: Any) -> None:
    """Let only the neurons furthest above fire; of equals, the first."""
    margins = np.empty(len(fired), np.float32)
    for j in range(len(fired)):
        margins[j] = potentials[j] - thresholds[j] if fired[j] else np.float32(-1)
        fired[j] = False
    for _ in range(winners):
        best = 0
        for j in range(1, len(fired)):
            if margins[j] > margins[best]:
                best = j
        fired[best] = True
        margins[best] = np.float32(-1)


@inlined
def _charge(neurons: Any, currents: Any, sums: Any) -> None:
    """Move synaptic currents on."""
    for j in range(len(currents)):
        currents[j] = neurons.alpha * currents[j] + neurons.scale * sums[j]


@inlined
def _clear(values: Any) -> None:
    for j in range(len(values)):
        values[j] = np.float32(0)


def add_row(weights: Any, source: Any, sums: Any) -> None:
    """Add the row of a source that fires; for compiled code only."""
    raise NotImplementedError


@overload(add_row, jit_options=EXACT)
def _choose_add_row(weights: Any, source: Any, sums: Any) -> Any:
    return _add_listed_row if kind_of(weights) is Rows else _add_dense_row


def _add_dense_row(weights: Any, source: Any, sums: Any) -> None:
    row = weights[source]
    for j in range(len(row)):
        sums[j] += row[j]


def _add_listed_row(weights: Any, source: Any, sums: Any) -> None:
    for k in range(weights.starts[source], weights.starts[source + 1]):
        sums[weights.targets[k]] += weights.values[k]


def plain_compete(
    neurons: Population,
    currents: Any,
    thresholds: Any,
    membranes: Any,
) -> tuple[Any, Any]:
    """Do the same as `compete` with torch, a step at a time, on any device.

    Returns
    -------
    spikes : Tensor, shape (time, batch, target)
    membranes : Tensor, shape (2, batch, target)
    """
    import torch

    potentials, synaptic = membranes.unbind(0)
    spikes = []
    for sums in currents.unbind(0):
        potentials = neurons.beta * potentials + synaptic
        above = potentials - thresholds
        margins = torch.where(above >= 0, above, -1.0)
        # Stable sorting keeps the order of equals, as the loop does.
        ranks = margins.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        fired = (above >= 0) & (ranks < neurons.winners)
        drop = neurons.inhibition * fired.sum(1, keepdim=True)
        potentials = torch.where(fired, 0.0, potentials - drop)
        synaptic = neurons.alpha * synaptic + neurons.scale * sums
        spikes.append(fired.to(currents.dtype))
    return torch.stack(spikes), torch.stack([potentials, synaptic])
