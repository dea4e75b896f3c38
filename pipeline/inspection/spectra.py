"""Spectra of a recording that comes in pieces: a few hundred short segments of it."""

from dataclasses import dataclass

import numpy as np

from pipeline.axes import Precise

SEGMENT_S = 4.0
"""Length of a segment: lines of the mains stand apart from their neighbours."""
MOST_SEGMENTS = 150
"""Segments, spread evenly, that are looked at, however long a recording is."""
MOST_CORRELATED = 64
"""Channels up to which their correlations are kept."""
GRID = 0.5 * 2 ** (np.arange(79) / 6)
"""Edges of the bands that spectra are shown in: sixths of an octave, Hz."""
MAINS = (50.0, 60.0)
QRS_BAND = (5.0, 40.0)
"""The band where a QRS complex exceeds waves and wander, Hz."""
PATTERN_BAND = (1.0, 40.0)
"""The band that is compared between channels, Hz."""
SLOW_HZ = 15.0
"""The band of an envelope's power, where EMG has little."""
LEAST_HZ = 0.5
EMPTY = 1e-8
"""Density, of the highest, below which a band holds nothing."""
CLIFF = 1e-4
"""So much less above a frequency than a third of an octave below it is an edge."""


@dataclass(frozen=True)
class Spectra:
    """The spectra of a recording, summarised by channel.

    Parameters
    ----------
    density : array, shape (channel, band)
        Mean power density in the bands of `GRID`, V²/Hz; NaN beyond half the rate.
    edge_hz : array, shape (channel,)
        Above it there is next to nothing; half the rate if there is no such edge.
    hum : array, shape (channel, 2)
        Density at each of `MAINS` over that of their neighbourhood; NaN where a line is
        not below half the rate.
    hum_share : array, shape (channel, 2)
        Share of the power that stands in each of these lines.
    slow_share : array, shape (channel,)
        Share of the power below `SLOW_HZ`.
    qrs_skew : array, shape (channel,)
        Mean skewness of segments in `QRS_BAND`: above 0 where R waves stand up.
    correlation : array, shape (channel, channel)
        Mean correlation of segments in `PATTERN_BAND`; empty for very many channels.
    """

    density: np.ndarray
    edge_hz: np.ndarray
    hum: np.ndarray
    hum_share: np.ndarray
    slow_share: np.ndarray
    qrs_skew: np.ndarray
    correlation: np.ndarray


class SpectraOf:
    """Add up the spectra of evenly spread segments as pieces arrive.

    Parameters
    ----------
    n_channels, n_samples : int
    sfreq : float
    """

    def __init__(self, n_channels: int, n_samples: int, sfreq: float) -> None:
        self._sfreq = sfreq
        self._length = min(n_samples, max(8, round(SEGMENT_S * sfreq)))
        count = max(1, min(MOST_SEGMENTS, n_samples // self._length))
        starts = np.linspace(0, n_samples - self._length, count).astype(np.int64)
        self._due = starts.tolist()[::-1]
        self._rest = np.empty((n_channels, 0))
        self._begin = 0
        self._freqs = np.fft.rfftfreq(self._length, 1 / sfreq)
        self._power = np.zeros((n_channels, len(self._freqs)))
        few = n_channels if n_channels <= MOST_CORRELATED else 0
        self._correlation = np.zeros((few, few))
        self._skew = np.zeros(n_channels)
        self._count = 0

    def add(self, piece: Precise) -> None:
        """Take the next samples, shape (channel, time)."""
        joined = np.concatenate([self._rest, piece], axis=1)
        end = self._begin + joined.shape[1]
        while self._due and self._due[-1] + self._length <= end:
            at = self._due.pop() - self._begin
            self._add_segment(joined[:, at : at + self._length])
        kept = min(self._due[-1], end) if self._due else end
        self._rest = joined[:, kept - self._begin :].copy()
        self._begin = kept

    def _add_segment(self, segment: Precise) -> None:
        from scipy import fft
        from scipy.signal import get_window

        centred = segment - segment.mean(axis=1, keepdims=True)
        spectrum = fft.rfft(centred * get_window("hann", self._length), axis=1)
        self._power += np.square(np.abs(spectrum))
        self._skew += _skewness(self._within(spectrum, QRS_BAND, self._length))
        if self._correlation.size:
            low, high = PATTERN_BAND
            inside = (self._freqs >= low) & (self._freqs <= high)
            self._correlation += _correlation(spectrum[:, inside])
        self._count += 1

    def _within(
        self, spectrum: np.ndarray, band: tuple[float, float], length: int
    ) -> np.ndarray:
        from scipy import fft

        inside = (self._freqs >= band[0]) & (self._freqs <= band[1])
        filtered: np.ndarray = fft.irfft(spectrum * inside, length, axis=1)
        return filtered

    def finish(self) -> Spectra:
        """Describe what the spectra show."""
        window = 0.375 * self._length  # the sum of a squared Hann window
        density = 2 * self._power / (max(1, self._count) * window * self._sfreq)
        counted = self._freqs >= LEAST_HZ
        total = np.where(counted, density, 0).sum(axis=1)
        total[total == 0] = np.nan
        hum, share = self._hum(density, total)
        slow = counted & (self._freqs < SLOW_HZ)
        banded = self._banded(density)
        return Spectra(
            banded,
            self._edge(banded),
            hum,
            share,
            density[:, slow].sum(axis=1) / total,
            self._skew / max(1, self._count),
            self._correlation / max(1, self._count),
        )

    def _banded(self, density: np.ndarray) -> np.ndarray:
        """Average the density within each band that lies below half the rate."""
        step = self._freqs[1]
        edges = np.append(self._freqs - step / 2, self._freqs[-1] + step / 2)
        below = np.concatenate([np.zeros((len(density), 1)), density.cumsum(1)], 1)
        within = [np.diff(np.interp(GRID, edges, row)) * step for row in below]
        banded = np.array(within) / np.diff(GRID)
        banded[:, GRID[1:] > self._sfreq / 2] = np.nan
        return banded.astype(np.float32)

    def _edge(self, banded: np.ndarray) -> np.ndarray:
        """Find the frequency above which there is next to nothing."""
        bands = int(np.isfinite(banded).all(axis=0).sum())
        known = banded[:, :bands].astype(np.float64)
        above = np.maximum.accumulate(known[:, ::-1], axis=1)[:, ::-1]
        highest = known[:, GRID[:bands] >= PATTERN_BAND[0]].max(axis=1, initial=0)
        edges = np.full(len(known), self._sfreq / 2)
        for k in range(2, bands):
            least = np.maximum(EMPTY * highest, CLIFF * known[:, k - 2])
            new = (above[:, k] < least) & (edges == self._sfreq / 2)
            edges[new] = GRID[k]
        return edges

    def _hum(
        self, density: np.ndarray, total: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compare the mains' lines with what is beside them, and with all power."""
        hum, share = np.full((2, len(density), len(MAINS)), np.nan)
        for k, line in enumerate(MAINS):
            away = np.abs(self._freqs - line)
            at, beside = away <= 0.6, (away > 1.5) & (away <= 5)
            if line + 5 >= self._sfreq / 2 or not at.any() or not beside.any():
                continue
            usual = np.median(density[:, beside], axis=1)
            usual[usual == 0] = np.nan
            hum[:, k] = density[:, at].max(axis=1) / usual
            share[:, k] = density[:, at].sum(axis=1) / total
        return hum, share


def _skewness(values: np.ndarray) -> np.ndarray:
    """Skewness of each channel's values, which have no mean."""
    power = np.square(values).mean(axis=1)
    cubes = (np.square(values) * values).mean(axis=1)
    skewness: np.ndarray = cubes / np.where(power > 0, power, np.inf) ** 1.5
    return skewness


def _correlation(spectrum: np.ndarray) -> np.ndarray:
    """Correlate channels by their spectra in a band."""
    products = (spectrum @ spectrum.conj().T).real
    lengths = np.sqrt(np.diag(products))
    scale = np.outer(lengths, lengths)
    correlation: np.ndarray = products / np.where(scale > 0, scale, np.inf)
    return correlation
