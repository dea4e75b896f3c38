"""Compilation of local rules: one loop over time that serves every rule.

A rule's kernel has a type of constants, a NamedTuple, and defines how one step with
such constants changes weights, thresholds and traces: it overloads `update`. Numba
chooses by the type when the loop is compiled, so any rules go into any loop, several
at once, without a call from Python for each step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from pipeline.kernels.compiling import EXACT, compiled, inlined, kind_of


class Traces(NamedTuple):
    """The state of a rule: arrays that it changes.

    Parameters
    ----------
    pre : array, shape (variable, source)
    post : array, shape (variable, target)
    synapse : array, shape (variable, source, target)
    """

    pre: Any
    post: Any
    synapse: Any


class Rows(NamedTuple):
    """Weights of the synapses that exist, a row of targets for each source (CSR).

    Parameters
    ----------
    values : array, shape (synapse,)
    targets : array, shape (synapse,), int32
    starts : array, shape (source + 1,), int64
        Source i has the synapses starts[i] to starts[i + 1].
    """

    values: Any
    targets: Any
    starts: Any


class Synapses(NamedTuple):
    """The quantities that rules change.

    Parameters
    ----------
    weights : array, shape (source, target), or Rows
    thresholds : array, shape (target,)
    """

    weights: Any
    thresholds: Any


class StepEvents(NamedTuple):
    """The events of one step.

    Parameters
    ----------
    pre, post : array, shape (source,) and (target,), bool
        The neurons that fire.
    clock : int
        Steps since learning began.
    reward : float
    """

    pre: Any
    post: Any
    clock: Any
    reward: Any


class Additive(NamedTuple):
    """Changes independent of the weight: w + a₊·x, w − a₋·x, clipped."""

    a_plus: Any
    a_minus: Any
    w_max: Any


class PowerLaw(NamedTuple):
    """Changes that depend on the weight: w + a₊·w^μ·x, w − a₋·w·x, clipped."""

    a_plus: Any
    a_minus: Any
    w_max: Any
    mu: Any


def update(rule: Any, synapses: Any, traces: Any, now: Any) -> None:
    """Make one step of a rule; for compiled code only.

    Parameters
    ----------
    rule : NamedTuple
        The constants, whose type identifies the rule.
    synapses : Synapses
    traces : Traces
    now : StepEvents
    """
    raise NotImplementedError


def implements(kind: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a formula the `update` of rules with constants of a kind."""

    def register(formula: Callable[..., None]) -> Callable[..., None]:
        """Overload `update` for rules of the kind."""

        @overload(update, jit_options=EXACT)
        def choose(rule: Any, synapses: Any, traces: Any, now: Any) -> Any:
            return formula if kind_of(rule) is kind else None

        return formula

    return register


def update_all(rules: Any, synapses: Any, traces: Any, now: Any) -> None:
    """Make one step of several rules, in their order; for compiled code only."""
    raise NotImplementedError


@overload(update_all, jit_options=EXACT)
def _choose_update(rules: Any, synapses: Any, traces: Any, now: Any) -> Any:
    return _update_in_turn if len(rules) else _update_nothing


def _update_in_turn(rules: Any, synapses: Any, traces: Any, now: Any) -> None:
    update(rules[0], synapses, traces[0], now)
    update_all(rules[1:], synapses, traces[1:], now)


def _update_nothing(rules: Any, synapses: Any, traces: Any, now: Any) -> None:
    return None


@compiled
def learn(
    rules: Any,
    synapses: Any,
    traces: Any,
    pre: Any,
    post: Any,
    clock: Any,
    rewards: Any,
) -> None:
    """Let rules learn from spike trains (time, source) and (time, target)."""
    for t in range(pre.shape[0]):
        now = StepEvents(pre[t], post[t], clock + t, rewards[t])
        update_all(rules, synapses, traces, now)


def stronger(dependence: Any, weight: Any, trace: Any, place: Any, clock: Any) -> Any:
    """Strengthen a weight by a source's trace; for compiled code only.

    `place` and `clock` identify the synapse and the step, for random rounding.
    """
    raise NotImplementedError


def weaker(dependence: Any, weight: Any, trace: Any, place: Any, clock: Any) -> Any:
    """Weaken a weight by a target's trace; for compiled code only."""
    raise NotImplementedError


@overload(stronger, jit_options=EXACT)
def _choose_stronger(
    dependence: Any, weight: Any, trace: Any, place: Any, clock: Any
) -> Any:
    kinds = {Additive: _stronger_additive, PowerLaw: _stronger_power_law}
    return kinds.get(kind_of(dependence))


@overload(weaker, jit_options=EXACT)
def _choose_weaker(
    dependence: Any, weight: Any, trace: Any, place: Any, clock: Any
) -> Any:
    kinds = {Additive: _weaker_additive, PowerLaw: _weaker_power_law}
    return kinds.get(kind_of(dependence))


def _stronger_additive(
    dependence: Any, weight: Any, trace: Any, place: Any, clock: Any
) -> Any:
    return min(weight + dependence.a_plus * trace, dependence.w_max)


def _stronger_power_law(
    dependence: Any, weight: Any, trace: Any, place: Any, clock: Any
) -> Any:
    rise = dependence.a_plus * trace * weight**dependence.mu
    return min(weight + rise, dependence.w_max)


def _weaker_additive(
    dependence: Any, weight: Any, trace: Any, place: Any, clock: Any
) -> Any:
    return max(weight - dependence.a_minus * trace, np.float32(0))


def _weaker_power_law(
    dependence: Any, weight: Any, trace: Any, place: Any, clock: Any
) -> Any:
    return max(weight - dependence.a_minus * weight * trace, np.float32(0))


@inlined
def decay(trace: Any, factors: Any) -> None:
    """Let the traces of a population decay."""
    for n in range(len(trace)):
        trace[n] *= factors[n]


def float32s(*numbers: float) -> list[Any]:
    """Convert numbers to float32, as compiled loops take them."""
    return [np.float32(number) for number in numbers]


def decays(tau_s: float | tuple[float, ...], count: int, dt: float) -> np.ndarray:
    """Compute the factor of each trace in a step, exp(−dt / τ), float32."""
    factors = np.exp(-dt / np.asarray(tau_s, np.float64))
    return np.broadcast_to(factors, (count,)).astype(np.float32)
