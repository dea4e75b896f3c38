"""The front end's reference implementation, in Python's integers.

Python's integers have no word length, so equal results also show that nothing in the
compiled loop overflowed. `fits` also checks the words of a device.
"""

import numpy as np

from pipeline.axes import SpikeBits
from pipeline.kernels.fixed_point import GUESS
from pipeline.kernels.front_end.integer import Codes
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
        self.reference: int | None = None

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

    def spike(self, x: int, scale: int) -> int:
        """Compare with the reference: 1 for ON, −1 for OFF."""
        start, threshold = x * 2**self.k.reference_bits, self.k.threshold
        if self.reference is None:
            self.reference = abs(start) // scale * (1 if start >= 0 else -1)
        above = start > (self.reference + threshold) * scale
        below = start < (self.reference - threshold) * scale
        sign = int(above) - int(below)
        self.reference = fits(self.reference + sign * threshold, 32)
        return sign


def plain_front_end(codes: Codes, k: Constants) -> tuple[SpikeBits, int]:
    """Turn a complete recording into spikes, and count the saturated samples."""
    times = codes.T.tolist()
    channels = [Channel(k, first) for first in times[0]] if times else []
    columns: list[list[int]] = []
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
    shape = len(columns), codes.shape[0]
    signs = np.array(columns, np.int64).reshape(shape).T
    spikes = np.stack([signs > 0, signs < 0], axis=1).reshape(2 * shape[1], shape[0])
    return spikes, int((np.abs(codes.astype(np.int64)) >= RAIL).sum())


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


def _clip(sample: int) -> int:
    return min(max(sample, -RAIL), RAIL)


def _step(
    channels: list[Channel], phase: int, gain: tuple[int, int], k: Constants
) -> list[int]:
    """Give the signs of one step."""
    xs = [channel.resampled(phase) for channel in channels]
    squares = [(x >> k.power_shift) ** 2 for x in xs]
    if k.shared:
        squares = [sum(squares) >> k.mean_shift] * len(xs)
    for channel, square in zip(channels, squares, strict=True):
        power = channel.power * k.decay // 2**32 + square
        channel.power = fits(power, 64)
    scales = [_scale(channel.power, gain, k) for channel in channels]
    return [c.spike(x, s) for c, x, s in zip(channels, xs, scales, strict=True)]


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
