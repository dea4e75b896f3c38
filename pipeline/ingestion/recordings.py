"""From raw files to de-identified recordings, each in a FIF file of its own."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.errors import DataError
from pipeline.ingestion import alone, catalogue, found, leaving, lists
from pipeline.ingestion.archives import View, opened
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.found import Entry, Found, Selection
from pipeline.ingestion.leaving import AS_THEY_ARE, Naming
from pipeline.ingestion.lists import Missed
from pipeline.ingestion.observing import Observer
from pipeline.ingestion.reading import Inspected, Intake, Job, OnBad
from pipeline.ingestion.repeats import refuse_same_bytes, repeats
from pipeline.ingestion.resuming import bring, fif_path, refuse_changed
from pipeline.members import is_archive
from pipeline.parallel import parallel_map

TABLES = ("recordings.parquet", "files.json")


@dataclass(frozen=True)
class Ingested:
    """The results of a data set's files.

    Parameters
    ----------
    rows : list of Row
        A row for each recording, absent ones included.
    found : Found
        The recordings and the files that belong to none.
    unclaimed : Counter
        Texts that no class takes.
    problems, remedies : mapping of str to str
        Why recordings are refused, in full, and what to do then, by their names.
    seen : mapping of str to object
        What the observer's watches gave, by the recordings' names.
    survey : object
        What the observer found in the files.
    """

    rows: list[Row]
    found: Found
    unclaimed: Counter[str]
    problems: Mapping[str, str] = field(default_factory=dict)
    remedies: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)
    survey: Any = None


def ingest(
    intake: Intake,
    raw: Path,
    target: Path,
    *,
    manifest: Mapping[str, Any],
    labels: Sequence[str],
    code: str,
    on_bad: OnBad = "raise",
    naming: Naming = AS_THEY_ARE,
) -> Ingested:
    """Read, de-identify and judge every recording of a data set.

    Writes `<recording>_raw.fif` for each, `recordings.parquet` for all, and
    `files.json`, which counts the files that belong to no recording, last of all: a
    folder in which they are has the recordings that they list. A recording that was
    made of the same raw files, settings and code is kept.

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
    naming : Naming
        The names that what is written gets; what is returned has those of the files.

    Raises
    ------
    DataError
        There is no recording, one is bad (`raise`), recordings differ in their
        channels, a class never appears, or two names have one pseudonym.
    """
    intake = replace(intake, values=intake.values.with_classes(labels))
    for name in TABLES:
        (target / name).unlink(missing_ok=True)
    with _opened(raw, manifest) as view:
        job = Job(intake, view, target, on_bad, code, raw.name)
        done = _process(job, manifest, naming)
    catalogue.check(done.rows, labels, str(raw))
    rows = leaving.leaving(done.rows, naming)
    used = {row.recording for row in rows if row.status == "used"}
    files.save_table(target / "recordings.parquet", catalogue.table(rows))
    files.save_json(target / "files.json", _counts(done.found, manifest))
    wanted = {
        path.name
        for name in used
        for path in files.recording_parts(fif_path(target, name))
    }
    files.keep_only(target, wanted.union(TABLES))
    return done


def inspect(
    intake: Intake,
    raw: Path,
    manifest: Mapping[str, Any],
    labels: Sequence[str],
    observer: Observer | None = None,
) -> Ingested:
    """Read every recording and report what was found, problems included; write nothing.

    Parameters
    ----------
    intake : Intake
    raw : Path
        The data set's raw folder.
    manifest : mapping
        What the stage fetch wrote.
    labels : sequence of str
        The data set's classes.
    observer : Observer or None
        Who looks on.
    """
    intake = replace(intake, values=intake.values.with_classes(labels))
    with _opened(raw, manifest) as view:
        job = Job(intake, view, None, "skip", "", raw.name, observer=observer)
        done = _process(job, manifest)
        return replace(done, survey=observer.survey(view)) if observer else done


@contextmanager
def _opened(raw: Path, manifest: Mapping[str, Any]) -> Iterator[View]:
    """Open a data set's archives, if they are those that were fetched."""
    folder, digests = raw / manifest["root"], manifest["files"]
    refuse_changed(folder, digests, list(filter(is_archive, digests)), raw.name)
    with opened(folder, digests) as view:
        yield view


def _process(
    job: Job, manifest: Mapping[str, Any], naming: Naming = AS_THEY_ARE
) -> Ingested:
    selection = Selection(manifest["pattern"], manifest["only"], manifest["except"])
    reader = job.intake.reader
    listed = alone.with_sidecars(job, found.find(reader, job.view, selection))
    missed = lists.missed(job.view, listed, selection)
    if job.on_bad == "raise":
        _refuse_before_reading(job, listed, missed)
    listed = _with_lists(listed, missed)
    # Names are made here: the secret behind them does not leave this process.
    names = [naming.recording(each.recording) for each in listed.entries]
    named = list(
        zip(alone.jobs(job, listed.entries), listed.entries, names, strict=True)
    )
    first = [job.view.folder / each.files[0] for each in listed.entries[:1]]
    inspected = parallel_map(_ingest_one, named, what="reading recordings", reads=first)
    if "copies" not in reader.unchecked:
        inspected = _without_repeats(job, listed.entries, inspected)
    inspected += [_refused(job, entry, error) for entry, error in listed.clashes]
    missing = {**missed.absent, **manifest["absent"]}
    rows = [each.row for each in inspected]
    if job.on_bad == "skip":
        rows = catalogue.without_alike_persons(catalogue.without_unlike(rows))
    rows += _absent(missing, selection)
    if leaving.has_pseudonyms(manifest):
        sketches = {each.row.recording: each.sketch for each in inspected}
        digests = {name: s.samples for name, s in sketches.items() if s}
        rows = leaving.ordered(rows, digests)
    unclaimed = sum((each.unclaimed for each in inspected), Counter[str]())
    refused = [each for each in inspected if each.problem]
    problems = {each.row.recording: each.problem for each in refused}
    remedies = {each.row.recording: each.remedy for each in refused}
    seen = {each.row.recording: each.seen for each in inspected if each.seen}
    return Ingested(rows, listed, unclaimed, problems, remedies, seen)


def _refuse_before_reading(job: Job, listed: Found, missed: Missed) -> None:
    """Refuse what names, digests and lists alone make impossible."""
    for error in missed.faults.values():
        raise error
    for _, error in listed.clashes:
        raise error
    if "copies" not in job.intake.reader.unchecked:
        refuse_same_bytes(listed.entries, job.view)


def _with_lists(listed: Found, missed: Missed) -> Found:
    """Explain, for lists that list nothing, why they do not."""
    reasons = {
        **{name: f"cannot be read: {e.found}" for name, e in missed.faults.items()},
        **missed.others,
    }
    left_out = {n: reasons.get(n, why) for n, why in listed.left_out.items()}
    return replace(listed, left_out=left_out)


def _without_repeats(
    job: Job, entries: Sequence[Entry], inspected: list[Inspected]
) -> list[Inspected]:
    """Refuse recordings whose signal another one holds."""
    kept = list(inspected)
    for repeat in repeats(entries, inspected, job.view):
        if job.on_bad == "raise":
            raise repeat.error
        old = inspected[repeat.place]
        row = replace(old.row, status="refused", reason=repeat.reason)
        problem = f"{repeat.error.where}: {repeat.reason}"
        kept[repeat.place] = replace(
            old, row=row, problem=problem, remedy=repeat.error.remedy
        )
    return kept


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
        "used": len({name for entry in listed.entries for name in entry.files}),
        "left_out": dict(sorted(reasons.items())),
        "absent": dict(sorted(Counter(manifest["absent"].values()).items())),
    }


def _ingest_one(named: tuple[Job, Entry, str]) -> Inspected:
    """Bring one recording, or its row alone if its file is there already."""
    job, entry, name = named
    try:
        return bring(job, entry, name)
    except DataError as error:
        if job.on_bad == "raise":
            raise
        return _refused(job, entry, error)


def _refused(job: Job, entry: Entry, error: DataError) -> Inspected:
    row = catalogue.named(entry, _probable_person(job, entry))
    row = replace(row, status="refused", reason=_without_content(error.found))
    problem = f"{error.where}: {error.found}"
    return Inspected(row, problem=problem, remedy=error.remedy)


def _without_content(found: str) -> str:
    """Cut a message before what it may quote from a file, which may name people."""
    return re.split(r": | \(", found, maxsplit=1)[0]


def _probable_person(job: Job, entry: Entry) -> str:
    """Name the person of a recording that could not be read, by its file's name."""
    person = job.intake.values.person
    text = entry.fields.get(person.key, "") if person.place == "field" else ""
    return person.name(text)
