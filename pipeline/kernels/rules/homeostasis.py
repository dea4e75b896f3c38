"""Homeostasis, which keeps neurons from falling silent or firing all the time.

::

    threshold       ϑ ← ϑ₀ + (ϑ − ϑ₀)·exp(−dt/τ) + δ·s          every step
    normalisation   w_ij ← w_ij·W / Σ_i w_ij                    every n steps
    scaling         r ← r·exp(−dt/τ) + s·(1 − exp(−dt/τ))/dt    every step
                    w_ij ← w_ij·max(½, 1 + g·(1 − r_j/r*))      every n steps

Weights stay in [0, w_max].
"""

from typing import Any, NamedTuple

import numpy as np

from pipeline.kernels.compiling import inlined
from pipeline.kernels.rules.learning import Traces, implements

SILENT = np.float32(1e-30)
"""A sum of weights that no factor could raise without overflowing."""
LEAST = np.float32(0.5)
"""The least factor: weights that became 0 could never grow again."""


class Threshold(NamedTuple):
    """ϑ₀, the factor of ϑ − ϑ₀ in a step, and the increment of a spike."""

    rest: Any
    decay: Any
    increment: Any


class Normalisation(NamedTuple):
    """W, the period in steps, and the largest weight."""

    total: Any
    period: Any
    w_max: Any


class Scaling(NamedTuple):
    """The factor of r in a step, the increment of a spike, r*, g, n, w_max."""

    decay: Any
    increment: Any
    target: Any
    gain: Any
    period: Any
    w_max: Any


@implements(Threshold)
def _update_threshold(rule: Any, synapses: Any, traces: Any, now: Any) -> None:
    thresholds = synapses.thresholds
    for j in range(len(thresholds)):
        raised = rule.decay * (thresholds[j] - rule.rest) + rule.increment * now.post[j]
        thresholds[j] = rule.rest + raised


@implements(Normalisation)
def _update_normalisation(rule: Any, synapses: Any, traces: Any, now: Any) -> None:
    if (now.clock + 1) % rule.period:
        return
    weights = synapses.weights
    factors = np.zeros(weights.shape[1], np.float32)
    for i in range(weights.shape[0]):
        row = weights[i]
        for j in range(len(row)):
            factors[j] += row[j]
    for j in range(len(factors)):
        some = factors[j] > SILENT
        factors[j] = rule.total / factors[j] if some else np.float32(1)
    _multiply(weights, factors, rule.w_max)


@implements(Scaling)
def _update_scaling(rule: Any, synapses: Any, traces: Any, now: Any) -> None:
    rates = traces.post[0]
    for j in range(len(rates)):
        rates[j] = rule.decay * rates[j] + rule.increment * now.post[j]
    if (now.clock + 1) % rule.period:
        return
    one = np.float32(1)
    factors = np.empty(len(rates), np.float32)
    for j in range(len(rates)):
        factors[j] = max(one + rule.gain * (one - rates[j] / rule.target), LEAST)
    _multiply(synapses.weights, factors, rule.w_max)


@inlined
def _multiply(weights: Any, factors: Any, w_max: Any) -> None:
    """Multiply every target's weights by its factor."""
    for i in range(weights.shape[0]):
        row = weights[i]
        for j in range(len(row)):
            row[j] = min(max(row[j] * factors[j], np.float32(0)), w_max)


def plain_threshold(rule: Threshold, thresholds: np.ndarray, post: np.ndarray) -> None:
    """Move thresholds through a train (time, target): the reference implementation."""
    for fired in post:
        above = rule.decay * (thresholds - rule.rest) + rule.increment * fired
        thresholds[:] = rule.rest + above


def plain_normalise(rule: Normalisation, weights: np.ndarray) -> None:
    """Normalise once: the reference implementation."""
    totals = weights.sum(0)
    some = totals > SILENT
    factors = np.divide(rule.total, totals, where=some, out=np.ones_like(totals))
    weights[:] = np.clip(weights * factors, 0, rule.w_max)


def plain_scale(
    rule: Scaling, weights: np.ndarray, traces: Traces, post: np.ndarray
) -> None:
    """Scale through the first train (time, target): the reference implementation."""
    rates = traces.post[0]
    for step, fired in enumerate(post, start=1):
        rates[:] = rule.decay * rates + rule.increment * fired
        if step % rule.period == 0:
            factors = np.maximum(1 + rule.gain * (1 - rates / rule.target), LEAST)
            weights[:] = np.clip(weights * factors, 0, rule.w_max)
