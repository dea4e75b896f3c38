"""Which pieces of a prepared signal are to be classified, and why others are not.

A window is a row of a table, never a copy of samples. Annotations and times are in
seconds of the recording; `start` and `stop` count samples of the prepared signal, which
speaks `delay_s` later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from pipeline.components import Settings
from pipeline.preparation.beats import TOLERANCE_S, Onsets, match

SEGMENT_S = 30.0
"""Beats and events of the same so many seconds form a block."""

HAIR = 0.01
"""Samples that times may be off: many files keep seven digits of them."""

AFTER_BLOCK = "window ends after its block"

Moment = Annotated[float, Field(ge=-600, le=600)]


class _Around(Settings):
    tmin: Annotated[Moment, Field(description="window start, seconds from the onset")]
    tmax: Annotated[Moment, Field(description="window end, seconds from the onset")]

    @model_validator(mode="after")
    def _start_before_end(self) -> Self:
        if self.tmin >= self.tmax:
            raise ValueError("tmin < tmax does not hold")
        return self


class Beats(_Around):
    """A window around every heart beat; a long look-back shows the rhythm."""

    kind: Literal["beats"]
    beats: Annotated[
        Literal["annotated", "detected"],
        Field(description="placed by the annotation, or by the causal detector"),
    ]
    channel: Annotated[
        str | None, Field(description="channel of the detector; null: the first")
    ] = None


class Events(_Around):
    """A window around every annotated event."""

    kind: Literal["events"]


class _Within(Settings):
    length_s: Annotated[float, Field(gt=0, le=3600, description="window, seconds")]
    skip_s: Annotated[
        float, Field(ge=0, le=3600, description="left out where a block starts")
    ] = 0.0


class Sliding(_Within):
    """Windows that slide through every annotated block and never leave it."""

    kind: Literal["sliding"]
    step_s: Annotated[float, Field(gt=0, le=3600, description="hop, seconds")]


class Recording(_Within):
    """One window of every block, from where it starts; what comes later is not used.

    A label of the recording makes one block of it, or of each of its segments.
    """

    kind: Literal["recording"]


WindowSettings = Annotated[
    Beats | Events | Sliding | Recording, Field(discriminator="kind")
]


@dataclass(frozen=True)
class Marks:
    """A recording's annotations, by onset.

    Parameters
    ----------
    onset_s, duration_s : array, shape (annotation,)
        Seconds; beats and events last 0.
    label : array of str, shape (annotation,)
    """

    onset_s: np.ndarray
    duration_s: np.ndarray
    label: np.ndarray


@dataclass(frozen=True)
class Timeline:
    """Where a prepared signal lies in time; see `files.Signal`."""

    n_samples: int
    sfreq: float
    delay_s: float


def cut(
    settings: Beats | Events | Sliding | Recording,
    marks: Marks,
    timeline: Timeline,
    labels: Sequence[str],
    detected: Onsets | None = None,
) -> pd.DataFrame:
    """List the windows of one recording.

    Parameters
    ----------
    settings : Beats or Events or Sliding or Recording
    marks : Marks
    timeline : Timeline
    labels : sequence of str
        The data set's classes; annotations of others give no window.
    detected : array or None
        Detected beats, seconds: windows lie around these and take their labels from the
        matching annotations.

    Returns
    -------
    windows : DataFrame
        start, stop, label, onset_s, block, reason: a row for every annotation (block:
        for every window in it) and detection, with the reason why it is not used or "".
    """
    if isinstance(settings, Sliding | Recording):
        placed = _slide(settings, marks, timeline)
        length = _length(settings.length_s, timeline)
    else:
        found = _annotated(marks) if detected is None else _detected(marks, detected)
        placed = found.sort_values("onset_s", kind="stable", ignore_index=True)
        onsets = (placed["onset_s"] + settings.tmin + timeline.delay_s) * timeline.sfreq
        placed["start"] = np.rint(onsets).astype(np.int64)
        length = round((settings.tmax - settings.tmin) * timeline.sfreq)
    first = round(timeline.delay_s * timeline.sfreq)
    start = placed["start"]
    stop = start + length
    early_s = (first - start) / timeline.sfreq
    late_s = (stop - timeline.n_samples) / timeline.sfreq
    rows = zip(placed["reason"], placed["label"], early_s, late_s, strict=True)
    reasons = [
        known or _reason(label, early, late, labels)
        for known, label, early, late in rows
    ]
    return pd.DataFrame(
        {
            "start": start,
            "stop": stop,
            "label": placed["label"],
            "onset_s": placed["onset_s"],
            "block": placed["block"].astype(np.int64),
            "reason": pd.Series(reasons, dtype=object),
        }
    )


def _reason(label: str, early_s: float, late_s: float, labels: Sequence[str]) -> str:
    """Say why a window cannot be used, if so."""
    if label not in labels:
        return f"label {label} is not among the data set's labels"
    if early_s > 0:
        return f"window starts {early_s:.2f} s before the recording"
    if late_s > 0:
        return f"window ends {late_s:.2f} s after the recording"
    return ""


def _annotated(marks: Marks) -> pd.DataFrame:
    return _placed(marks.onset_s, marks.label, "")


def _detected(marks: Marks, detected: Onsets) -> pd.DataFrame:
    """Place windows on detections; list the annotations that none was found for."""
    limit = f"within {1000 * TOLERANCE_S:.0f} ms"
    partner = match(marks.onset_s, detected)
    paired = partner >= 0
    missed = np.setdiff1d(np.arange(len(marks.onset_s)), partner)
    return pd.concat(
        [
            _placed(detected[paired], marks.label[partner[paired]], ""),
            _placed(detected[~paired], "", f"no annotated beat {limit}"),
            _placed(
                marks.onset_s[missed], marks.label[missed], f"no beat found {limit}"
            ),
        ]
    )


def _placed(onset_s: np.ndarray, label: np.ndarray | str, reason: str) -> pd.DataFrame:
    block = onset_s // SEGMENT_S
    columns = {"onset_s": onset_s, "label": label, "block": block, "reason": reason}
    return pd.DataFrame(columns)


def _slide(
    settings: Sliding | Recording, marks: Marks, timeline: Timeline
) -> pd.DataFrame:
    """Place as many windows in every block as fit; a block too short gets one row."""
    needed = settings.skip_s + settings.length_s
    room = marks.duration_s - needed + HAIR / timeline.sfreq
    step_s = settings.step_s if isinstance(settings, Sliding) else settings.length_s
    fit = (np.floor(room / step_s).astype(np.int64) + 1).clip(min=0)
    if isinstance(settings, Recording):
        fit = fit.clip(max=1)
    block = np.repeat(np.arange(len(fit)), fit.clip(min=1))
    place = np.arange(len(block)) - np.searchsorted(block, block)
    onset = marks.onset_s[block] + settings.skip_s + place * step_s
    start = _first(onset, timeline)
    end = _first(marks.onset_s + marks.duration_s, timeline)[block]
    reason = np.full(len(block), "", object)
    reason[start + _length(settings.length_s, timeline) > end] = AFTER_BLOCK
    for row in np.flatnonzero(fit[block] == 0):
        lasts = marks.duration_s[block[row]]
        reason[row] = f"block lasts {lasts:.2f} s, less than {needed:g} s"
    label = marks.label[block]
    columns = {"onset_s": onset, "start": start, "label": label, "block": block}
    return pd.DataFrame(columns | {"reason": reason})


def _first(onset_s: np.ndarray, timeline: Timeline) -> np.ndarray:
    """Give the nearest samples; of two as near the later.

    So windows that follow each other meet, which rounding to even would not do.
    """
    onsets = (onset_s + timeline.delay_s) * timeline.sfreq
    samples: np.ndarray = np.floor(onsets + 0.5 + HAIR).astype(np.int64)
    return samples


def _length(length_s: float, timeline: Timeline) -> int:
    """Give the samples that fit; a millionth more, for 0.1 s is no binary fraction."""
    return int(length_s * timeline.sfreq + 1e-6)
