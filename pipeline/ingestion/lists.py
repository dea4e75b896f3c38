"""Lists inside a data set: PhysioNet's RECORDS and BIDS's participants.tsv.

What they list and nobody delivered is absent, not forgotten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import DataError
from pipeline.ingestion.archives import View
from pipeline.ingestion.found import Found, Selection, recording_of
from pipeline.ingestion.sidecars import read_table
from pipeline.patterns import unwanted

RECORDS, PARTICIPANTS = "RECORDS", "participants.tsv"


NO_NAMES = frozenset("<>{}\0")
"""Characters of pages and binary files that no name of a record holds."""


@dataclass(frozen=True)
class Missed:
    """The entries of a data set's lists that have no file.

    Parameters
    ----------
    absent : mapping of str to str
        The reason by the path of a main file, or by `PERSON/` for one without any.
    faults : mapping of str to DataError
        Lists that cannot be read: what they miss is not known.
    others : mapping of str to str
        Tables that are called like a list and are none, and why.
    """

    absent: Mapping[str, str]
    faults: Mapping[str, DataError]
    others: Mapping[str, str]


def missed(view: View, found: Found, selection: Selection) -> Missed:
    """Find which recordings and persons are listed and not there.

    Parameters
    ----------
    view : View
    found : Found
        What is there.
    selection : Selection
        What `only` and `except` leave out is not missed.
    """
    absent: dict[str, str] = {}
    faults: dict[str, DataError] = {}
    others: dict[str, str] = {}
    for name in sorted(view.digests, key=len):
        kind = PurePosixPath(name).name
        try:
            if kind == RECORDS:
                reason = f"{RECORDS} lists it, and it is not there"
                absent |= dict.fromkeys(_records(view, name, selection), reason)
            elif kind == PARTICIPANTS:
                reason = f"{PARTICIPANTS} lists the person, and no recording is there"
                persons, others[name] = _persons(view.folder / name, name)
                absent |= {
                    f"{person}/": reason
                    for person in persons
                    if not unwanted(f"{person}/", selection.only, selection.excluded)
                    and not _is_there(person, view, found)
                }
        except DataError as error:
            faults[name] = error
    return Missed(absent, faults, {name: why for name, why in others.items() if why})


def _records(view: View, name: str, selection: Selection) -> Iterator[str]:
    """List the main files of records that are not there."""
    folder = PurePosixPath(name).parent
    for line in _lines(view.folder / name, name):
        for path in (str(folder / f"{line}.hea"), str(folder / line)):
            wanted = not unwanted(path, selection.only, selection.excluded)
            if path not in view.digests and wanted and recording_of(path, selection):
                yield path


def _lines(path: Path, name: str) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, f"cannot be read ({error})") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if odd := [line for line in lines if NO_NAMES & set(line)]:
        raise _unreadable(name, f"is no list of records: '{odd[0][:40]}'")
    return lines


def _persons(path: Path, name: str) -> tuple[list[str], str]:
    """List the persons of a table; or explain why it is no list of persons."""
    try:
        table = read_table(path, name)
    except OSError as error:
        raise _unreadable(name, f"cannot be read ({error})") from error
    except DataError as error:
        raise _unreadable(name, error.found) from error
    first = str(table.iloc[0, 0]).strip()
    if first != "participant_id":
        return [], f"lists no persons: its first column is '{first[:40]}'"
    return [person for each in table.iloc[1:, 0] if (person := each.strip())], ""


def _unreadable(name: str, found: str) -> DataError:
    return DataError(
        name,
        found,
        expected="text that lists what belongs to the data set",
        remedy="correct the file, or leave it out by the source's `except`",
    )


def _is_there(person: str, view: View, found: Found) -> bool:
    """Whether a person has a recording, or at least a folder of files."""
    plain = person.removeprefix("sub-")
    subjects = {entry.subject.removeprefix("sub-") for entry in found.entries}
    return plain in subjects or any(
        person in PurePosixPath(name).parts for name in view.digests
    )
