"""Small pictures as paths that take the page's colours: label lanes and spectra."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.inspection.measuring import Seen
from pipeline.inspection.spectra import GRID
from pipeline.plots.style import COLOURS

COLUMNS = 600
"""Places along a lane: what is shorter is as wide as one."""
MOST_LANES = 80
PALETTE = (*COLOURS, "#7a5195", "#8c564b", "#556b2f", "#a0a0a0", "#20808d", "#b58900")
"""Okabe and Ito's colours, then others; beyond these they come again."""
WIDTH, HEIGHT = 180, 34
"""Size of the picture of a spectrum."""
DEPTH_DB = 80.0
"""The range of a spectrum that is shown, below its highest value."""


@dataclass(frozen=True)
class Lane:
    """The labels of one recording over time.

    Parameters
    ----------
    recording, subject : str
    minutes : float
        Its length, pauses included.
    width : float
        Its share of the longest recording.
    paths : tuple of (int, str)
        The number of a class, and where it stands, of `COLUMNS` columns by 1.
    """

    recording: str
    subject: str
    minutes: float
    width: float
    paths: tuple[tuple[int, str], ...]


def lanes(
    seen: Mapping[str, Seen], subjects: Mapping[str, str], labels: Sequence[str]
) -> list[Lane]:
    """Draw the labels of recordings over time, on the clock of each.

    Where labels share a column, the rarest class is seen.
    """
    lengths = {name: _length_s(each) for name, each in seen.items()}
    longest = max(lengths.values(), default=1.0)
    totals = {
        label: sum(each.labels.classes.count(label) for each in seen.values())
        for label in labels
    }
    order = sorted(range(len(labels)), key=lambda k: -totals[labels[k]])
    return [
        Lane(
            name,
            subjects[name],
            lengths[name] / 60,
            lengths[name] / longest,
            tuple(_paths(each, lengths[name], labels, order)),
        )
        for name, each in list(seen.items())[:MOST_LANES]
    ]


def _length_s(seen: Seen) -> float:
    last = seen.segments[-1]
    return last.onset_s + (seen.n_samples - last.start) / seen.sfreq


def _paths(
    seen: Seen, length_s: float, labels: Sequence[str], order: Sequence[int]
) -> list[tuple[int, str]]:
    """Paint the commonest class first, the rarest last."""
    classes = np.array(seen.labels.classes, object)
    onset = _on_clock(seen, seen.labels.onset_s) * COLUMNS / length_s
    lasts = seen.labels.duration_s * COLUMNS / length_s
    first = np.clip(np.floor(onset), 0, COLUMNS - 1).astype(int)
    stop = np.clip(np.ceil(onset + lasts), first + 1, COLUMNS).astype(int)
    painted = np.full(COLUMNS, -1)
    for k in order:
        own = classes == labels[k]
        edges = np.zeros(COLUMNS + 1, int)
        np.add.at(edges, first[own], 1)
        np.add.at(edges, stop[own], -1)
        painted[edges.cumsum()[:-1] > 0] = k
    return [(k, path) for k in range(len(labels)) if (path := _runs(painted == k))]


def _on_clock(seen: Seen, times_s: np.ndarray) -> np.ndarray:
    """Bring times of the samples that there are to the recording's own clock."""
    start = np.array([segment.start for segment in seen.segments]) / seen.sfreq
    onset = np.array([segment.onset_s for segment in seen.segments])
    own = np.searchsorted(start, times_s + 1e-9, side="right") - 1
    moved: np.ndarray = times_s - start[own] + onset[own]
    return moved


def _runs(where: np.ndarray) -> str:
    """Write the runs of a row of columns as rectangles."""
    edges = np.flatnonzero(np.diff(where.astype(np.int8), prepend=0, append=0))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return "".join(f"M{a} 0h{b - a}v1h{a - b}z" for a, b in pairs)


def colour(number: int) -> str:
    """Give the colour of a class."""
    return PALETTE[number % len(PALETTE)]


def spectrum(densities: Sequence[np.ndarray]) -> str:
    """Draw the median of a channel's spectra, decibels below its highest."""
    median = np.median(np.array(densities, np.float64), axis=0)
    known = np.isfinite(median) & (median > 0)
    if not known.any():
        return ""
    level = 10 * np.log10(median[known] / median[known].max())
    x = position(np.sqrt(GRID[:-1] * GRID[1:])[known])
    y = HEIGHT * np.minimum(-level / DEPTH_DB, 1)
    points = zip(x.tolist(), y.tolist(), strict=True)
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)


def position(hz: np.ndarray | float) -> np.ndarray:
    """Place a frequency on the pictures' logarithmic axis, from 0.5 to 1,000 Hz."""
    share = np.log(np.asarray(hz) / GRID[0]) / np.log(1000 / GRID[0])
    return np.asarray(WIDTH * np.clip(share, 0, 1))
