"""The front end's reference implementation, in Python's integers.

Python's integers have no word length, so equal results also show that nothing in the
compiled loop overflowed. `fits` also checks the words of a device.
"""

import numpy as np

from pipeline.kernels.fixed_point import GUESS
from pipeline.kernels.front_end.integer import ConverterSamples, Steps
from pipeline.kernels.front_end.state import COEFFICIENT_BITS, RAIL, Constants


class Channel:
    """One channel of the front end, from its first sample on."""

    def __init__(self, k: Constants, first: int) -> None:
        self.k = k
        level = _clip(first) << k.fraction
        self.levels = [level]
        for gain in k.rest.tolist():
            level = rounded(level * gain, k.rest_bits)
            self.levels.append(level)
        self.pairs = [(level, level) for level in self.levels]
        self.residues = [0] * len(k.sections)
        self.line = [level] * k.taps.shape[1]
        self.power = 0

    def filter_sample(self, sample: int) -> None:
        """Filter one sample."""
        level = _clip(sample) << self.k.fraction
        for n, (b0, b1, b2, c1, c2) in enumerate(self.k.sections.tolist()):
            (x1, x2), (y1, y2) = self.pairs[n], self.pairs[n + 1]
            total = b0 * level + b1 * x1 + b2 * x2 + c1 * y1 + c2 * y2
            quotient, left = divmod(total + self.residues[n], 2**COEFFICIENT_BITS)
            self.pairs[n], self.residues[n] = (level, x1), left
            level = fits(quotient, 30)
        self.pairs[-1] = level, self.pairs[-1][0]
        self.line = [level, *self.line[:-1]]

    def resampled(self, phase: int) -> int:
        """Give a sample at the lower rate."""
        taps = self.k.taps[phase].tolist()
        total: int = sum(h * x for h, x in zip(taps, self.line, strict=True))
        return fits(rounded(total, COEFFICIENT_BITS), 29)


def plain_prepared(codes: ConverterSamples, k: Constants) -> tuple[Steps, Steps, int]:
    """Filter and scale a complete recording, and count the saturated samples."""
    times = codes.T.tolist()
    channels = [Channel(k, first) for first in times[0]] if times else []
    columns: list[list[list[int]]] = []
    weight, position = 0, 0
    for n, samples in enumerate(times):
        for channel, sample in zip(channels, samples, strict=True):
            channel.filter_sample(sample)
        phase = position - n * len(k.taps)
        if phase < len(k.taps):
            if weight < k.settled:
                weight = weight * k.decay // 2**32 + 2**32 - k.decay
                gain = _gain(weight, k)
            columns.append(_step(channels, phase, gain, k))
            position += k.down
    shape = len(columns), 2, codes.shape[0]
    levels, scales = np.array(columns, np.int64).reshape(shape).transpose(1, 2, 0)
    return levels, scales, int((np.abs(codes.astype(np.int64)) >= RAIL).sum())


def rounded(product: int, bits: int) -> int:
    """Shift right, rounding to nearest, halves up."""
    return (product + (1 << bits >> 1)) >> bits


def fits(value: int, bits: int) -> int:
    """Return a signed number if it fits so many bits.

    Raises
    ------
    OverflowError
    """
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise OverflowError(f"{value} does not fit {bits} bits")
    return value


def ratio(level: int, bits: int, scale: int) -> int:
    """Divide by the scale, rounding to nearest, halves away from 0; it fits 32 bits."""
    size = (abs(level) * 2**bits + scale // 2) // scale
    return fits(size if level >= 0 else -size, 32)


def _clip(sample: int) -> int:
    return min(max(sample, -RAIL), RAIL)


def _step(
    channels: list[Channel], phase: int, gain: tuple[int, int], k: Constants
) -> list[list[int]]:
    """Give the samples and scales of one step."""
    xs = [channel.resampled(phase) for channel in channels]
    squares = [(x >> k.power_shift) ** 2 for x in xs]
    if k.shared:
        squares = [sum(squares) >> k.mean_shift] * len(xs)
    for channel, square in zip(channels, squares, strict=True):
        power = channel.power * k.decay // 2**32 + square
        channel.power = fits(power, 64)
    return [xs, [_scale(channel.power, gain, k) for channel in channels]]


def _root(word: int) -> int:
    """Give 2·√word, by Heron's step twice."""
    first = word // 2**17 + word // 2**19 + GUESS
    second = (first + word // first) // 2
    return second + word // second


def _gain(weight: int, k: Constants) -> tuple[int, int]:
    """Give the factor and the shift of a root."""
    zeros = (32 - weight.bit_length()) // 2 * 2
    quotient, left = divmod(k.gain, _root(weight << zeros))
    digits = (left << 15) // _root(weight << zeros)
    return (quotient << 15) + digits, k.gain_shift - zeros // 2


def _scale(power: int, gain: tuple[int, int], k: Constants) -> int:
    """Give the running root mean square."""
    if power < k.least:
        return k.floor
    zeros = (64 - power.bit_length()) // 2 * 2
    product = (_root((power << zeros) >> 32) << 15) * gain[0] // 2**32
    return max(rounded(product, gain[1] + zeros // 2), k.floor)
