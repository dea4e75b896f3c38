"""The three-variable rule in bytes: int8 traces, uint8 weights.

A trace x is stored as m = 32·x, saturating at 127, its sign as in
`kernels.three_variable`; a weight w as q = 255·w / w_max. A value between two codes is
rounded up or down at random, so that on average nothing is lost (deterministic rounding
would lose every change smaller than half a code)::

    m ← (m·D + n) >> 16                     D = 2¹⁶·exp(−dt/τ)
    q ← q ± ((A·m + n) >> 16)               A = 2¹⁶·a·255 / (32·w_max)

n is 16 bits of a hash of the seed, the step and the place. So it is the same for every
division of a train into pieces, on any machine. At m = 1 a trace vanishes in one step
with probability 1 − D/2¹⁶, like a trace of floats below the event threshold.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from pipeline.kernels.compiling import EXACT, inlined, kind_of
from pipeline.kernels.rules.learning import Traces, stronger, weaker
from pipeline.kernels.rules.three_variable import ThreeVariable, advance

ONE = 32
"""Code of a trace of 1."""
MOST, HEAVIEST = 127, 255


class Rounded(NamedTuple):
    """Additive changes of codes: A of both signs, and a seed."""

    rise: Any
    fall: Any
    seed: Any


@inlined
def noise(seed: Any, clock: Any, place: Any) -> Any:
    """Hash to 16 bits: n of a step and a place."""
    low = np.uint64(0xFFFFFFFF)
    h = np.uint64(seed) ^ ((np.uint64(clock) * np.uint64(0x9E3779B1)) & low)
    h = ((h ^ (h >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & low
    h = h ^ ((np.uint64(place) * np.uint64(0xC2B2AE35)) & low)
    h = ((h ^ (h >> np.uint64(15))) * np.uint64(0x2C1B3C6D)) & low
    h = ((h ^ (h >> np.uint64(12))) * np.uint64(0x297A2D39)) & low
    return np.int64(h >> np.uint64(16))


@overload(advance, jit_options=EXACT)
def _choose_advance(
    trace: Any, factors: Any, fires: Any, dependence: Any, salt: Any, clock: Any
) -> Any:
    return _advance if trace.dtype == types.int8 else None


def _advance(
    trace: Any, factors: Any, fires: Any, dependence: Any, salt: Any, clock: Any
) -> None:
    for n in range(len(trace)):
        rounding = noise(dependence.seed + salt, clock, n)
        left = (np.int64(trace[n]) * factors[n] + rounding) >> 16
        trace[n] = -min(left + ONE, MOST) if fires[n] else left


@overload(stronger, jit_options=EXACT)
def _choose_stronger(
    dependence: Any, weight: Any, trace: Any, place: Any, clock: Any
) -> Any:
    return _stronger if kind_of(dependence) is Rounded else None


@overload(weaker, jit_options=EXACT)
def _choose_weaker(
    dependence: Any, weight: Any, trace: Any, place: Any, clock: Any
) -> Any:
    return _weaker if kind_of(dependence) is Rounded else None


def _stronger(dependence: Any, weight: Any, trace: Any, place: Any, clock: Any) -> Any:
    rounding = noise(dependence.seed, clock, place)
    change = (dependence.rise * np.int64(trace) + rounding) >> 16
    return min(np.int64(weight) + change, HEAVIEST)


def _weaker(dependence: Any, weight: Any, trace: Any, place: Any, clock: Any) -> Any:
    rounding = noise(dependence.seed, clock, place)
    change = (dependence.fall * np.int64(trace) + rounding) >> 16
    return max(np.int64(weight) - change, 0)


def plain_learn(
    rule: ThreeVariable,
    weights: np.ndarray,
    traces: Traces,
    pre: np.ndarray,
    post: np.ndarray,
) -> None:
    """Do the same with matrices in numpy, from step 0: the reference implementation."""
    places = np.arange(weights.size).reshape(weights.shape)
    rounded: Rounded = rule.dependence
    for clock, (before, after) in enumerate(zip(pre, post, strict=True)):
        x = _plain_advance(
            traces.pre[0], rule.pre_decay, before, rounded.seed + 1, clock
        )
        y = _plain_advance(
            traces.post[0], rule.post_decay, after, rounded.seed + 2, clock
        )
        n, codes = plain_noise(rounded.seed, clock, places), weights.astype(np.int64)
        grown = np.minimum(codes + ((rounded.rise * x[:, None] + n) >> 16), HEAVIEST)
        shrunk = np.maximum(codes - ((rounded.fall * y + n) >> 16), 0)
        causal = after & ~before[:, None] & (x > rule.theta)[:, None]
        acausal = before[:, None] & ~after & (y > 0)
        weights[:] = np.where(causal, grown, np.where(acausal, shrunk, codes))
        traces.pre[0], traces.post[0] = x, y


def _plain_advance(
    trace: np.ndarray, factors: np.ndarray, fires: np.ndarray, seed: int, clock: int
) -> np.ndarray:
    rounding = plain_noise(seed, clock, np.arange(len(trace)))
    left = (trace.astype(np.int64) * factors + rounding) >> 16
    marked: np.ndarray = np.where(fires, np.minimum(left + ONE, MOST), left)
    return marked


def plain_noise(seed: int, clock: int, places: np.ndarray) -> np.ndarray:
    """Hash places to 16 bits, one after the other."""
    hashes = [noise(seed, clock, int(place)) for place in places.flat]
    hashed: np.ndarray = np.reshape(hashes, places.shape)
    return hashed
