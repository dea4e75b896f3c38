"""Pair STDP with one signed trace a neuron, walking rows of sources alone.

::

    x ← x·exp(−dt/τ)                          all neurons
    x ← −(x + 1)                              where a neuron fires: the sign means "now"
    every source with |x| > θ walks its row:
        x_pre > 0, x_post < 0:   w ← w ⊕ x_pre       source earlier, target now
        x_pre < 0, x_post > 0:   w ← w ⊖ x_post      source now, target earlier
    x ← |x|

No synapse is ever looked for from its target, so there is no table of sources and a
row lies in one piece of memory. At θ = 0 the weights are those of `kernels.pair`, bit
for bit. A larger θ drops strengthening by traces that are nearly gone.

Of a dense row only what can change is visited: all of it if the source fires, and the
targets that fire if not. Rows that list their targets are walked completely, unless no
target fires.

References
----------
.. [1] P. Urbizagastegui, A. van Schaik, R. Wang, "Memory-efficient neurons and synapses
   for spike-timing-dependent-plasticity in large-scale spiking networks", Frontiers in
   Neuroscience 18:1450640, 2024.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from pipeline.kernels.compiling import EXACT, inlined, kind_of
from pipeline.kernels.rules.learning import Rows, implements, stronger, weaker


class ThreeVariable(NamedTuple):
    """The constants: factors of the traces in a step, θ, and the dependence."""

    pre_decay: Any
    post_decay: Any
    theta: Any
    dependence: Any


@implements(ThreeVariable)
def _update(rule: Any, synapses: Any, traces: Any, now: Any) -> None:
    sources, targets = traces.pre[0], traces.post[0]
    advance(sources, rule.pre_decay, now.pre, rule.dependence, 1, now.clock)
    advance(targets, rule.post_decay, now.post, rule.dependence, 2, now.clock)
    # Unsigned, because an index that may be negative is checked at every use.
    fired = np.flatnonzero(now.post).astype(np.uint64)
    for i in range(len(sources)):
        trace = sources[i]
        if trace < 0:
            weaken_row(rule.dependence, synapses.weights, i, targets, now.clock)
        elif trace > rule.theta and len(fired):
            strengthen_row(
                rule.dependence, synapses.weights, i, trace, targets, fired, now.clock
            )
    _unmark(sources)
    _unmark(targets)


def advance(
    trace: Any, factors: Any, fires: Any, dependence: Any, salt: Any, clock: Any
) -> None:
    """Let traces decay, and mark those that fire; for compiled code only."""
    raise NotImplementedError


@overload(advance, jit_options=EXACT)
def _choose_advance(
    trace: Any, factors: Any, fires: Any, dependence: Any, salt: Any, clock: Any
) -> Any:
    return _advance if trace.dtype == types.float32 else None


def _advance(
    trace: Any, factors: Any, fires: Any, dependence: Any, salt: Any, clock: Any
) -> None:
    for n in range(len(trace)):
        left = trace[n] * factors[n]
        trace[n] = -(left + np.float32(1)) if fires[n] else left


@inlined
def _unmark(trace: Any) -> None:
    """Turn all signs back."""
    for n in range(len(trace)):
        trace[n] = abs(trace[n])


def weaken_row(
    dependence: Any, weights: Any, source: Any, targets: Any, clock: Any
) -> None:
    """Weaken the row of a source that fires; for compiled code only."""
    raise NotImplementedError


def strengthen_row(
    dependence: Any,
    weights: Any,
    source: Any,
    trace: Any,
    targets: Any,
    fired: Any,
    clock: Any,
) -> None:
    """Strengthen the row of a source that fired earlier; for compiled code only."""
    raise NotImplementedError


@overload(weaken_row, jit_options=EXACT)
def _choose_weaken_row(
    dependence: Any, weights: Any, source: Any, targets: Any, clock: Any
) -> Any:
    return _weaken_listed if kind_of(weights) is Rows else _weaken_dense


@overload(strengthen_row, jit_options=EXACT)
def _choose_strengthen_row(
    dependence: Any,
    weights: Any,
    source: Any,
    trace: Any,
    targets: Any,
    fired: Any,
    clock: Any,
) -> Any:
    return _strengthen_listed if kind_of(weights) is Rows else _strengthen_dense


def _weaken_dense(
    dependence: Any, weights: Any, source: Any, targets: Any, clock: Any
) -> None:
    row, first = weights[source], source * len(targets)
    for j in range(len(row)):
        earlier = targets[j] if targets[j] > 0 else targets.dtype.type(0)
        row[j] = weaker(dependence, row[j], earlier, first + j, clock)


def _weaken_listed(
    dependence: Any, weights: Any, source: Any, targets: Any, clock: Any
) -> None:
    values = weights.values
    for k in range(weights.starts[source], weights.starts[source + 1]):
        trace = targets[weights.targets[k]]
        if trace > 0:
            values[k] = weaker(dependence, values[k], trace, k, clock)


def _strengthen_dense(
    dependence: Any,
    weights: Any,
    source: Any,
    trace: Any,
    targets: Any,
    fired: Any,
    clock: Any,
) -> None:
    row, first = weights[source], source * len(targets)
    for j in fired:
        row[j] = stronger(dependence, row[j], trace, first + j, clock)


def _strengthen_listed(
    dependence: Any,
    weights: Any,
    source: Any,
    trace: Any,
    targets: Any,
    fired: Any,
    clock: Any,
) -> None:
    values = weights.values
    for k in range(weights.starts[source], weights.starts[source + 1]):
        if targets[weights.targets[k]] < 0:
            values[k] = stronger(dependence, values[k], trace, k, clock)
