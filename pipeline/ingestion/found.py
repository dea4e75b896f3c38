"""The recordings of a data set, with their names and files.

Every file is part of a recording, stands beside them (sidecars), or is left out for a
reason. A recording is named after the fields of the pattern that its main file fits, in
the pattern's order: `{subject}/{run}.edf` makes `P1_2`.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pipeline.errors import DataError
from pipeline.ingestion.archives import View
from pipeline.names import is_device
from pipeline.patterns import fit, normal, unwanted
from pipeline.readers.base import Reader

DESCRIBING = frozenset(
    [
        "ANNOTATORS",
        "CHANGES",
        "LICENSE",
        "LICENSE.txt",
        "README",
        "README.md",
        "README.txt",
        "RECORDS",
        "SHA256SUMS.txt",
        "dataset_description.json",
        "participants.json",
        "participants.tsv",
    ]
)
"""Files that describe a data set and are no part of a recording."""
LONGEST_BYTES = 180
"""Longest name of a recording: its files add endings, and 255 is the limit."""
UNSAFE = re.compile(r"[^\w.+-]+")
"""Characters that our file names do not hold."""


@dataclass(frozen=True)
class Entry:
    """One recording, before its samples are read.

    Parameters
    ----------
    recording : str
        Its name, unique in the data set, fit for a file name.
    fields : mapping of str to str
        What the fields of the pattern stand for.
    files : tuple of str
        The main file, then its companions.
    """

    recording: str
    fields: Mapping[str, str]
    files: tuple[str, ...]

    @property
    def subject(self) -> str:
        """The field `subject`; "" without it."""
        return self.fields.get("subject", "")

    @property
    def session(self) -> str:
        """The field `session`; "" without it."""
        return self.fields.get("session", "")

    @property
    def run(self) -> str:
        """The field `run`; "" without it."""
        return self.fields.get("run", "")


@dataclass(frozen=True)
class Selection:
    """The files of a source, selected.

    Parameters
    ----------
    pattern : sequence of str
        Of main files; the first that fits counts.
    only, excluded : sequence of str
        Shell patterns.
    """

    pattern: Sequence[str]
    only: Sequence[str] = ()
    excluded: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """The recordings of a data set, and the files that belong to none.

    Parameters
    ----------
    entries : tuple of Entry
        In the order of their names.
    left_out : mapping of str to str
        Why a file is not used, by its path.
    clashes : tuple of Entry and DataError
        Recordings that are not read, for others have their names, and the message.
    """

    entries: tuple[Entry, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    clashes: tuple[tuple[Entry, DataError], ...] = ()

    def reasons(self) -> dict[str, int]:
        """Count the files by why they are left out, without their names."""
        short = (reason.partition(":")[0] for reason in self.left_out.values())
        return dict(sorted(Counter(short).items()))


def find(reader: Reader, view: View, selection: Selection) -> Found:
    """Find the recordings among a data set's files.

    Raises
    ------
    DataError
        No file fits the pattern.
    """
    names = sorted(view.digests)
    problems = {n: unwanted(n, selection.only, selection.excluded) for n in names}
    wanted = [name for name in names if not problems[name]]
    fits = {name: fit(selection.pattern, name) for name in wanted}
    problems |= {name: each.problem for name, each in fits.items()}
    mains = [name for name in wanted if not problems[name]]
    if not mains:
        raise _nothing(problems, selection)
    among = dict.fromkeys(wanted)  # readers ask whether a file is there
    parts = {name: _companions(reader, view, name, among) for name in mains}
    claimed = {other for others in parts.values() for other in others}
    entries = [
        Entry(
            _name(name, fits[name].fields),
            dict(fits[name].fields),
            (name, *parts[name]),
        )
        for name in mains
        if name not in claimed
    ]
    clashes = dict(_clashes(entries, view))
    used = claimed.union(mains)
    left_out = {
        name: "describes the data set"
        if PurePosixPath(name).name in DESCRIBING
        else problems[name]
        for name in names
        if name not in used
    }
    in_order = sorted(entries, key=lambda entry: (entry.recording, entry.files))
    kept = tuple(entry for entry in in_order if entry.files not in clashes)
    apart = [(e, clashes[e.files]) for e in in_order if e.files in clashes]
    return Found(kept, left_out, tuple(apart))


def _companions(
    reader: Reader, view: View, name: str, wanted: Collection[str]
) -> tuple[str, ...]:
    """List a recording's other files; none if the main one cannot be read for them.

    Reading the recording then reports why not.
    """
    try:
        return reader.companions(view.folder, name, wanted)
    except MemoryError:
        raise
    except Exception:
        return ()


def recording_of(path: str, selection: Selection) -> Entry | None:
    """Make the entry of a file that is not there; None if it is no main file."""
    found = fit(selection.pattern, path)
    if found.problem:
        return None
    return Entry(_name(path, found.fields), dict(found.fields), (path,))


def _name(path: str, fields: Mapping[str, str]) -> str:
    """Name a recording after its fields, or after its file where there are none."""
    parts = [part for part in fields.values() if part] or [PurePosixPath(path).stem]
    name = UNSAFE.sub("-", normal("_".join(parts))).strip(".-") or "recording"
    if len(name.encode()) > LONGEST_BYTES:
        raise DataError(
            path,
            f"makes a recording's name of {len(name.encode())} bytes",
            expected=f"at most {LONGEST_BYTES}: files are named after it",
            remedy="let the fields of the source's pattern hold less, with * between",
        )
    return f"{name}_" if is_device(name) else name


def _nothing(problems: Mapping[str, str], selection: Selection) -> DataError:
    if not problems:
        return DataError(
            "raw files",
            "there are none",
            expected="files that fit " + " or ".join(selection.pattern),
            remedy="correct the data set's source in params.yaml",
        )
    example, problem = min(problems.items())
    return DataError(
        "raw files",
        f"none of {len(problems)} paths fits the pattern; {example}: {problem}",
        expected=" or ".join(selection.pattern),
        remedy="correct the source's pattern (and only, except) in params.yaml",
    )


def _clashes(
    entries: Sequence[Entry], view: View
) -> Iterator[tuple[tuple[str, ...], DataError]]:
    """Find recordings whose names are equal, but for upper and lower case.

    Which of them a name means is not known, unless they are the same bytes: then the
    first is kept.
    """
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        by_name.setdefault(entry.recording.casefold(), []).append(entry)
    for alike in by_name.values():
        contents = {tuple(view.digests[name] for name in each.files) for each in alike}
        for entry in alike[1:] if len(contents) == 1 else alike:
            other = next(each for each in alike if each is not entry)
            yield entry.files, _clash(other, entry)


def _clash(other: Entry, entry: Entry) -> DataError:
    same = other.recording == entry.recording
    return DataError(
        " and ".join(sorted([other.files[0], entry.files[0]])),
        f"both are recording '{entry.recording}'"
        + ("" if same else f", but for case: '{other.recording}'"),
        expected="a name of its own for each recording",
        remedy="give the source's pattern a field for what differs, or leave one out "
        "by `except`",
    )
