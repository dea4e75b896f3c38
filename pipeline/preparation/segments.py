"""Segments: the parts of a recording between two pauses.

A recording's files hold its samples without the pauses, and annotations lie on that
time. In a segment, annotations and windows lie on its own time, from 0; what leaves
here lies on the recording's clock, pauses included.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.axes import Segment
from pipeline.preparation.beats import Onsets
from pipeline.preparation.cutting import cut_windows
from pipeline.preparation.windows import Annotations, Timeline, WindowSettings

if TYPE_CHECKING:
    import mne

BOUNDARIES = ("BAD boundary", "EDGE boundary")
"""MNE's own annotations of where segments meet."""
ONE = "[[0, 0.0]]"
"""The segments of a recording without a pause."""
SAMPLES = ("start", "stop", "segment_start", "segment_stop")
"""Columns that count samples."""
NEAR_BORDER = 0.25
"""An annotation so many samples before a border lies behind it: times are rounded."""


def segments_of(recordings: pd.DataFrame) -> dict[str, tuple[Segment, ...]]:
    """Read the segments of each recording in `recordings.parquet`."""
    column = recordings.get("segments", pd.Series(ONE, recordings.index))
    return {
        name: tuple(
            Segment(int(start), float(onset)) for start, onset in json.loads(text)
        )
        for name, text in zip(recordings["recording"], column, strict=True)
    }


def annotations_of(
    raw: "mne.io.BaseRaw", segments: Sequence[Segment]
) -> list[Annotations]:
    """Read the annotations of a recording and give each segment its own."""
    found = raw.annotations
    label = np.asarray(found.description, object)
    own = ~np.isin(found.description, BOUNDARIES)
    of_all = Annotations(found.onset[own], found.duration[own], label[own])
    return divide(of_all, segments, float(raw.info["sfreq"]))


def divide(
    annotations: Annotations, segments: Sequence[Segment], sfreq: float
) -> list[Annotations]:
    """Give each segment its annotations, in the segment's own time.

    Parameters
    ----------
    annotations : Annotations
        In the time of the samples that the file holds.
    segments : sequence of Segment
    sfreq : float
        Recorded samples per second.
    """
    starts = np.array([segment.start for segment in segments])
    places = annotations.onset_s * sfreq + NEAR_BORDER
    # What lies before the first sample belongs to the first segment, and is refused.
    owner = (np.searchsorted(starts, places, side="right") - 1).clip(min=0)
    divided = []
    for index, start in enumerate(starts):
        own = owner == index
        onset = annotations.onset_s[own] - start / sfreq
        near = onset * sfreq >= -NEAR_BORDER
        onset[near] = np.maximum(onset[near], 0.0)
        divided.append(
            Annotations(onset, annotations.duration_s[own], annotations.label[own])
        )
    return divided


def on_clock(times_s: Sequence[np.ndarray], segments: Sequence[Segment]) -> np.ndarray:
    """Bring times of each segment to the recording's clock."""
    moved = [
        times + segment.onset_s
        for times, segment in zip(times_s, segments, strict=True)
    ]
    return np.concatenate(moved)


def cut_each(
    settings: WindowSettings,
    annotations: Sequence[Annotations],
    timelines: Sequence[Timeline],
    segments: Sequence[Segment],
    labels: Sequence[str],
    detected: Sequence[Onsets | None],
) -> pd.DataFrame:
    """Cut the windows of each segment alone, so that none crosses a border.

    Parameters
    ----------
    settings : Beats, Events or another kind of windows
    annotations, timelines, segments, detected : sequence
        A segment's each, the first, second and last as `cut_windows` takes them.
    labels : sequence of str
        The data set's classes.

    Returns
    -------
    windows : DataFrame
        As `cut_windows` gives them, and the column `segment`: samples are counted from
        the start of the recording's prepared signal, `onset_s` is on its clock, and no
        two segments share a block. Beyond its segment a window is silent, whatever the
        signal holds there.
    """
    tables, n_samples, n_blocks = [], 0, 0
    each = zip(annotations, timelines, segments, detected, strict=True)
    for number, (own, timeline, segment, found) in enumerate(each):
        table = cut_windows(settings, own, timeline, labels, found)
        moved = {
            **{name: table[name] + n_samples for name in SAMPLES},
            "onset_s": table["onset_s"] + segment.onset_s,
            "block": table["block"] + n_blocks,
        }
        tables.append(table.assign(**moved, segment=number))
        n_samples += timeline.n_samples
        n_blocks += int(table["block"].max() + 1) if len(table) else 0
    filled = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(filled, ignore_index=True)


def annotated_samples(
    annotations: Sequence[Annotations], timelines: Sequence[Timeline]
) -> tuple[int, ...]:
    """Find the samples of a recording's prepared signal that annotations lie on.

    Parameters
    ----------
    annotations, timelines : sequence
        A segment's each.

    Returns
    -------
    samples : tuple of int
        Counted from the start of the recording's prepared signal; rising.
    """
    places: list[int] = []
    n_samples = 0
    for own, timeline in zip(annotations, timelines, strict=True):
        steps = np.rint((own.onset_s + timeline.delay_s) * timeline.sfreq)
        inside = steps[(steps >= 0) & (steps < timeline.n_samples)]
        places += (np.unique(inside.astype(np.int64)) + n_samples).tolist()
        n_samples += timeline.n_samples
    return tuple(places)
