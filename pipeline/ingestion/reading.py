"""One recording: its files read, labelled, judged, and written if it can be used.

A recording is built anew from what may leave the clinic: samples, channel names and
types, rates and the data set's labels. Dates, names, comments, devices and positions
are not removed but never copied.
"""

import errno
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline import files, quality
from pipeline.errors import DataError, PipelineError
from pipeline.ingestion import catalogue, labelling, sidecars
from pipeline.ingestion.archives import View
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.copies import Sketch, Sketcher
from pipeline.ingestion.found import Entry
from pipeline.ingestion.labelling import NO_END, Labels, Texts
from pipeline.ingestion.observing import Observer, watching
from pipeline.ingestion.plausible import refuse_implausible
from pipeline.ingestion.sidecar_paths import path_of
from pipeline.ingestion.values import IN_FILES, Value, Values
from pipeline.machine import FORBIDDEN, refusal
from pipeline.quality import Measured
from pipeline.readers.base import LEAVE_OUT, REPLACE, Content, Reader, either

OnBad = Literal["raise", "skip"]
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Intake:
    """The settings that interpret the files of a data set.

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
    """The job that all recordings of a data set share.

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
    dataset : str
        The data set's name, for messages.
    observer : Observer or None
        Who looks on.
    """

    intake: Intake
    view: View
    target: Path | None
    on_bad: OnBad
    code: str
    dataset: str = "NAME"
    observer: Observer | None = None


@dataclass(frozen=True)
class Inspected:
    """The knowledge of a recording after it was read.

    Parameters
    ----------
    row : Row
    unclaimed : Counter
        Texts that no class takes: to be shown, not to be kept.
    problem : str
        Why it is refused, with paths and lines of the files: to be shown, not kept.
    sketch : Sketch or None
        Of its signal, by which copies are known; None if it could not be read.
    remedy : str
        What to do then.
    seen : object
        What the observer's watch gave.
    """

    row: Row
    unclaimed: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    sketch: Sketch | None = None
    remedy: str = ""
    seen: Any = None


def read(job: Job, entry: Entry, fif: Path | None) -> Inspected:
    """Read a recording anew, describe it, and write it if it can be used."""
    where = f"recording {entry.recording}"
    with guarded(where, job.dataset):
        inspected, raw = _examine(job, entry, where)
    if inspected.row.status == "used" and fif is not None:
        # What goes wrong in writing is the fault of no recording.
        with guarded(where, job.dataset, passing=OSError):
            files.save_recording(fif, raw)
    return inspected


@contextmanager
def guarded(
    where: str, dataset: str, passing: type[Exception] | tuple[()] = ()
) -> Iterator[None]:
    """Make a refusal of what a library raises over one recording.

    Lack of memory or of space on a disk are no fault of a recording.

    Parameters
    ----------
    where : str
        The recording.
    dataset : str
        Whose it is.
    passing : type of Exception, or ()
        Other exceptions that are none.

    Raises
    ------
    DataError
        Anything else was raised.
    """
    try:
        yield
    except (PipelineError, MemoryError):
        raise
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in NO_SPACE
        if full or isinstance(error, passing):
            raise
        if isinstance(error, PermissionError) and (closed := refusal(error)):
            found, expected, _ = FORBIDDEN  # without the owner
            remedy = either(closed.remedy, LEAVE_OUT)
            raise DataError(
                closed.where, found, expected=expected, remedy=remedy
            ) from error
        text = next(iter(str(error).splitlines()), "no reason given")
        raise DataError(
            where,
            f"the reader failed with {type(error).__name__} ({text})",
            expected="a recording that the reader can read",
            remedy=either("leave it out by the source's except", LEAVE_OUT)
            + f"; `stages/run ingest {dataset} --debug` shows where it failed",
        ) from error


def _examine(job: Job, entry: Entry, where: str) -> tuple[Inspected, Any]:
    """Read, measure and label a recording; give what it is, and what is to be kept."""
    from pipeline.ingestion.gaps import without_gaps
    from pipeline.ingestion.lazy import Pieces

    intake = job.intake
    origins = {value.origin for value in intake.values.each if value.place in IN_FILES}
    content = intake.reader.read(job.view.folder, entry.files, origins)
    _refuse_empty(where, content)
    pieces = Pieces(content)
    if intake.reader.missing == "pause":
        content = without_gaps(content, pieces)
        _refuse_empty(where, content)
        pieces = Pieces(content)
    sketcher = Sketcher(len(content.channels), content.n_samples)
    watch = job.observer and job.observer.watch(job.view, entry, content)
    passing = sketcher.passing(watching(pieces, watch) if watch else iter(pieces))
    measured = quality.measure(passing, content.sfreq, content.line_freq)
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
    kept = _kept(content, pieces, labels) if labels.classes else None
    seen = watch.finish(measured, labels) if watch else None
    return Inspected(row, labels.unclaimed, sketch=sketcher.sketch(), seen=seen), kept


def _labels(job: Job, entry: Entry, content: Content) -> Labels:
    """Label a recording's samples."""
    rule = job.intake.values.label
    end = content.n_samples if content.end is None else content.end
    last = [s for s in content.segments if s.start <= end][-1]
    end_s = last.onset_s + (end - last.start) / content.sfreq
    texts = _texts(job, entry, content, rule)
    labels = labelling.label(texts, rule, end_s, f"recording {entry.recording}")
    return labelling.on_samples(labels, content.segments, end, content.sfreq)


def _texts(job: Job, entry: Entry, content: Content, value: Value) -> Texts:
    """Look up a value's texts where they stand."""
    if value.place == "constant":
        return (value.key,)
    if value.place == "field":
        return (entry.fields.get(value.key, ""),)
    if value.place == "sidecar":
        name = path_of(value, entry, sorted(job.view.digests))
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
    """Name the person who was recorded."""
    person = job.intake.values.person
    if person.unknown:
        return ""
    name = person.name(_first(job, entry, content, person))
    if not name:
        raise DataError(
            f"recording {entry.recording}",
            f"names nobody: `from: {person.place}`, key '{person.key}'",
            expected="a person for every recording",
            remedy="give the source's pattern a {subject}, or write in values, under "
            "`person`, where the person stands",
        )
    return name


def _kept(content: Content, pieces: Any, labels: Labels) -> Any:
    """Make what is kept of a recording: an MNE `Raw`."""
    from pipeline.ingestion.lazy import LazyRaw, annotate

    raw = LazyRaw(content, pieces)
    borders = np.array([s.start / content.sfreq for s in content.segments[1:]])
    annotate(raw, labels.onset_s, labels.duration_s, labels.classes, borders)
    return raw


def _why_unlabelled(labels: Labels) -> str:
    if not labels.left_out:
        return "holds no mark or text that could be a label"
    reasons = ", ".join(f"{why}: {n}" for why, n in labels.left_out.items())
    hint = "; `as: events` takes them for instants" * (NO_END in labels.left_out)
    return f"no label ({reasons}{hint})"


def _refuse_empty(where: str, content: Content) -> None:
    if content.n_samples <= 0 or not content.channels:
        raise DataError(
            where,
            f"{len(content.channels)} channels of {content.n_samples} samples",
            expected="at least one sample",
            remedy=either(REPLACE, LEAVE_OUT),
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
        + (f"; {len(bad) - 1} more channels have such samples" * (len(bad) > 1)),
        expected="numbers that float32 holds: a causal filter would carry anything "
        "else to the end",
        remedy=either(
            "choose other channels",
            "set the reader's `missing: pause`, which leaves such samples out",
            LEAVE_OUT,
        ),
    )
