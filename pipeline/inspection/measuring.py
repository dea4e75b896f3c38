"""Measurements of each recording while it is read: nothing is read twice or kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.axes import Precise, Segment
from pipeline.ingestion.archives import View
from pipeline.ingestion.found import Entry
from pipeline.ingestion.labelling import Labels
from pipeline.inspection import identity
from pipeline.inspection.spectra import Spectra, SpectraOf
from pipeline.quality import PIECE_VALUES, Measured
from pipeline.readers.base import Content, Reader

SHARES = (0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0)
"""Quantiles of a channel's samples that are kept, the extremes among them."""
THINNED = 8192
"""Samples, spread evenly, that quantiles are taken of."""
LONGEST_HOLD = 16
"""Samples that one value may be held for, where that is regular."""
REGULAR = 0.97
"""Share of the changes that must fall on one sample of so many."""
FEWEST_CHANGES = 50


@dataclass(frozen=True)
class Seen:
    """A recording as it was seen, a channel each where nothing else is stated.

    Parameters
    ----------
    channels, types : tuple of str
    sfreq : float
    n_samples : int
    segments : tuple of Segment
    line_freq : float or None
    quantiles : array, shape (channel, 7)
        Those of `SHARES`, volts.
    rms : array, shape (channel,)
        Volts, about the mean.
    steady_share : float
        Share of samples at which no channel differs from the sample before.
    straight_share : float
        Share of samples that lie on the line through their neighbours in all channels.
    hold : int
        Values change at every so many sample only; 1: at any.
    coarseness : array, shape (channel,)
        The usual change over the least: 1 where the converter's steps are seen.
    flat_share, clipped_share : array, shape (channel,)
        As `quality.measure` gives them.
    spectra : Spectra
    labels : Labels
    identifying : mapping of str to tuple of str
        By file, the kinds of fields in it that may identify the person.
    """

    channels: tuple[str, ...]
    types: tuple[str, ...]
    sfreq: float
    n_samples: int
    segments: tuple[Segment, ...]
    line_freq: float | None
    quantiles: np.ndarray
    rms: np.ndarray
    steady_share: float
    straight_share: float
    hold: int
    coarseness: np.ndarray
    flat_share: np.ndarray
    clipped_share: np.ndarray
    spectra: Spectra
    labels: Labels
    identifying: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Recordings = Mapping[str, Seen]
"""The measurements of each recording, by its name."""


class Observer:
    """Watch every recording, and survey the tables beside them.

    Parameters
    ----------
    reader : Reader
        Of the recordings.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def watch(self, view: View, entry: Entry, content: Content) -> "Watch":
        """Begin with a recording."""
        found = identity.of_recording(self._reader, view.folder, entry.files)
        return Watch(content, found)

    def survey(self, view: View) -> dict[str, tuple[str, ...]]:
        """Find the tables with columns that may identify the person."""
        return identity.of_tables(view.folder, view.digests)


class Watch:
    """Measure one recording, piece by piece.

    Parameters
    ----------
    content : Content
    identifying : mapping of str to tuple of str
        What `identity.of_recording` found in its files.
    """

    def __init__(
        self, content: Content, identifying: Mapping[str, tuple[str, ...]]
    ) -> None:
        n_channels = len(content.channels)
        self._content = content
        self._identifying = identifying
        self._statistics = _Statistics(n_channels)
        self._changes = _Changes(n_channels, content.n_samples)
        self._spectra = SpectraOf(n_channels, content.n_samples, content.sfreq)

    def add(self, piece: Precise) -> None:
        """Take the next samples; those that are no numbers count as 0."""
        step = max(1, PIECE_VALUES // len(piece))
        for start in range(0, piece.shape[1], step):
            self._add(piece[:, start : start + step])

    def _add(self, piece: Precise) -> None:
        if not np.isfinite(piece).all():
            piece = np.nan_to_num(piece, nan=0.0, posinf=0.0, neginf=0.0)
        self._statistics.add(piece)
        self._changes.add(piece)
        self._spectra.add(piece)

    def finish(self, measured: Measured, labels: Labels) -> Seen:
        """Give what was measured."""
        content, changes = self._content, self._changes
        quantiles = np.quantile(changes.values(), SHARES, axis=1).T
        quantiles[:, 0], quantiles[:, -1] = self._statistics.low, self._statistics.high
        least, usual = changes.steps()
        return Seen(
            channels=content.channels,
            types=content.types,
            sfreq=content.sfreq,
            n_samples=content.n_samples,
            segments=content.segments,
            line_freq=content.line_freq,
            quantiles=quantiles,
            rms=self._statistics.rms(),
            steady_share=changes.steady / max(1, changes.n_changes_possible),
            straight_share=changes.straight / max(1, changes.n_changes_possible),
            hold=changes.hold(),
            coarseness=usual / least,
            flat_share=measured.flat_share,
            clipped_share=measured.clipped_share,
            spectra=self._spectra.finish(),
            labels=labels,
            identifying=self._identifying,
        )


class _Statistics:
    """Extremes, mean and power, about the first sample so that no digits are lost."""

    def __init__(self, n_channels: int) -> None:
        self.low = np.full(n_channels, np.inf)
        self.high = np.full(n_channels, -np.inf)
        self._sums: Any = np.zeros((2, n_channels))
        self._first: Precise | None = None
        self._count = 0

    def add(self, piece: Precise) -> None:
        """Take the next piece of the recording."""
        if not piece.shape[1]:
            return
        if self._first is None:
            self._first = piece[:, :1].copy()
        self.low = np.minimum(self.low, piece.min(axis=1))
        self.high = np.maximum(self.high, piece.max(axis=1))
        moved = piece - self._first
        self._sums += [moved.sum(axis=1), np.square(moved).sum(axis=1)]
        self._count += piece.shape[1]

    def rms(self) -> np.ndarray:
        """Compute the root mean square of each channel."""
        mean, power = self._sums / max(1, self._count)
        rms: np.ndarray = np.sqrt(np.maximum(power - np.square(mean), 0))
        return rms


class _Changes:
    """The differences between samples; a thinned copy of both is kept."""

    def __init__(self, n_channels: int, n_samples: int) -> None:
        self._stride = max(1, n_samples // THINNED)
        self._last = np.empty((n_channels, 0))
        self._samples: list[np.ndarray] = []
        self._steps: list[np.ndarray] = []
        self._phases = [np.zeros(k, np.int64) for k in range(2, LONGEST_HOLD + 1)]
        self._done = 0
        self.steady = self.straight = self.n_changes_possible = 0

    def add(self, piece: Precise) -> None:
        """Take the next piece of the recording."""
        joined = np.concatenate([self._last, piece], axis=1)
        first = self._done - self._last.shape[1]
        steps = np.diff(joined, axis=1)
        # The steps that lead to this piece's samples; two samples are carried over.
        new = steps[:, max(0, self._last.shape[1] - 1) :]
        at = np.flatnonzero((new != 0).any(axis=0))
        self.n_changes_possible += new.shape[1]
        self.steady += new.shape[1] - len(at)
        at += first + steps.shape[1] - new.shape[1] + 1
        for counts in self._phases:
            counts += np.bincount(at % len(counts), minlength=len(counts))
        self._add_straight(steps)
        skipped = -self._done % self._stride
        self._samples.append(piece[:, skipped :: self._stride].copy())
        self._steps.append(np.abs(new[:, :: self._stride]))
        self._last, self._done = joined[:, -2:].copy(), self._done + piece.shape[1]

    def _add_straight(self, steps: np.ndarray) -> None:
        before, after = steps[:, :-1], steps[:, 1:]
        equal = np.abs(after - before) <= 1e-6 * np.abs(before)
        moving = (before != 0).any(axis=0)
        self.straight += int((equal.all(axis=0) & moving).sum())

    def values(self) -> np.ndarray:
        """Give the samples that are kept, (channel, time)."""
        return np.concatenate(self._samples, axis=1)

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the least and the usual change that is not 0, NaN for none."""
        sizes = [row[row > 0] for row in np.concatenate(self._steps, axis=1)]
        least = [row.min() if len(row) else np.nan for row in sizes]
        usual = [float(np.median(row)) if len(row) else np.nan for row in sizes]
        return np.array(least), np.array(usual)

    def hold(self) -> int:
        """Find the most samples that every value is held for, if that is regular."""
        total = int(self._phases[0].sum())
        regular = [
            len(counts) for counts in self._phases if counts.max() >= REGULAR * total
        ]
        return max(regular, default=1) if total >= FEWEST_CHANGES else 1
