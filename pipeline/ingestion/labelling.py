"""Texts of a recording as the data set's classes, at their times."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.ingestion.values import USUAL, As, Label
from pipeline.readers.base import Marks

Texts = Marks | tuple[str, ...]
"""Texts at times, or texts of a recording."""


NO_END = "states no duration"
"""Why a block is left out that has a time and a class."""


@dataclass(frozen=True)
class Labels:
    """The labelled parts of a recording.

    Parameters
    ----------
    onset_s, duration_s : array, shape (mark,)
        Seconds.
    classes : tuple of str
    left_out : Counter
        How many marks have no class or lie outside the signal, by reason.
    unclaimed : Counter
        Texts that no class takes; they may name people, so they are shown and not kept.
    """

    onset_s: np.ndarray
    duration_s: np.ndarray
    classes: tuple[str, ...]
    left_out: Counter[str] = field(default_factory=Counter)
    unclaimed: Counter[str] = field(default_factory=Counter)


def label(texts: Texts, rule: Label, length_s: float, where: str) -> Labels:
    """Give texts their classes.

    Parameters
    ----------
    texts : Marks or tuple of str
    rule : Label
    length_s : float
        End of the recording on its own clock, seconds.
    where : str
        The recording, for messages.

    Raises
    ------
    DataError
        Texts without times are to be events, blocks or spans.
    """
    usual: As = USUAL.get(
        rule.place, "blocks" if isinstance(texts, Marks) else "recording"
    )
    lasts = rule.lasts or usual
    if lasts == "recording":
        return _label_recording(texts, rule, length_s)
    if not isinstance(texts, Marks):
        raise DataError(
            where,
            f"`from: {rule.place}` describes a recording, not times in it",
            expected="as: recording",
            remedy="correct the value's `as` in params.yaml",
        )
    return _label_marks(texts, rule, lasts, length_s)


def _label_recording(texts: Texts, rule: Label, length_s: float) -> Labels:
    """Give a recording the first class of all its texts."""
    every = texts.texts if isinstance(texts, Marks) else texts
    found = {text: rule.classes(text) for text in dict.fromkeys(every)}
    unclaimed = Counter(text for text, classes in found.items() if not classes)
    classes = _in_order(rule, [each for own in found.values() for each in own])
    left_out = Counter({"no class takes it": len(unclaimed)} if unclaimed else {})
    if len(classes) > 1 and rule.several == "none":
        left_out["has several classes"] += 1
        classes = []
    if not classes:
        return Labels(np.empty(0), np.empty(0), (), left_out, unclaimed)
    return Labels(np.zeros(1), np.array([length_s]), (classes[0],), left_out, unclaimed)


def _in_order(rule: Label, classes: Sequence[str]) -> list[str]:
    """Put classes in the order of the map, each once."""
    ranked = dict.fromkeys((rule.map or {}).values())
    return [each for each in ranked if each in classes]


def _label_marks(marks: Marks, rule: Label, lasts: As, length_s: float) -> Labels:
    """Give marks their classes and durations."""
    is_value = {text: rule.is_value(text) for text in set(marks.texts)}
    # What is no value ends no span.
    values = [k for k, text in enumerate(marks.texts) if is_value[text]]
    chosen = [k for k in values if np.isfinite(marks.onset_s[k])]
    onset = np.asarray(marks.onset_s, np.float64)[chosen]
    duration = np.asarray(marks.duration_s, np.float64)[chosen]
    if lasts == "spans":
        # Notes that share their onset last equally long.
        starts = np.append(np.unique(onset), length_s)
        later = starts[np.searchsorted(starts[:-1], onset, side="right")]
        duration = np.maximum(later - onset, 0.0)
    elif lasts == "events":
        duration = np.zeros(len(onset))
    texts = [marks.texts[k] for k in chosen]
    left_out = Counter(
        {
            "is no value": len(marks.texts) - len(values),
            "states no time": len(values) - len(chosen),
        }
    )
    labels = _resolve(onset, duration, texts, rule, +left_out)
    return _with_ends(labels)


def _with_ends(labels: Labels) -> Labels:
    """Leave out blocks of which no end is known, and count them."""
    ends = labels.duration_s >= 0
    unknown = int((~ends).sum())
    if not unknown:
        return labels
    return replace(
        labels,
        onset_s=labels.onset_s[ends],
        duration_s=labels.duration_s[ends],
        classes=tuple(labels.classes[k] for k in np.flatnonzero(ends).tolist()),
        left_out=labels.left_out + Counter({NO_END: unknown}),
    )


def _resolve(
    onset: np.ndarray,
    duration: np.ndarray,
    texts: Sequence[str],
    rule: Label,
    left_out: Counter[str],
) -> Labels:
    """Keep one class at a place: of one mark, and of marks that share their time."""
    classes_of = {text: rule.classes(text) for text in dict.fromkeys(texts)}
    unclaimed = Counter(text for text in texts if not classes_of[text])
    places: dict[tuple[float, float], list[str]] = {}
    rows = zip(onset.tolist(), duration.tolist(), texts, strict=True)
    for at, lasts, text in rows:
        if own := classes_of[text]:
            places.setdefault((at, lasts), []).extend(own)
    kept: dict[tuple[float, float], str] = {}
    for place, several in places.items():
        classes = several if len(several) == 1 else _in_order(rule, several)
        if repeated := len(several) - len(classes):
            left_out["stands there twice"] += repeated
        if len(classes) > 1:
            left_out["shares its place with a class that comes first"] += 1
        if len(classes) == 1 or rule.several == "first":
            kept[place] = classes[0]
    if unclaimed:
        left_out["no class takes it"] += unclaimed.total()
    spans = np.array(list(kept), np.float64).reshape(-1, 2)
    return Labels(spans[:, 0], spans[:, 1], tuple(kept.values()), left_out, unclaimed)


def on_samples(
    labels: Labels, segments: Sequence[Segment], n_samples: int, sfreq: float
) -> Labels:
    """Bring labels from the recording's clock to the samples that there are.

    A block that reaches over a pause becomes one on either side; what lies in a pause,
    before the start or after the end is left out, and counted.

    Parameters
    ----------
    labels : Labels
        On the recording's own clock.
    segments : sequence of Segment
    n_samples : int
    sfreq : float

    Returns
    -------
    labels : Labels
        Times count from the first sample, as if there were no pauses.
    """
    spans = _spans(segments, n_samples / sfreq, sfreq)
    instants = np.flatnonzero(labels.duration_s == 0)
    blocks = np.flatnonzero(labels.duration_s).tolist()
    rows = _instants(labels, instants, spans, 0.5 / sfreq)
    rows += [row for k in blocks for row in _blocks(labels, k, spans, 0.5 / sfreq)]
    rows.sort()
    left_out = Counter(labels.left_out)
    if lost := len(labels.classes) - len({k for _, k, _ in rows}):
        left_out["lies outside the signal"] += lost
    return Labels(
        np.array([onset for onset, _, _ in rows], np.float64),
        np.array([duration for _, _, duration in rows], np.float64),
        tuple(labels.classes[k] for _, k, _ in rows),
        left_out,
        labels.unclaimed,
    )


Row = tuple[float, int, float]
"""Onset in the file, number of the label, duration."""


def _spans(segments: Sequence[Segment], length_s: float, sfreq: float) -> np.ndarray:
    """Tabulate the start and end of each segment on the clock, and its start here."""
    clock = np.array([segment.onset_s for segment in segments])
    start = np.array([segment.start for segment in segments]) / sfreq
    return np.stack([clock, clock + np.diff(start, append=length_s), start], axis=1)


def _instants(
    labels: Labels, chosen: np.ndarray, spans: np.ndarray, half: float
) -> list[Row]:
    """Bring instants to the segment in which they lie."""
    at = labels.onset_s[chosen]
    owner = np.searchsorted(spans[:, 0] - half, at, side="right") - 1
    inside = (owner >= 0) & (at < spans[owner, 1])
    begin = spans[owner, 2] + np.maximum(at - spans[owner, 0], 0)
    return [
        (b, k, 0.0)
        for b, k in zip(begin[inside].tolist(), chosen[inside].tolist(), strict=True)
    ]


def _blocks(labels: Labels, k: int, spans: np.ndarray, half: float) -> list[Row]:
    """Divide a block among the segments that it lies in."""
    at, lasts = labels.onset_s[k], labels.duration_s[k]
    begin = np.maximum(at, spans[:, 0])
    stop = np.minimum(at + lasts, spans[:, 1])
    own = np.flatnonzero(stop - begin > half)
    onset = begin[own] - spans[own, 0] + spans[own, 2]
    rows = zip(onset.tolist(), (stop - begin)[own].tolist(), strict=True)
    return [(at, k, duration) for at, duration in rows]
