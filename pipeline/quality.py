"""Measures of a recording's quality, before any filter.

Samples come piece by piece and are not kept. The shares are those of the recording in
one piece, wherever it is divided.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.axes import Precise

FLAT_S = 0.2
"""No change for this long: a loose electrode, not a quiet one."""
CLIPPED_SAMPLES = 3
"""At the channel's extreme for this many samples in a row: the converter's end."""
LEAST_FREQ, LINE_WIDTH = 1.0, 1.0
"""Hz: baseline below is no part of the power; the line lies within ± the width."""
WELCH_S = 4.0
"""Length of a segment in Welch's method, half of which overlaps the next."""

SWING_S = 2.0
"""Length of the blocks whose swing is measured: long enough for a slow heart's beat."""
LARGEST = float(np.finfo(np.float32).max)
"""The largest value that can be kept: recordings are float32."""

PIECE_VALUES = 1 << 17
"""Values (channels times samples) that are looked at together."""


@dataclass(frozen=True)
class Measured:
    """The quality of a recording, a channel each.

    Parameters
    ----------
    flat_share : array, shape (channel,)
        Share of samples in runs of one value of at least 0.2 s.
    clipped_share : array, shape (channel,)
        Share of samples in runs of at least 3 at the largest or least value. A channel
        that never changes is flat, not clipped.
    nan_share : array, shape (channel,)
        Share of samples that are no finite number, or beyond float32.
    line_noise_share : array, shape (channel,)
        Share of the power above 1 Hz within 1 Hz of the mains frequency, by Welch's
        method. NaN where the mains frequency is unknown or not below half the sampling
        rate, and for a channel without power.
    first_nan : tuple of int or None
        The first sample that is no finite number.
    least, largest : array, shape (channel,)
        Least and largest value; equal in a channel of one value.
    swing : array, shape (channel,)
        Median over blocks of 2 s, those of one value left out, of the largest less the
        least value. NaN without such a block.
    """

    flat_share: np.ndarray
    clipped_share: np.ndarray
    nan_share: np.ndarray
    line_noise_share: np.ndarray
    first_nan: tuple[int | None, ...]
    least: np.ndarray
    largest: np.ndarray
    swing: np.ndarray


def measure(
    pieces: Iterable[Precise], sfreq: float, line_freq: float | None
) -> Measured:
    """Measure the quality of a recording.

    Parameters
    ----------
    pieces : iterable of array, shape (channel, time)
        All samples, in order, in any unit; at least one.
    sfreq : float
        Samples per second.
    line_freq : float or None
        Mains frequency, Hz.
    """
    n_samples = 0
    for piece in _small(pieces):
        if not n_samples:
            missing = _Missing(len(piece))
            runs = _Runs(len(piece), max(2, round(FLAT_S * sfreq)))
            spectrum = _Spectrum(len(piece), sfreq, line_freq)
            swings = _Swings(len(piece), max(2, round(SWING_S * sfreq)))
        piece = missing.add(piece)
        runs.add(piece)
        swings.add(piece)
        spectrum.add(piece)
        n_samples += piece.shape[1]
    flat, clipped = runs.finish()
    return Measured(
        flat / n_samples,
        clipped / n_samples,
        missing.counts / n_samples,
        spectrum.line_share(),
        tuple(None if first < 0 else int(first) for first in missing.first),
        runs.least,
        runs.largest,
        swings.medians(),
    )


def _small(pieces: Iterable[Precise]) -> Iterator[Precise]:
    """Divide pieces so that what is computed of one stays in the processor's cache."""
    for piece in pieces:
        step = max(1, PIECE_VALUES // len(piece))
        for start in range(0, piece.shape[1], step):
            yield piece[:, start : start + step]


def worst(shares: np.ndarray) -> float:
    """Greatest share among the channels; NaN if there is none."""
    return float(np.nanmax(shares)) if np.isfinite(shares).any() else float("nan")


class _Missing:
    """Count the samples that are no finite numbers."""

    def __init__(self, n_channels: int) -> None:
        self.counts = np.zeros(n_channels, np.int64)
        self.first = np.full(n_channels, -1)
        self._n_samples = 0

    def add(self, piece: Precise) -> Precise:
        """Count those of a piece, and give it with NaN in their place."""
        finite = np.abs(piece) <= LARGEST
        if not finite.all():
            new = (self.first < 0) & ~finite.all(axis=1)
            self.first[new] = self._n_samples + finite[new].argmin(axis=1)
            self.counts += (~finite).sum(axis=1)
            piece = np.where(finite, piece, np.nan)
        self._n_samples += piece.shape[1]
        return piece


class _Runs:
    """Count the samples in long runs of one value, NaN equalling none.

    Runs at the least and the largest value so far are counted apart; a new extreme
    makes those before it ordinary. The run at the end of a piece waits for the next.
    """

    def __init__(self, n_channels: int, least: int) -> None:
        self._least = least
        self._flat, self._at_low, self._at_high = np.zeros((3, n_channels), np.int64)
        self.least, self.largest = (
            np.full(n_channels, np.inf),
            np.full(n_channels, -np.inf),
        )
        self._value, self._length = (
            np.full(n_channels, np.nan),
            np.zeros(n_channels, int),
        )

    def add(self, piece: Precise) -> None:
        """Take the next piece of the recording."""
        n_channels, n_samples = piece.shape
        if not n_samples:
            return
        self._widen(np.fmin.reduce(piece, axis=1), np.fmax.reduce(piece, axis=1))
        begins = np.ones(piece.shape, np.bool_)
        np.not_equal(piece[:, 1:], piece[:, :-1], out=begins[:, 1:])
        starts = np.flatnonzero(begins)
        lengths = np.diff(starts, append=piece.size)
        first = np.searchsorted(starts, np.arange(n_channels) * n_samples)
        goes_on = piece[:, 0] == self._value
        lengths[first[goes_on]] += self._length[goes_on]
        ended = np.flatnonzero(~goes_on)
        self._count(ended, self._value[ended], self._length[ended])
        last = np.append(first[1:], len(starts)) - 1
        self._value, self._length = piece[:, -1].copy(), lengths[last]
        lengths[last] = 0
        long = np.flatnonzero(lengths >= min(CLIPPED_SAMPLES, self._least))
        places = starts[long]
        self._count(places // n_samples, piece.ravel()[places], lengths[long])

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Count the runs at the end; give the samples that are flat and clipped."""
        self._count(np.arange(len(self._value)), self._value, self._length)
        clipped = np.where(self.least < self.largest, self._at_low + self._at_high, 0)
        return self._flat, clipped

    def _widen(self, low: np.ndarray, high: np.ndarray) -> None:
        self._at_low[low < self.least] = 0
        self._at_high[high > self.largest] = 0
        self.least = np.fmin(self.least, low)
        self.largest = np.fmax(self.largest, high)

    def _count(
        self, channels: np.ndarray, values: np.ndarray, lengths: np.ndarray
    ) -> None:
        for counts, counted in (
            (self._flat, lengths >= self._least),
            (
                self._at_low,
                (lengths >= CLIPPED_SAMPLES) & (values == self.least[channels]),
            ),
            (
                self._at_high,
                (lengths >= CLIPPED_SAMPLES) & (values == self.largest[channels]),
            ),
        ):
            np.add.at(counts, channels[counted], lengths[counted])


class _Swings:
    """Keep the least and largest value of every block of a certain length."""

    def __init__(self, n_channels: int, length: int) -> None:
        self._length = length
        self._n_in_last = 0
        self._least, self._largest = (np.empty((n_channels, 0)) for _ in range(2))
        self._blocks: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, piece: Precise) -> None:
        """Take the next piece of the recording."""
        n_samples = piece.shape[1]
        if not n_samples:
            return
        starts = np.arange(-self._n_in_last, n_samples, self._length).clip(0)
        least = np.fmin.reduceat(piece, starts, axis=1)
        largest = np.fmax.reduceat(piece, starts, axis=1)
        if self._n_in_last:
            least[:, 0] = np.fmin(least[:, 0], self._least[:, 0])
            largest[:, 0] = np.fmax(largest[:, 0], self._largest[:, 0])
        self._n_in_last = (self._n_in_last + n_samples) % self._length
        n_full = len(starts) - bool(self._n_in_last)
        self._blocks.append((least[:, :n_full], largest[:, :n_full]))
        self._least, self._largest = least[:, n_full:], largest[:, n_full:]

    def medians(self) -> np.ndarray:
        """Give the medians of the swings of the blocks that change.

        The last block counts if it is the only one.
        """
        blocks = [block for block in self._blocks if block[0].shape[1]]
        blocks = blocks or [(self._least, self._largest)]
        least, largest = (np.hstack(each) for each in zip(*blocks, strict=True))
        return np.array([_median_of_positive(row) for row in largest - least])


def _median_of_positive(values: np.ndarray) -> float:
    positive = values[values > 0]
    return float(np.median(positive)) if positive.size else float("nan")


class _Spectrum:
    """Add up periodograms as `scipy.signal.welch` does: Hann, constant detrending."""

    def __init__(self, n_channels: int, sfreq: float, line_freq: float | None) -> None:
        self._sfreq = sfreq
        self._line_freq = line_freq if line_freq and line_freq < sfreq / 2 else None
        self._rest = np.empty((n_channels, 0))
        self._power = np.zeros((n_channels, 0))

    def add(self, piece: Precise) -> None:
        """Take the next piece of the recording."""
        if self._line_freq is None:
            return
        length = round(WELCH_S * self._sfreq)
        joined = np.concatenate([self._rest, piece], axis=1)
        if joined.shape[1] >= length:
            hop = length - length // 2
            segments = np.lib.stride_tricks.sliding_window_view(joined, length, axis=1)
            power = _periodograms(segments[:, ::hop])
            self._power = power + (self._power if self._power.size else 0)
            joined = joined[:, hop * ((joined.shape[1] - length) // hop + 1) :]
        self._rest = joined.copy()

    def line_share(self) -> np.ndarray:
        """Compute the share of the power at the mains frequency."""
        if self._line_freq is None:
            return np.full(len(self._rest), np.nan)
        power, length = self._power, round(WELCH_S * self._sfreq)
        if not power.size:
            power, length = _periodograms(self._rest[:, None]), self._rest.shape[1]
        freqs = np.fft.rfftfreq(length, 1 / self._sfreq)
        line = np.abs(freqs - self._line_freq) <= LINE_WIDTH
        total = power[:, freqs >= LEAST_FREQ].sum(axis=1)
        share = power[:, line].sum(axis=1) / np.where(total > 0, total, np.nan)
        return np.asarray(share)


def _periodograms(segments: np.ndarray) -> np.ndarray:
    """Sum the one-sided periodograms of segments, shape (channel, segment, time)."""
    from scipy import fft
    from scipy.signal import get_window

    length = segments.shape[-1]
    windowed = segments - segments.mean(axis=-1, keepdims=True)
    windowed *= get_window("hann", length)
    spectra = fft.rfft(windowed, axis=-1, overwrite_x=True)
    power = (spectra.real**2 + spectra.imag**2).sum(axis=1)
    # All frequencies but 0 and half the sampling rate stand for their negative, too.
    power[:, 1 : (length + 1) // 2] *= 2
    return np.asarray(power)
