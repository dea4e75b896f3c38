"""What leaves ingest of persons and recordings: the only place where names end.

Under pseudonyms, a person is `P-…` and a recording `R-…` (`pipeline.secret`); sessions
and runs are numbers, which drops dates; of messages the words that are ours remain.

Order and draws depend on a digest of the samples, never on a name or a pseudonym, so
that machines with other secrets get equal results. A recording's `order` is

    first 16 digits of SHA-256(digests of the person's recordings, sorted) + its place

where the place is that of its name among the person's.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import DataError
from pipeline.files import dump_json
from pipeline.ingestion.catalogue import Row
from pipeline.secret import VARIABLE, Kind, Secret

CONTENT = re.compile(r": | \(|, |(?:^|[\s\[])['\"]|\b(?:for|as) recording (?!R-)")
"""Where a message begins to quote what a file or a name holds."""


@dataclass(frozen=True)
class Naming:
    """The names that files get.

    Parameters
    ----------
    secret : Secret or None
        None: everything keeps its name.
    """

    secret: Secret | None = None

    def recording(self, name: str) -> str:
        """Give the name of a recording outside of the raw files; "" stays."""
        return self._named("R", name)

    def person(self, name: str) -> str:
        """Give the name of a person outside of the raw files; nobody stays nobody."""
        return self._named("P", name)

    def _named(self, kind: Kind, name: str) -> str:
        return self.secret.pseudonym(kind, name) if self.secret and name else name


AS_THEY_ARE = Naming()


def has_pseudonyms(manifest: Mapping[str, Any]) -> bool:
    """Whether a data set's names end at ingest, by what the stage fetch wrote."""
    return bool(manifest.get("pseudonyms", False))


def source(settings: Mapping[str, Any], naming: Naming) -> dict[str, Any]:
    """Keep of a source's settings what names nobody: paths, patterns and lists may."""
    if naming.secret is None:
        return {key: value for key, value in settings.items() if key != "path"}
    return {"name": settings["name"], "pseudonyms": True}


def ordered(rows: Iterable[Row], digests: Mapping[str, str]) -> list[Row]:
    """Give the recordings in use their order, and their sessions and runs numbers.

    Parameters
    ----------
    rows : iterable of Row
    digests : mapping of str to str
        SHA-256 of each recording's samples, by its name.

    Returns
    -------
    rows : list of Row
        Those in use first, in their order.
    """
    others = []
    by_person: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.status == "used":
            by_person[row.subject or f"\0{row.recording}"].append(row)
        else:
            others.append(replace(row, session="", run=""))
    by_digest: defaultdict[str, list[Row]] = defaultdict(list)
    for _, own in sorted(by_person.items()):
        held = "".join(sorted(digests[row.recording] for row in own))
        digest = hashlib.sha256(held.encode()).hexdigest()[:16]
        by_digest[digest] += _numbered(sorted(own, key=lambda row: row.recording))
    used = [
        replace(row, order=f"{digest}-{place:06}")
        for digest, own in sorted(by_digest.items())
        for place, row in enumerate(own)
    ]
    return used + others


def _numbered(own: Sequence[Row]) -> list[Row]:
    """Give numbers to a person's sessions, and to the runs of each, by their names."""
    sessions = sorted({row.session for row in own} - {""})
    runs = {
        session: sorted({row.run for row in own if row.session == session} - {""})
        for session in {row.session for row in own}
    }
    return [
        replace(
            row,
            session=_number(sessions, row.session),
            run=_number(runs[row.session], row.run),
        )
        for row in own
    ]


def _number(names: Sequence[str], name: str) -> str:
    return f"{names.index(name) + 1:02}" if name else ""


def leaving(rows: Sequence[Row], naming: Naming) -> list[Row]:
    """Give rows the names that may leave; those in use keep their order.

    Raises
    ------
    DataError
        Two persons, or two recordings, have one pseudonym.
    """
    if naming.secret is None:
        return list(rows)
    _refuse_shared(naming, rows)
    known = {row.recording: naming.recording(row.recording) for row in rows}
    left = [
        replace(
            row,
            recording=known[row.recording],
            subject=naming.person(row.subject),
            reason=_reason(row, known),
            remarks=dump_json([own_words(each) for each in json.loads(row.remarks)]),
        )
        for row in rows
    ]
    used = [row for row in left if row.status == "used"]
    others = [row for row in left if row.status != "used"]
    return used + sorted(others, key=lambda row: (row.status, row.recording))


def _reason(row: Row, known: Mapping[str, str]) -> str:
    """Write why a recording is not used; other reasons than refusals quote nothing."""
    if row.status != "refused":
        return row.reason

    def named(found: re.Match[str]) -> str:
        """Let a pseudonym stand for the recording that a reason names."""
        return f"recording {known.get(found[1], found[1])}"

    return own_words(re.sub(r"\brecording ([\w.+-]*[\w+-])", named, row.reason))


def own_words(text: str) -> str:
    """Cut a message where it begins to quote a file, which may name people."""
    kept = CONTENT.split(text, maxsplit=1)[0].strip()
    return kept or "refused; `biospike check` shows why"


def names_by_pseudonym(rows: Iterable[Row], naming: Naming) -> dict[str, str]:
    """List the names of persons and recordings, for this machine's terminals."""
    found: dict[str, str] = {}
    for row in rows:
        found[naming.person(row.subject)] = row.subject
        found[naming.recording(row.recording)] = row.recording
    return {pseudonym: name for pseudonym, name in found.items() if pseudonym}


def _refuse_shared(naming: Naming, rows: Sequence[Row]) -> None:
    """Refuse names that have one pseudonym: two persons would be one."""
    owners: dict[str, str] = {}
    for row in rows:
        for given, name in (
            (naming.person(row.subject), row.subject),
            (naming.recording(row.recording), row.recording),
        ):
            if owners.setdefault(given, name) != name:
                raise DataError(
                    "pseudonyms",
                    f"'{owners[given]}' and '{name}' are both {given}",
                    expected="a pseudonym of its own for each",
                    remedy=f"set {VARIABLE} to a new file, which gets another secret",
                )
