"""Lists of a data set in itself: PhysioNet's RECORDS and BIDS's participants.tsv.

What they list and nobody delivered is absent, not forgotten.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pandas as pd

from pipeline.ingestion.archives import View
from pipeline.ingestion.found import Found, Selection, recording_of
from pipeline.patterns import unwanted

RECORDS, PARTICIPANTS = "RECORDS", "participants.tsv"


def absent(view: View, found: Found, selection: Selection) -> Mapping[str, str]:
    """Say which recordings and persons are listed and not there.

    Parameters
    ----------
    view : View
    found : Found
        What is there.
    selection : Selection
        What `only` and `except` leave out is not missed.

    Returns
    -------
    absent : mapping of str to str
        The reason by the path of a main file, or by `PERSON/` for one without any.
    """
    lists = sorted(view.digests, key=len)
    records = [name for name in lists if PurePosixPath(name).name == RECORDS]
    people = [name for name in lists if PurePosixPath(name).name == PARTICIPANTS]
    missing = dict.fromkeys(
        (path for name in records for path in _records(view, name, selection)),
        f"{RECORDS} lists it, and it is not there",
    )
    for name in people:
        for person in _persons(view.folder / name):
            wanted = not unwanted(f"{person}/", selection.only, selection.excluded)
            if wanted and not _is_there(person, view, found):
                reason = f"{PARTICIPANTS} lists the person, and no recording is there"
                missing[f"{person}/"] = reason
    return missing


def _records(view: View, name: str, selection: Selection) -> Iterator[str]:
    """List the main files of records that are not there."""
    folder = PurePosixPath(name).parent
    text = (view.folder / name).read_text(encoding="utf-8", errors="replace")
    for line in filter(None, map(str.strip, text.splitlines())):
        for path in (str(folder / f"{line}.hea"), str(folder / line)):
            wanted = not unwanted(path, selection.only, selection.excluded)
            if path not in view.digests and wanted and recording_of(path, selection):
                yield path


def _persons(path: Path) -> list[str]:
    """List the persons of a table whose first column is `participant_id`."""
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, encoding_errors="replace")
    except (ValueError, pd.errors.ParserError):
        return []
    if table.empty or table.columns[0].strip() != "participant_id":
        return []
    return [str(each).strip() for each in table.iloc[:, 0].dropna()]


def _is_there(person: str, view: View, found: Found) -> bool:
    """Whether a person has a recording, or at least a folder of files."""
    plain = person.removeprefix("sub-")
    subjects = {entry.subject.removeprefix("sub-") for entry in found.entries}
    return plain in subjects or any(
        person in PurePosixPath(name).parts for name in view.digests
    )
