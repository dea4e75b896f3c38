"""Texts of a recording as the data set's classes, at their times."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.ingestion.values import USUAL, As, Label
from pipeline.readers.base import Marks

Texts = Marks | tuple[str, ...]
"""Texts at times, or texts of a recording."""


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
            f"`from: {rule.place}` speaks of a recording, not of times in it",
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
    left_out = Counter[str]()
    if len(classes) > 1 and rule.several == "none":
        left_out["has several classes"] += 1
        classes = []
    if not classes:
        return Labels(np.empty(0), np.empty(0), (), left_out, unclaimed)
    return Labels(np.zeros(1), np.array([length_s]), (classes[0],), left_out, unclaimed)


def _in_order(rule: Label, classes: Sequence[str]) -> list[str]:
    """Put classes in the order of the map, each once."""
    found = dict.fromkeys(classes)
    if rule.map is None:
        return list(found)
    return [each for each in dict.fromkeys(rule.map.values()) if each in found]


def _label_marks(marks: Marks, rule: Label, lasts: As, length_s: float) -> Labels:
    """Give marks their classes and durations."""
    values = [rule.codes(text) for text in marks.texts]
    # What `match` does not find is no value, and ends no span.
    chosen = [k for k, codes in enumerate(values) if codes]
    onset = np.asarray(marks.onset_s, np.float64)[chosen]
    duration = np.asarray(marks.duration_s, np.float64)[chosen]
    if lasts == "spans":
        later = np.append(onset[1:], length_s) if len(onset) else onset
        duration = np.maximum(later - onset, 0.0)
    elif lasts == "events":
        duration = np.zeros(len(onset))
    texts = [marks.texts[k] for k in chosen]
    ignored = len(marks.texts) - len(chosen)
    left_out = Counter({"does not match": ignored} if ignored else {})
    return _resolve(onset, duration, texts, rule, left_out)


def _resolve(
    onset: np.ndarray,
    duration: np.ndarray,
    texts: Sequence[str],
    rule: Label,
    left_out: Counter[str],
) -> Labels:
    """Keep one class at a place: of one mark, and of marks that share their time."""
    unclaimed = Counter[str]()
    places: dict[tuple[float, float], list[str]] = {}
    for at, lasts, text in zip(onset, duration, texts, strict=True):
        if own := rule.classes(text):
            places.setdefault((float(at), float(lasts)), []).extend(own)
        else:
            unclaimed[text] += 1
    kept: dict[tuple[float, float], str] = {}
    for place, several in places.items():
        classes = _in_order(rule, several)
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


def cut(
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
    starts = np.array([segment.start for segment in segments]) / sfreq
    ends = np.append(starts[1:], n_samples / sfreq)
    clock = np.array([segment.onset_s for segment in segments])
    rows: list[tuple[float, float, str]] = []
    left_out = Counter(labels.left_out)
    for at, lasts, name in zip(
        labels.onset_s, labels.duration_s, labels.classes, strict=True
    ):
        pieces = _pieces(at, lasts, starts, ends, clock, 0.5 / sfreq)
        rows += [(begin, length, name) for begin, length in pieces]
        if not pieces:
            left_out["lies outside the signal"] += 1
    rows.sort(key=lambda row: row[0])
    onset, duration = (np.array([row[k] for row in rows], np.float64) for k in (0, 1))
    classes = tuple(row[2] for row in rows)
    return Labels(onset, duration, classes, left_out, labels.unclaimed)


def _pieces(
    at: float,
    lasts: float,
    starts: np.ndarray,
    ends: np.ndarray,
    clock: np.ndarray,
    half: float,
) -> list[tuple[float, float]]:
    """Divide one label among the segments that it lies in."""
    until = clock + ends - starts
    if lasts == 0:
        inside = np.flatnonzero((at >= clock - half) & (at < until))[-1:]
        return [(float(max(at - clock[k], 0) + starts[k]), 0.0) for k in inside]
    begin, stop = np.maximum(at, clock), np.minimum(at + lasts, until)
    return [
        (float(begin[k] - clock[k] + starts[k]), float(stop[k] - begin[k]))
        for k in np.flatnonzero(stop - begin > half)
    ]
