"""Resuming: the recordings that are read anew, and those kept of an interrupted run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import files, unfinished
from pipeline.errors import DataError
from pipeline.ingestion import catalogue, reading
from pipeline.ingestion.copies import Sketch
from pipeline.ingestion.found import Entry
from pipeline.ingestion.reading import Inspected, Job


def bring(job: Job, entry: Entry, name: str) -> Inspected:
    """Read a recording and write it, or describe it if it is there already.

    Parameters
    ----------
    job : Job
    entry : Entry
    name : str
        What its file is called.

    Raises
    ------
    DataError
        The recording cannot be used, or has changed since it was fetched.
    """
    with reading.guarded(f"recording {entry.recording}", job.dataset):
        refuse_changed(job.view.folder, job.view.digests, entry.files, job.dataset)
    if job.target is None:
        return reading.read(job, entry, None)
    fif = fif_path(job.target, name)
    note = job.target / unfinished.NOTES / f"{name}.json"
    inputs = _inputs(job, entry)
    if all(unfinished.is_made_of(part, inputs) for part in files.recording_parts(fif)):
        return _from_note(files.load_json(note))
    inspected = reading.read(job, entry, fif)
    if inspected.row.status == "used":
        files.save_json(note, _note(inspected))
        for part in files.recording_parts(fif):
            unfinished.note_inputs(part, inputs)
    return inspected


def fif_path(target: Path, recording: str) -> Path:
    """Name a recording's file."""
    return target / f"{recording}_raw.fif"


def refuse_changed(
    folder: Path, digests: Mapping[str, str], names: Sequence[str], dataset: str
) -> None:
    """Refuse files that are no longer what `fetch` found.

    Parameters
    ----------
    folder : Path
    digests : mapping of str to str
        SHA-256 of the files by their path in the folder.
    names : sequence of str
        The files that are looked at; those that are not there are left to who reads.
    dataset : str
        The data set's name.

    Raises
    ------
    DataError
        A file has another digest.
    """
    for name in names:
        path, fetched = folder / name, digests.get(name)
        if fetched and path.is_file() and files.file_digest(path) != fetched:
            raise DataError(
                name,
                "has changed since it was fetched",
                expected="the bytes that the manifest lists",
                remedy=f"run `dvc repro ingest@{dataset}`, which fetches again what "
                "has changed",
            )


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


def _note(inspected: Inspected) -> dict[str, Any]:
    """Note what a later run needs to know of a recording that was written."""
    sketch = None if inspected.sketch is None else asdict(inspected.sketch)
    return {"row": catalogue.to_json(inspected.row), "sketch": sketch}


def _from_note(note: Mapping[str, Any]) -> Inspected:
    written = note["sketch"]
    sketch = written and Sketch(
        tuple(written["layout"]),
        tuple(written["values"]),
        written["digest"],
        written["samples"],
    )
    return Inspected(catalogue.from_json(note["row"]), sketch=sketch)
