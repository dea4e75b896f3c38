"""Pair STDP with a trace of every source and one of every target.

::

    x ← x·exp(−dt/τ)                              all traces
    target fires, source does not:   w ← w ⊕ x_pre      (source earlier: stronger)
    source fires, target does not:   w ← w ⊖ x_post     (target earlier: weaker)
    x ← x + 1                                     of those that fire

Spikes of the same step have no order: they change nothing. Every step looks at every
synapse: faster schemes are compared with this reference.
"""

from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.rules.learning import (
    PowerLaw,
    Traces,
    decay,
    implements,
    stronger,
    weaker,
)


class Pair(NamedTuple):
    """The constants: factors of the traces in a step, and the weights' dependence."""

    pre_decay: Any
    post_decay: Any
    dependence: Any


@implements(Pair)
def _update(rule: Any, synapses: Any, traces: Any, now: Any) -> None:
    sources, targets = traces.pre[0], traces.post[0]
    decay(sources, rule.pre_decay)
    decay(targets, rule.post_decay)
    for i in range(len(sources)):
        row = synapses.weights[i]
        for j in range(len(targets)):
            if now.post[j] and not now.pre[i]:
                row[j] = stronger(rule.dependence, row[j], sources[i], 0, 0)
            if now.pre[i] and not now.post[j]:
                row[j] = weaker(rule.dependence, row[j], targets[j], 0, 0)
    for i in range(len(sources)):
        sources[i] += now.pre[i]
    for j in range(len(targets)):
        targets[j] += now.post[j]


def plain_learn(
    rule: Pair, weights: np.ndarray, traces: Traces, pre: np.ndarray, post: np.ndarray
) -> None:
    """Do the same with complete matrices in numpy: the reference implementation."""
    sources, targets = traces.pre[0], traces.post[0]
    for before, after in zip(pre, post, strict=True):
        sources *= rule.pre_decay
        targets *= rule.post_decay
        causal = after & ~before[:, None]
        acausal = before[:, None] & ~after
        grown, shrunk = plain_changes(rule.dependence, weights, sources, targets)
        np.copyto(weights, grown, where=causal)
        np.copyto(weights, shrunk, where=acausal)
        sources += before
        targets += after


def plain_changes(
    dependence: Any, weights: np.ndarray, sources: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute every weight after strengthening, and after weakening."""
    rise = dependence.a_plus * sources[:, None]
    fall = dependence.a_minus * targets
    if isinstance(dependence, PowerLaw):
        rise = rise * weights**dependence.mu
        fall = dependence.a_minus * weights * targets
    w_max = dependence.w_max
    return np.minimum(weights + rise, w_max), np.maximum(weights - fall, 0)
