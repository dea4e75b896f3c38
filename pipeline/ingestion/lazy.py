"""A recording as an MNE `Raw` that is read piece by piece."""

from collections.abc import Iterator
from typing import Any

import mne
import numpy as np

from pipeline.axes import Precise
from pipeline.readers.base import Content

PIECE_BYTES = 1 << 24
"""Samples held at once, as float64: a 30-minute ECG in one piece."""
BOUNDARY = "EDGE boundary"
"""MNE's own mark of a place that no filter should run over."""


class Pieces:
    """The samples of a recording, read in pieces of which the latest is kept.

    Parameters
    ----------
    content : Content
    """

    def __init__(self, content: Content) -> None:
        self._read = content.read
        self.n_samples = content.n_samples
        self.size = max(1, PIECE_BYTES // (8 * max(1, len(content.channels))))
        self._start = 0
        self._piece: Precise = np.empty((len(content.channels), 0))

    def __iter__(self) -> Iterator[Precise]:
        """Give the pieces in order."""
        for start in range(0, self.n_samples, self.size):
            yield self._at(start)

    def copy_to(self, target: np.ndarray, start: int, stop: int) -> None:
        """Write samples `start` to `stop` into an array, shape (channel, time)."""
        done = start
        while done < stop:
            piece = self._at(done - done % self.size)
            begin = done - self._start
            part = piece[:, begin : begin + stop - done]
            target[:, done - start : done - start + part.shape[1]] = part
            done += part.shape[1]

    def _at(self, start: int) -> Precise:
        if start != self._start or not self._piece.shape[1]:
            stop = min(start + self.size, self.n_samples)
            self._piece, self._start = self._read(start, stop), start
        return self._piece


class LazyRaw(mne.io.BaseRaw):  # type: ignore[misc]
    """A recording built anew of what may be known of it; samples are read when needed.

    Whatever the files hold on person, place, date and device stays behind.

    Parameters
    ----------
    content : Content
        Channel names and types, sampling rate and mains frequency are taken over.
    pieces : Pieces
        The samples.
    """

    def __init__(self, content: Content, pieces: Pieces) -> None:
        info = mne.create_info(
            list(content.channels), content.sfreq, list(content.types), verbose="error"
        )
        info["line_freq"] = content.line_freq
        super().__init__(
            info,
            preload=False,
            filenames=(None,),
            first_samps=(0,),
            last_samps=(content.n_samples - 1,),
            raw_extras=[{"pieces": pieces, "n_channels": len(content.channels)}],
            orig_format="single",
            verbose="error",
        )

    def _read_segment_file(
        self,
        data: np.ndarray,
        idx: Any,
        fi: int,
        start: int,
        stop: int,
        cals: np.ndarray,
        mult: np.ndarray | None,
    ) -> None:
        """Fill `data` with samples `start` to `stop`."""
        # Of this object MNE shows only what it was given for reading.
        extras = self._raw_extras[fi]
        block = np.empty((extras["n_channels"], stop - start))
        extras["pieces"].copy_to(block, start, stop)
        data[:] = block[idx]


def annotate(
    raw: mne.io.BaseRaw,
    onset_s: np.ndarray,
    duration_s: np.ndarray,
    classes: tuple[str, ...],
    borders_s: np.ndarray,
) -> None:
    """Give a recording its labels, and mark where its segments meet."""
    onset = np.concatenate([onset_s, borders_s])
    duration = np.concatenate([duration_s, np.zeros(len(borders_s))])
    texts = [*classes, *[BOUNDARY] * len(borders_s)]
    raw.set_annotations(mne.Annotations(onset, duration, texts), verbose="error")
