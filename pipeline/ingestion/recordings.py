"""From raw files to de-identified recordings, each in a FIF file of its own.

A recording is built anew from what may leave the clinic: samples, channel names and
types, rates and the data set's labels. Dates, names, comments, devices and positions
are not removed but never copied.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline import files, quality, unfinished
from pipeline.errors import DataError
from pipeline.ingestion import catalogue, found, labelling, lists, sidecars
from pipeline.ingestion.archives import View, opened
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.found import Entry, Found, Selection
from pipeline.ingestion.labelling import Labels, Texts
from pipeline.ingestion.values import IN_FILES, Value, Values
from pipeline.parallel import parallel_map
from pipeline.patterns import normal
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
    """

    row: Row
    unclaimed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Ingested:
    """What became of a data set's files.

    Parameters
    ----------
    rows : list of Row
        A row for each recording, absent ones included.
    found : Found
        The recordings and the files that belong to none.
    unclaimed : Counter
        Texts that no class takes.
    """

    rows: list[Row]
    found: Found
    unclaimed: Counter[str]


def ingest(
    intake: Intake,
    raw: Path,
    target: Path,
    *,
    manifest: Mapping[str, Any],
    labels: Sequence[str],
    code: str,
    on_bad: OnBad = "raise",
) -> Ingested:
    """Read, de-identify and judge every recording of a data set.

    Writes `<recording>_raw.fif` for each, `recordings.parquet` for all, and
    `files.json`, which counts the files that belong to no recording. A recording that
    was made of the same raw files, settings and code is kept.

    Parameters
    ----------
    intake : Intake
    raw, target : Path
        The data set's raw folder, and the folder to write to.
    manifest : mapping
        What the stage fetch wrote.
    labels : sequence of str
        The data set's classes; each must appear.
    code : str
        Digest of the code that reads.
    on_bad : str
        `raise` or `skip`.

    Raises
    ------
    DataError
        There is no recording, one is bad (`raise`), recordings differ in their
        channels, or a class never appears.
    """
    with opened(raw / manifest["root"], manifest["files"]) as view:
        done = _process(Job(intake, view, target, on_bad, code), manifest)
    catalogue.check(done.rows, labels, str(raw))
    used = {row.recording for row in done.rows if row.status == "used"}
    files.save_table(target / "recordings.parquet", catalogue.table(done.rows))
    files.save_json(target / "files.json", _counts(done.found, manifest))
    wanted = {
        path.name for name in used for path in files.recording_parts(_fif(target, name))
    }
    files.keep_only(target, wanted | {"recordings.parquet", "files.json"})
    return done


def inspect(intake: Intake, raw: Path, manifest: Mapping[str, Any]) -> Ingested:
    """Read every recording and say what was found, problems included; write nothing.

    Parameters
    ----------
    intake : Intake
    raw : Path
        The data set's raw folder.
    manifest : mapping
        What the stage fetch wrote.
    """
    with opened(raw / manifest["root"], manifest["files"]) as view:
        return _process(Job(intake, view, None, "skip", code=""), manifest)


def _process(job: Job, manifest: Mapping[str, Any]) -> Ingested:
    selection = Selection(manifest["pattern"], manifest["only"], manifest["except"])
    reader = job.intake.reader
    listed = _with_sidecars(job, found.find(reader, job.view, selection))
    what = "reading recordings"
    inspected = parallel_map(partial(_ingest_one, job), listed.entries, what=what)
    missing = {**lists.absent(job.view, listed, selection), **manifest["absent"]}
    rows = [each.row for each in inspected]
    if job.on_bad == "skip":
        rows = catalogue.without_unlike(rows)
    rows += _absent(missing, selection)
    unclaimed = sum((each.unclaimed for each in inspected), Counter[str]())
    return Ingested(rows, listed, unclaimed)


def _with_sidecars(job: Job, listed: Found) -> Found:
    """Add to each recording the sidecars that its values stand in."""
    values = [value for value in job.intake.values.each if value.place == "sidecar"]
    names = sorted(job.view.digests)
    entries = []
    for entry in listed.entries:
        own = dict.fromkeys(sidecars.path_of(v, entry, names) for v in values)
        entries.append(replace(entry, files=(*entry.files, *own)))
    used = {name for entry in entries for name in entry.files}
    left_out = {n: why for n, why in listed.left_out.items() if n not in used}
    return Found(tuple(entries), left_out)


def _absent(missing: Mapping[str, str], selection: Selection) -> list[Row]:
    """Make the rows of recordings and persons that are listed and not there."""
    rows = []
    for path, reason in sorted(missing.items()):
        if path.endswith("/"):
            rows.append(Row("", path.rstrip("/"), status="absent", reason=reason))
        elif (entry := found.recording_of(path, selection)) is not None:
            row = catalogue.named(entry)
            rows.append(replace(row, status="absent", reason=reason))
    return rows


def _counts(listed: Found, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Count a data set's files by what became of them; their names may name people."""
    reasons = Counter(listed.reasons())
    reasons.update(manifest["left_out"].values())
    return {
        "used": sum(len(entry.files) for entry in listed.entries),
        "left_out": dict(sorted(reasons.items())),
        "absent": dict(sorted(Counter(manifest["absent"].values()).items())),
    }


def _ingest_one(job: Job, entry: Entry) -> Inspected:
    """Bring one recording, or its row alone if its file is there already."""
    try:
        return _bring(job, entry)
    except DataError as error:
        if job.on_bad == "raise":
            raise
        reason = f"{error.where}: {error.found}"
        row = replace(catalogue.named(entry), status="refused", reason=reason)
        return Inspected(row)


def _bring(job: Job, entry: Entry) -> Inspected:
    if job.target is None:
        return _read(job, entry, None)
    fif = _fif(job.target, entry.recording)
    row_path = job.target / unfinished.NOTES / f"{entry.recording}.json"
    inputs = _inputs(job, entry)
    if all(unfinished.is_made_of(part, inputs) for part in files.recording_parts(fif)):
        return Inspected(catalogue.from_json(files.load_json(row_path)))
    inspected = _read(job, entry, fif)
    if inspected.row.status == "used":
        files.save_json(row_path, catalogue.to_json(inspected.row))
        for part in files.recording_parts(fif):
            unfinished.note_inputs(part, inputs)
    return inspected


def _inputs(job: Job, entry: Entry) -> str:
    """Digest what a recording is made of: its raw files, the settings and the code."""
    intake = job.intake
    digests = [[name, job.view.digests.get(name, "")] for name in entry.files]
    return files.inputs_digest(
        intake.reader,
        intake.values,
        digests,
        job.code,
        [entry.recording, dict(entry.fields)],
    )


def _read(job: Job, entry: Entry, fif: Path | None) -> Inspected:
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
    return labelling.cut(labels, content.segments, content.n_samples, content.sfreq)


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
    name = normal(person.name(_first(job, entry, content, person)))
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
    if not labels.left_out and not labels.unclaimed:
        return "holds no mark or text that could be a label"
    reasons = labels.left_out or Counter(
        {"no class takes it": labels.unclaimed.total()}
    )
    return "no label: " + ", ".join(f"{n} {why}" for why, n in reasons.items())


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
        expected="none: a causal filter would carry the first to the end",
        remedy="choose other channels; or set the reader's `missing: pause`, which "
        "leaves them out; or on_bad_recording: skip",
    )


def _fif(target: Path, recording: str) -> Path:
    """Name a recording's file."""
    return target / f"{recording}_raw.fif"
