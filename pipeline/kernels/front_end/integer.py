"""From samples of a converter to filtered samples and their scale, compiled.

The reference implementation is in `plain.py`. A microcontroller without
floating point computes the same bits. `≫` is a shift to the right that rounds down, and
every number fits 32 bits, every product 64, by bounds that are computed at design
(`pipeline.front_end.chain`). A sample of a channel::

    x₀ = min(max(sample, −RAIL), RAIL) ≪ fraction
    x₁ = (e + b₀·x₀[n] + b₁·x₀[n−1] + b₂·x₀[n−2] + c₁·x₁[n−1] + c₂·x₁[n−2]) ≫ 30

and so on through the sections; e is what the shift lost a sample ago, so that slow
poles do not add up its rounding (error feedback). The anti-alias filter gives
x[m] = rounded(Σ h·x₂, 30). A unit of x is 2^−fraction of the converter's. Then ::

    S[m] = (A·S[m−1] ≫ 32) + (x ≫ power_shift)²
    s[m] = max(√S·gain, floor)

`gain` undoes the bias of the beginning. The codes in `codes/` make spikes of x / s.
"""

from typing import Any

import numpy as np
from jaxtyping import Int32, Int64

from pipeline.kernels.compiling import compiled, inlined
from pipeline.kernels.fixed_point import follow, leading_zeros, root, times
from pipeline.kernels.front_end.state import (
    AHEAD,
    AT,
    COEFFICIENT_BITS,
    GAIN,
    GAIN_SHIFT,
    RAIL,
    SAMPLES,
    SATURATIONS,
    STEPS,
    WEIGHT,
    Constants,
    Memory,
)

ConverterSamples = Int32[np.ndarray, "channel time"]
"""Samples of a converter."""

Steps = Int64[np.ndarray, "channel step"]
"""Filtered samples x, or their scales s."""


def prepared(
    codes: ConverterSamples, memory: Memory, constants: Constants
) -> tuple[Steps, Steps, Memory]:
    """Filter and resample a chunk of samples, and follow its scale.

    Parameters
    ----------
    codes : array, shape (channel, time), int32
    memory : Memory
        The memory after the chunk before. It is not changed.
    constants : Constants

    Returns
    -------
    levels, scales : array, shape (channel, step), int64
        Filtered samples and the scale of each, in one unit.
    memory : Memory
    """
    memory = Memory(*(part.copy() for part in memory))
    levels, scales = np.empty((2, *codes.shape), np.int64)
    before = memory.counters[STEPS]
    _prepare(np.ascontiguousarray(codes), memory, constants, levels, scales)
    n_steps = memory.counters[STEPS] - before
    return levels[:, :n_steps].copy(), scales[:, :n_steps].copy(), memory


@inlined
def _filtered(level: Any, past: Any, residues: Any, sections: Any) -> Any:
    """Run the sections of one channel on one sample."""
    for n in range(len(sections)):
        b0, b1, b2, c1, c2 = sections[n]
        total = residues[n] + b0 * level + b1 * past[n, 0] + b2 * past[n, 1]
        total += c1 * past[n + 1, 0] + c2 * past[n + 1, 1]
        past[n, 1], past[n, 0] = past[n, 0], level
        residues[n] = total & ((1 << COEFFICIENT_BITS) - 1)
        level = total >> COEFFICIENT_BITS
    past[len(sections), 1], past[len(sections), 0] = past[len(sections), 0], level
    return level


@inlined
def _settle(level: Any, past: Any, line: Any, k: Any) -> None:
    """Set the state as if a sample had been constant for ever."""
    for n in range(len(k.rest) + 1):
        past[n, :] = level
        if n < len(k.rest):
            level = (level * k.rest[n] + (1 << k.rest_bits >> 1)) >> k.rest_bits
    line[:] = level


@inlined
def _resampled(line: Any, at: Any, taps: Any) -> Any:
    """Apply a phase of the anti-alias filter to the newest samples."""
    total = 1 << COEFFICIENT_BITS >> 1
    for n in range(len(taps)):
        total += taps[n] * line[at - n]
    return total >> COEFFICIENT_BITS


@inlined
def _weigh(counters: Any, k: Any) -> None:
    """Follow the weight of the running mean, and the factor of roots."""
    if counters[WEIGHT] >= k.settled:
        return
    weight = times(counters[WEIGHT], k.decay) + (1 << 32) - k.decay
    zeros = leading_zeros(weight)
    halves = root(weight << zeros)
    quotient = k.gain // halves
    rest = ((k.gain - quotient * halves) << 15) // halves
    counters[WEIGHT] = weight
    counters[GAIN] = (quotient << 15) + rest
    counters[GAIN_SHIFT] = k.gain_shift - (zeros >> 1)


@inlined
def _scale(power: Any, counters: Any, k: Any) -> Any:
    """Give the running root mean square, in units of x."""
    high, low = power >> 32, power & ((1 << 32) - 1)
    if high == 0:
        if low < k.least:
            return k.floor
        zeros = leading_zeros(low)
        word = low << zeros
        zeros += 32
    else:
        zeros = leading_zeros(high)
        word = (high << zeros) | (low >> (32 - zeros))
    shift = counters[GAIN_SHIFT] + (zeros >> 1)
    scale = times(root(word) << 15, counters[GAIN])
    return max((scale + (1 << shift >> 1)) >> shift, k.floor)


@inlined
def _step(phase: Any, memory: Any, k: Any, x: Any, scales: Any) -> None:
    """Compute one step of all channels."""
    counters, squares = memory.counters, np.int64(0)
    _weigh(counters, k)
    for channel in range(len(x)):
        x[channel] = _resampled(memory.line[channel], counters[AT], k.taps[phase])
        square = (x[channel] >> k.power_shift) ** 2
        squares += square
        if not k.shared:
            power = follow(memory.powers[channel], square, k.decay)
            memory.powers[channel] = power
    if k.shared:
        squares >>= k.mean_shift
        memory.powers[0] = follow(memory.powers[0], squares, k.decay)
        shared = _scale(memory.powers[0], counters, k)
    for channel in range(len(x)):
        if not k.shared:
            shared = _scale(memory.powers[channel], counters, k)
        scales[channel] = shared
    counters[STEPS] += 1


@inlined
def _take(sample: Any, counters: Any) -> Any:
    """Clip a sample to 24 bits, and count if it was at the rail."""
    if sample >= RAIL:
        counters[SATURATIONS] += 1
        return np.int64(RAIL)
    if sample <= -RAIL:
        counters[SATURATIONS] += 1
        return np.int64(-RAIL)
    return np.int64(sample)


@compiled
def _prepare(codes: Any, memory: Any, k: Any, levels: Any, scales: Any) -> None:
    """Fill `levels` and `scales` and move `memory` on, in place."""
    counters = memory.counters
    first, up = counters[STEPS], len(k.taps)
    for n in range(codes.shape[1]):
        counters[AT] = (counters[AT] + 1) % k.taps.shape[1]
        for channel in range(codes.shape[0]):
            level = _take(codes[channel, n], counters) << k.fraction
            past, line = memory.past[channel], memory.line[channel]
            if counters[SAMPLES] == 0:
                _settle(level, past, line, k)
            level = _filtered(level, past, memory.residues[channel], k.sections)
            line[counters[AT]] = level
        counters[SAMPLES] += 1
        if counters[AHEAD] < up:
            place = counters[STEPS] - first
            _step(counters[AHEAD], memory, k, levels[:, place], scales[:, place])
            counters[AHEAD] += k.down
        counters[AHEAD] -= up
