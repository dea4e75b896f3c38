"""One recording: its files read, labelled, judged, and written if it can be used.

A recording is built anew from what may leave the clinic: samples, channel names and
types, rates and the data set's labels. Dates, names, comments, devices and positions
are not removed but never copied.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline import files, quality
from pipeline.errors import DataError
from pipeline.ingestion import catalogue, labelling, sidecars
from pipeline.ingestion.archives import View
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.found import Entry
from pipeline.ingestion.labelling import Labels, Texts
from pipeline.ingestion.plausible import refuse_implausible
from pipeline.ingestion.values import IN_FILES, Value, Values
from pipeline.quality import Measured
from pipeline.readers.base import Content, Reader

OnBad = Literal["raise", "skip"]


@dataclass(frozen=True)
class Intake:
    """How the files of a data set are understood.

    Parameters
    ----------
    reader : Reader
    values : Values
        Where labels, persons and numbers stand.
    """

    reader: Reader
    values: Values


@dataclass(frozen=True)
class Job:
    """What all recordings of a data set share.

    Parameters
    ----------
    intake : Intake
    view : View
        The raw files.
    target : Path or None
        The folder of FIF files; None: nothing is written.
    on_bad : str
        `raise` ends at the first bad recording, `skip` lists it as refused.
    code : str
        Digest of the code that reads.
    """

    intake: Intake
    view: View
    target: Path | None
    on_bad: OnBad
    code: str


@dataclass(frozen=True)
class Inspected:
    """What is known of a recording after it was read.

    Parameters
    ----------
    row : Row
    unclaimed : Counter
        Texts that no class takes: to be shown, not to be kept.
    problem : str
        Why it is refused, with paths and lines of the files: to be shown, not kept.
    """

    row: Row
    unclaimed: Counter[str] = field(default_factory=Counter)
    problem: str = ""


def read(job: Job, entry: Entry, fif: Path | None) -> Inspected:
    """Read a recording anew, say what it is, and write it if it can be used."""
    from pipeline.ingestion.gaps import without_gaps
    from pipeline.ingestion.lazy import Pieces

    intake = job.intake
    origins = {value.origin for value in intake.values.each if value.place in IN_FILES}
    content = intake.reader.read(job.view.folder, entry.files, origins)
    where = f"recording {entry.recording}"
    _refuse_empty(where, content)
    pieces = Pieces(content)
    if intake.reader.missing == "pause":
        content = without_gaps(content, pieces)
        _refuse_empty(where, content)
        pieces = Pieces(content)
    measured = quality.measure(iter(pieces), content.sfreq, content.line_freq)
    _refuse_not_finite(where, content, measured)
    refuse_implausible(where, content, measured, intake.reader.unchecked)
    labels = _labels(job, entry, content)
    numbers = {
        name: number
        for name, value in intake.values.numbers.items()
        if (number := value.number(_first(job, entry, content, value))) is not None
    }
    person = _person(job, entry, content)
    described = catalogue.described(content, measured, labels, numbers)
    row = replace(catalogue.named(entry, person), **described)
    if not labels.classes:
        row = replace(row, status="unlabelled", reason=_why_unlabelled(labels))
    elif fif is not None:
        _write(fif, content, pieces, labels)
    return Inspected(row, labels.unclaimed)


def _labels(job: Job, entry: Entry, content: Content) -> Labels:
    """Label a recording's samples."""
    rule = job.intake.values.label
    end = content.n_samples if content.end is None else content.end
    last = [s for s in content.segments if s.start <= end][-1]
    end_s = last.onset_s + (end - last.start) / content.sfreq
    texts = _texts(job, entry, content, rule)
    labels = labelling.label(texts, rule, end_s, f"recording {entry.recording}")
    return labelling.cut(labels, content.segments, end, content.sfreq)


def _texts(job: Job, entry: Entry, content: Content, value: Value) -> Texts:
    """Look up a value's texts where they stand."""
    if value.place == "constant":
        return (value.key,)
    if value.place == "field":
        return (entry.fields.get(value.key, ""),)
    if value.place == "sidecar":
        name = sidecars.path_of(value, entry, sorted(job.view.digests))
        return sidecars.read(job.view.folder, name, value, entry)
    if value.origin in content.marks:
        return content.marks[value.origin]
    return content.texts.get(value.origin, ())


def _first(job: Job, entry: Entry, content: Content, value: Value) -> str:
    """Give the one text that a recording has at a place; "" without any."""
    texts = _texts(job, entry, content, value)
    every = texts if isinstance(texts, tuple) else texts.texts
    return next((text for text in every if value.codes(text)), "")


def _person(job: Job, entry: Entry, content: Content) -> str:
    """Say who was recorded."""
    person = job.intake.values.person
    name = person.name(_first(job, entry, content, person))
    if not name:
        raise DataError(
            f"recording {entry.recording}",
            f"names nobody: `from: {person.place}`, key '{person.key}'",
            expected="a person for every recording",
            remedy="give the source's pattern a {subject}, or say in `person` where "
            "the person stands",
        )
    return name


def _write(fif: Path, content: Content, pieces: Any, labels: Labels) -> None:
    from pipeline.ingestion.lazy import LazyRaw, annotate

    raw = LazyRaw(content, pieces)
    borders = np.array([s.start / content.sfreq for s in content.segments[1:]])
    annotate(raw, labels.onset_s, labels.duration_s, labels.classes, borders)
    files.save_recording(fif, raw)


def _why_unlabelled(labels: Labels) -> str:
    if not labels.left_out:
        return "holds no mark or text that could be a label"
    reasons = ", ".join(f"{why}: {n}" for why, n in labels.left_out.items())
    return f"no label ({reasons})"


def _refuse_empty(where: str, content: Content) -> None:
    if content.n_samples <= 0 or not content.channels:
        raise DataError(
            where,
            f"{len(content.channels)} channels of {content.n_samples} samples",
            expected="at least one sample",
            remedy="fetch the files again, or leave them out by `except`",
        )


def _refuse_not_finite(where: str, content: Content, measured: Measured) -> None:
    """Refuse samples that are no numbers."""
    bad = np.flatnonzero(measured.nan_share).tolist()
    if not bad:
        return
    first_s = (measured.first_nan[bad[0]] or 0) / content.sfreq
    raise DataError(
        f"{where}, channel {content.channels[bad[0]]}",
        f"{measured.nan_share[bad[0]]:.1%} of the samples are no numbers, from "
        f"{first_s:.3f} s"
        + (f"; {len(bad) - 1} more channels have such" * (len(bad) > 1)),
        expected="numbers that float32 holds: a causal filter would carry the first "
        "other to the end",
        remedy="choose other channels; or set the reader's `missing: pause`, which "
        "leaves them out; or on_bad_recording: skip",
    )
