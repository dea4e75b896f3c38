"""A recording alone: its files and sidecars, of all those of a data set."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from pipeline.errors import DataError
from pipeline.ingestion.archives import View
from pipeline.ingestion.found import Entry, Found
from pipeline.ingestion.reading import Job
from pipeline.ingestion.sidecar_paths import Ends, by_end, fitting


def with_sidecars(job: Job, listed: Found) -> Found:
    """Add to each recording the sidecars that its values stand in.

    Parameters
    ----------
    job : Job
    listed : Found
    """
    ends = by_end(sorted(job.view.digests))
    entries = []
    for entry in listed.entries:
        # A sidecar that is not there is the fault of one recording, when it is read.
        found = _sidecars(job, entry, ends)
        own = dict.fromkeys(each[0] for each in found if len(each) == 1)
        entries.append(replace(entry, files=(*entry.files, *own)))
    used = {name for entry in entries for name in entry.files}
    left_out = {n: why for n, why in listed.left_out.items() if n not in used}
    return replace(
        listed, entries=tuple(entries), left_out=left_out | dict(job.view.left_out)
    )


def _sidecars(job: Job, entry: Entry, ends: Ends) -> list[list[str]]:
    """List, for each value that stands in a sidecar, the files that may be it."""
    found = []
    for value in job.intake.values.each:
        if value.place == "sidecar":
            with suppress(DataError):
                found.append(fitting(value, entry, ends))
    return found


def jobs(job: Job, entries: Sequence[Entry]) -> list[Job]:
    """Give the job for each recording alone.

    Parameters
    ----------
    job : Job
    entries : sequence of Entry
    """
    ends = by_end(sorted(job.view.digests))
    return [_alone(job, entry, ends) for entry in entries]


def _alone(job: Job, entry: Entry, ends: Ends) -> Job:
    """Give the job for one recording, which knows no files but those that may be its.

    It goes to another process, where 100,000 names for each of as many recordings
    would take hours.
    """
    names = [*entry.files, *(n for each in _sidecars(job, entry, ends) for n in each)]
    digests = {n: job.view.digests[n] for n in names if n in job.view.digests}
    return replace(job, view=View(job.view.folder, digests))
