"""A population of leaky neurons that inhibit each other, with or without learning.

::

    v[t] = β·v[t−1] + g[t−1]
    s[t] = v[t] ≥ ϑ, but of more than k only the k that are furthest above
    v[t] → 0 for who fires, v[t] − h·Σs[t] for all others
    g[t] = α·g[t−1] + Σ_i w_i·x_i[t]

Input of a step is felt in the next one, so that a spike and the spike that it causes
are never of the same step. Sums go over the inputs that fire in their order, so one
window gives the same bits alone, in a batch, and while its weights learn.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from pipeline.kernels._compile import compiled, inlined
from pipeline.kernels._plasticity import EXACT, Moment, Rows, kind_of, update_all


class Population(NamedTuple):
    """The constants of all neurons.

    Parameters
    ----------
    beta, alpha : float32
        What a step leaves of membranes and currents.
    inhibition : float32
        h.
    winners : int
        k.
    scale : float32
        Of a stored weight: 1, or that of its codes.
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
    heard = np.zeros(post.shape[1], np.float32)
    for t in range(pre.shape[0]):
        _fire(neurons, membranes[0], membranes[1], synapses.thresholds, post[t])
        _clear(heard)
        for i in range(pre.shape[1]):
            if pre[t, i]:
                hear(synapses.weights, i, heard)
        _charge(neurons, membranes[1], heard)
        update_all(
            rules, synapses, traces, Moment(pre[t], post[t], clock + t, rewards[t])
        )


@compiled
def deliver(spikes: Any, weights: Any, currents: Any) -> None:
    """Add up what spikes (time, batch, source) bring to (time, batch, target)."""
    for t in range(spikes.shape[0]):
        for b in range(spikes.shape[1]):
            heard = currents[t, b]
            _clear(heard)
            for i in range(spikes.shape[2]):
                if spikes[t, b, i] != 0:
                    hear(weights, i, heard)


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
    """Move potentials on, and say who fires."""
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
    """Let only those fire that are furthest above; of equals, the first."""
    margins = np.where(fired, potentials - thresholds, np.float32(-1))
    fired[:] = False
    for _ in range(winners):
        best = np.argmax(margins)
        fired[best] = True
        margins[best] = np.float32(-1)


@inlined
def _charge(neurons: Any, currents: Any, heard: Any) -> None:
    """Move synaptic currents on."""
    for j in range(len(currents)):
        currents[j] = neurons.alpha * currents[j] + neurons.scale * heard[j]


@inlined
def _clear(values: Any) -> None:
    for j in range(len(values)):
        values[j] = np.float32(0)


def hear(weights: Any, source: Any, heard: Any) -> None:
    """Add the row of a source that fires; for compiled code only."""
    raise NotImplementedError


@overload(hear, jit_options=EXACT)
def _choose_hear(weights: Any, source: Any, heard: Any) -> Any:
    return _hear_listed if kind_of(weights) is Rows else _hear_dense


def _hear_dense(weights: Any, source: Any, heard: Any) -> None:
    row = weights[source]
    for j in range(len(row)):
        heard[j] += row[j]


def _hear_listed(weights: Any, source: Any, heard: Any) -> None:
    for k in range(weights.starts[source], weights.starts[source + 1]):
        heard[weights.targets[k]] += weights.values[k]


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
    for heard in currents.unbind(0):
        potentials = neurons.beta * potentials + synaptic
        above = potentials - thresholds
        margins = torch.where(above >= 0, above, -1.0)
        # Sorting keeps the order of equals, as going through them does.
        ranks = margins.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        fired = (above >= 0) & (ranks < neurons.winners)
        drop = neurons.inhibition * fired.sum(1, keepdim=True)
        potentials = torch.where(fired, 0.0, potentials - drop)
        synaptic = neurons.alpha * synaptic + neurons.scale * heard
        spikes.append(fired.to(currents.dtype))
    return torch.stack(spikes), torch.stack([potentials, synaptic])
