"""The places of a recording to classify, and the reasons for leaving out others.

Each row is a decision: it is taken at the step `stop`, and `[start, stop)` is the
window of a network that restarts for it. Annotations and times are in seconds of the
recording; samples are those of the prepared signal, which lags by `delay_s`.

The window of a beat, an event or a step may begin before its segment or end after it:
what lies outside of a segment is silence. One that slides through a block never leaves
the block, nor the segment.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from pipeline.preparation.beats import TOLERANCE_S, Onsets, match
from pipeline.preparation.windows import (
    Annotations,
    Beats,
    Events,
    Recording,
    Sliding,
    Steps,
    Timeline,
    WindowSettings,
)

SEGMENT_S = 30.0
"""Beats, events and steps of the same so many seconds form a block."""

HAIR = 0.01
"""Samples that times may be off: many files keep seven digits of them."""

Reasons = Shaped[np.ndarray, " window"]
"""Why each window is not used, or ""; texts."""
Samples = Int[np.ndarray, " window"]

AFTER_BLOCK = "window ends after its block"
NO_SAMPLE = "window holds no sample of the recording"
LABELLED = "another block has labelled this sample"


def cut_windows(
    settings: WindowSettings,
    annotations: Annotations,
    timeline: Timeline,
    labels: Sequence[str],
    detected: Onsets | None = None,
) -> pd.DataFrame:
    """List the windows of one segment of a recording.

    Parameters
    ----------
    settings : Beats, Events or another kind of windows
    annotations : Annotations
    timeline : Timeline
    labels : sequence of str
        The data set's classes; annotations of others give no window.
    detected : array or None
        Detected beats, seconds: windows lie around these and take their labels from the
        matching annotations.

    Returns
    -------
    windows : DataFrame
        start, stop, segment_start, segment_stop, label, onset_s, block, reason: a row
        for every annotation (block: for every window in it) and detection, with the
        reason why it is not used or "". The samples of the segment's own signal are
        `[segment_start, segment_stop)`; `start` may be less, `stop` more.
    """
    if isinstance(settings, Sliding | Recording):
        placed = _slide(settings, annotations, timeline)
        length = _length(settings.length_s, timeline)
    elif isinstance(settings, Steps):
        length = _length(settings.length_s, timeline)
        placed = _step(settings, annotations, timeline, length)
    else:
        placed = _around(settings, annotations, timeline, detected)
        length = round((settings.tmax - settings.tmin) * timeline.sfreq)
    start, label = placed["start"].to_numpy(), placed["label"].to_numpy(object)
    first = min(round(timeline.delay_s * timeline.sfreq), timeline.n_samples)
    bounds = first, timeline.n_samples
    reason = placed["reason"].to_numpy(object, copy=True)
    _refuse_labels(reason, label, labels)
    if isinstance(settings, Sliding | Recording):
        _refuse_leaving(reason, start, start + length, bounds, timeline.sfreq)
    else:
        _refuse_outside(reason, placed["onset_s"].to_numpy(), timeline)
        empty = np.maximum(start, bounds[0]) >= np.minimum(start + length, bounds[1])
        _refuse(reason, empty, repeat(NO_SAMPLE))
    return pd.DataFrame(
        {
            "start": start,
            "stop": start + length,
            "segment_start": bounds[0],
            "segment_stop": bounds[1],
            "label": label,
            "onset_s": placed["onset_s"].to_numpy(),
            "block": placed["block"].to_numpy(np.int64),
            "reason": reason,
        }
    )


def _refuse_labels(
    reason: Reasons, label: Shaped[np.ndarray, " window"], labels: Sequence[str]
) -> None:
    """Give windows of another class than the data set's their reason."""
    strange = ~np.isin(label.astype(str), list(labels))
    texts = (
        f"label {name} is not among the data set's labels"
        for name in label[strange & (reason == "")]
    )
    _refuse(reason, strange, texts)


def _refuse_leaving(
    reason: Reasons,
    start: Samples,
    stop: Samples,
    bounds: tuple[int, int],
    sfreq: float,
) -> None:
    """Refuse windows of which any sample lies outside of the segment."""
    early_s, late_s = (bounds[0] - start) / sfreq, (stop - bounds[1]) / sfreq
    _refuse_seconds(reason, early_s, "window starts {:.2f} s before the recording")
    _refuse_seconds(reason, late_s, "window ends {:.2f} s after the recording")


def _refuse_outside(
    reason: Reasons, onset_s: Float[np.ndarray, " window"], timeline: Timeline
) -> None:
    """Refuse a label at a moment outside of the segment."""
    place = onset_s * timeline.sfreq
    early_s = np.where(place < -HAIR, -place, 0.0) / timeline.sfreq
    late = place - (timeline.n_samples - 1)
    late_s = np.where(late > 1 - HAIR, late, 0.0) / timeline.sfreq
    _refuse_seconds(reason, early_s, "onset lies {:.2f} s before the recording")
    _refuse_seconds(reason, late_s, "onset lies {:.2f} s after the recording")


def _refuse_seconds(
    reason: Reasons, seconds: Float[np.ndarray, " window"], text: str
) -> None:
    """Refuse windows that are so many seconds off, where that is more than none."""
    free = (seconds > 0) & (reason == "")
    _refuse(reason, free, (text.format(value) for value in seconds[free]))


def _refuse(
    reason: Reasons, which: Bool[np.ndarray, " window"], texts: Iterable[str]
) -> None:
    """Give windows their reason; one that has a reason keeps it, and takes no text."""
    rows = np.flatnonzero(which & (reason == ""))
    reason[rows] = [text for _, text in zip(rows, texts, strict=False)]


def _around(
    settings: Beats | Events,
    annotations: Annotations,
    timeline: Timeline,
    detected: Onsets | None,
) -> pd.DataFrame:
    """Place a window around every annotation or detection, by onset."""
    found = (
        _annotated(annotations)
        if detected is None
        else _detected(annotations, detected)
    )
    placed = found.sort_values("onset_s", kind="stable", ignore_index=True)
    onsets = (placed["onset_s"] + settings.tmin + timeline.delay_s) * timeline.sfreq
    placed["start"] = np.rint(onsets).astype(np.int64)
    return placed


def _annotated(annotations: Annotations) -> pd.DataFrame:
    return _placed(annotations.onset_s, annotations.label, "")


def _detected(annotations: Annotations, detected: Onsets) -> pd.DataFrame:
    """Place windows on detections; list the annotations that none was found for."""
    limit = f"within {1000 * TOLERANCE_S:.0f} ms"
    partner = match(annotations.onset_s, detected)
    paired = partner >= 0
    missed = np.setdiff1d(np.arange(len(annotations.onset_s)), partner)
    return pd.concat(
        [
            _placed(detected[paired], annotations.label[partner[paired]], ""),
            _placed(detected[~paired], "", f"no annotated beat {limit}"),
            _placed(
                annotations.onset_s[missed],
                annotations.label[missed],
                f"no beat found {limit}",
            ),
        ]
    )


def _placed(onset_s: np.ndarray, label: np.ndarray | str, reason: str) -> pd.DataFrame:
    block = (onset_s // SEGMENT_S).clip(min=0)
    columns = {"onset_s": onset_s, "label": label, "block": block, "reason": reason}
    return pd.DataFrame(columns)


def _slide(
    settings: Sliding | Recording, annotations: Annotations, timeline: Timeline
) -> pd.DataFrame:
    """Place as many windows in every block as fit; a block too short gets one row."""
    needed = settings.skip_s + settings.length_s
    room = annotations.duration_s - needed + HAIR / timeline.sfreq
    step_s = settings.step_s if isinstance(settings, Sliding) else settings.length_s
    fit = (np.floor(room / step_s).astype(np.int64) + 1).clip(min=0)
    if isinstance(settings, Recording):
        fit = fit.clip(max=1)
    block = np.repeat(np.arange(len(fit)), fit.clip(min=1))
    place = np.arange(len(block)) - np.searchsorted(block, block)
    onset = annotations.onset_s[block] + settings.skip_s + place * step_s
    start = _first(onset, timeline)
    end = _first(annotations.onset_s + annotations.duration_s, timeline)[block]
    reason = np.full(len(block), "", object)
    reason[start + _length(settings.length_s, timeline) > end] = AFTER_BLOCK
    for row in np.flatnonzero(fit[block] == 0):
        lasts = annotations.duration_s[block[row]]
        reason[row] = f"block lasts {lasts:.2f} s, less than {needed:g} s"
    label = annotations.label[block]
    columns = {"onset_s": onset, "start": start, "label": label, "block": block}
    return pd.DataFrame(columns | {"reason": reason})


def _step(
    settings: Steps, annotations: Annotations, timeline: Timeline, length: int
) -> pd.DataFrame:
    """Decide at the steps in every block; a block without a step gets one row.

    The decision about sample n is taken when that sample is there, at step n + 1.
    """
    steps = _grid(settings.every_s, timeline)
    begin, end = (
        np.ceil(times * timeline.sfreq - HAIR)
        for times in (annotations.onset_s, annotations.onset_s + annotations.duration_s)
    )
    low, high = (np.searchsorted(steps, edge) for edge in (begin, end))
    inside = (high - low).clip(min=0)
    block = np.repeat(np.arange(len(inside)), inside.clip(min=1))
    place = np.arange(len(block)) - np.searchsorted(block, block)
    sample = begin[block].astype(np.int64)
    held = inside[block] > 0
    sample[held] = steps[(low[block] + place)[held]]
    placed = _placed(sample / timeline.sfreq, annotations.label[block], "")
    first = round(timeline.delay_s * timeline.sfreq)
    placed["start"] = sample + 1 + first - length
    again = held & placed.assign(held=held).duplicated(["start", "held"]).to_numpy(bool)
    reason = np.where(again, LABELLED, "").astype(object)
    for row in np.flatnonzero(~held):
        lasts = annotations.duration_s[block[row]]
        reason[row] = f"block lasts {lasts:.3f} s, without a step inside"
    return placed.assign(reason=reason)


def _grid(every_s: float | None, timeline: Timeline) -> Int[np.ndarray, " step"]:
    """List the samples of a segment at which decisions may be taken."""
    samples = np.arange(timeline.n_samples)
    if every_s is None:
        return samples
    step = every_s * timeline.sfreq
    nearest = np.floor(np.arange(len(samples) / step) * step + 0.5 + HAIR)
    grid: np.ndarray = np.unique(nearest.astype(np.int64))
    return grid[grid < timeline.n_samples]


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
