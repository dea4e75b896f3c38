"""The constants of the front end, and its state between samples."""

from typing import NamedTuple

import numpy as np

RAIL = 2**23 - 1
"""Largest sample of a 24-bit converter; samples at it or beyond are saturated."""

COEFFICIENT_BITS = 30
"""Fraction bits of filter coefficients and taps."""

AHEAD, AT, WEIGHT, GAIN, GAIN_SHIFT, SAMPLES, STEPS, SATURATIONS = range(8)
"""Places of `Memory.counters`."""


class Constants(NamedTuple):
    """A design in integers.

    Parameters
    ----------
    fraction : int
        Fraction bits of the filtered signal.
    sections : array, shape (section, 5), int64
        b₀, b₁, b₂, c₁ = −a₁, c₂ = −a₂ of each second-order section.
    rest : array, shape (section,), int64
        Gain of each section for a constant, with `rest_bits` fraction bits.
    rest_bits : int
    taps : array, shape (up, tap), int64
        The anti-alias filter's phases, newest sample first.
    down : int
        The rates' ratio is `up` to `down`; not above 1.
    decay : int
        A, with 32 fraction bits.
    settled : int
        The weight from which on the bias of the beginning is not corrected.
    power_shift, mean_shift : int
        Bits dropped of a sample before it is squared, and of a sum over channels.
    shared : int
        1: one scale for all channels.
    gain, gain_shift : int
        The factor of √S, and its shift.
    floor : int
        Smallest scale, in units of x.
    least : int
        The scale is `floor` for every S below this.
    """

    fraction: int
    sections: np.ndarray
    rest: np.ndarray
    rest_bits: int
    taps: np.ndarray
    down: int
    decay: int
    settled: int
    power_shift: int
    mean_shift: int
    shared: int
    gain: int
    gain_shift: int
    floor: int
    least: int


class Memory(NamedTuple):
    """The state between two chunks, all int64.

    Parameters
    ----------
    past : array, shape (channel, section + 1, 2)
        The last two inputs of each section, and outputs of the last.
    residues : array, shape (channel, section)
        The remainder of each section's shift.
    line : array, shape (channel, tap)
        Ring of filtered samples.
    powers : array, shape (channel,)
        S; of a shared scale, only the first counts.
    counters : array, shape (8,)
        Samples until the next step in 1/up, place in the ring, weight of the mean,
        gain and its shift, samples, steps, saturated samples.
    """

    past: np.ndarray
    residues: np.ndarray
    line: np.ndarray
    powers: np.ndarray
    counters: np.ndarray


def first_memory(constants: Constants, n_channels: int) -> Memory:
    """Make the memory before the first sample."""
    sections, taps = len(constants.sections), constants.taps.shape[1]
    return Memory(
        past=np.zeros((n_channels, sections + 1, 2), np.int64),
        residues=np.zeros((n_channels, sections), np.int64),
        line=np.zeros((n_channels, taps), np.int64),
        powers=np.zeros(n_channels, np.int64),
        counters=np.zeros(8, np.int64),
    )
