"""Samples that are no numbers, left out of a recording as pauses."""

from dataclasses import replace

import numpy as np

from pipeline.axes import Precise, Segment
from pipeline.ingestion.lazy import Pieces
from pipeline.readers.base import Content


def without_gaps(content: Content, pieces: Pieces) -> Content:
    """Leave out the moments at which any channel holds no finite number.

    What lies on either side becomes a segment of its own, so that nothing is filled in
    and no window reaches over.

    Parameters
    ----------
    content : Content
    pieces : Pieces
        Its samples.

    Returns
    -------
    content : Content
        The same if every sample is finite; else with more segments, and a remark.
    """
    sound = np.concatenate([np.isfinite(piece).all(axis=0) for piece in pieces])
    if sound.all():
        return content
    edges = np.flatnonzero(np.diff(sound.astype(np.int8), prepend=0, append=0))
    starts, stops = edges[::2], edges[1::2]
    kept = _Kept(content, starts, stops)
    lost_s = (len(sound) - sound.sum()) / content.sfreq
    remark = f"{lost_s:.3g} s without numbers left out, as pauses"
    return replace(
        content,
        n_samples=int(sound.sum()),
        read=kept.read,
        segments=_segments(content, starts, stops),
        end=None if content.end is None else int(sound[: content.end].sum()),
        remarks=(*content.remarks, remark),
    )


class _Kept:
    """The samples of some runs, as if they followed each other."""

    def __init__(self, content: Content, starts: np.ndarray, stops: np.ndarray) -> None:
        self._content = content
        self._starts = starts
        self._stops = stops
        self._places = np.concatenate([[0], np.cumsum(stops - starts)])

    def read(self, start: int, stop: int) -> Precise:
        """Read samples by their place among those that are kept."""
        first, last = np.searchsorted(self._places, [start, stop - 1], side="right") - 1
        parts = []
        for run in range(first, last + 1):
            shift = self._starts[run] - self._places[run]
            begin = max(start + shift, self._starts[run])
            parts.append(
                self._content.read(int(begin), int(min(stop + shift, self._stops[run])))
            )
        return np.concatenate(parts, axis=1)


def _segments(
    content: Content, starts: np.ndarray, stops: np.ndarray
) -> tuple[Segment, ...]:
    """Begin a segment with every run, and where the recording had one already."""
    borders = np.array([segment.start for segment in content.segments])
    onset = np.array([segment.onset_s for segment in content.segments])
    segments, place = [], 0
    for start, stop in zip(starts, stops, strict=True):
        inside = borders[(borders > start) & (borders < stop)]
        for begin in [start, *inside]:
            own = np.searchsorted(borders, begin, side="right") - 1
            at = onset[own] + (begin - borders[own]) / content.sfreq
            segments.append(Segment(int(place + begin - start), float(at)))
        place += stop - start
    return tuple(segments)
