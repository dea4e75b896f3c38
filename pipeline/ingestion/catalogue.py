"""The table of a data set's recordings: a description of each, and its status."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import quality
from pipeline.errors import DataError
from pipeline.files import dump_json
from pipeline.ingestion.codes import person_key
from pipeline.ingestion.found import Entry
from pipeline.ingestion.labelling import Labels
from pipeline.quality import Measured
from pipeline.readers.base import Content

NAN = float("nan")
DIFFER = "differ in case, blanks, zeros or the form of Unicode only"
SPECIFIC = re.compile(r"'[^']*'|\S*\d\S*")
"""What ties a reason to one recording: quoted names, and words with digits."""


@dataclass(frozen=True)
class Row:
    """A line of `recordings.parquet`.

    Parameters
    ----------
    recording, subject, session, run : str
    status : str
        used, unlabelled, refused or absent.
    reason : str
        Why it is not used.
    sfreq, duration_s : float
        Hz and seconds, pauses left out.
    n_channels : int
    channels, channel_types, units : str
        JSON lists.
    segments : str
        JSON list of [first sample, its time on the recording's own clock in seconds].
    flat_share, clipped_share, nan_share, line_noise_share : float
        Of the worst channel; NaN where not measured.
    annotations : str
        JSON object: label to count.
    unlabelled : int
        Annotations left out.
    left_out : str
        JSON object: why annotations are left out, with counts.
    remarks : str
        JSON list: what was left out or mended in reading.
    numbers : str
        JSON object: the numbers that the data set asks for, such as an age.
    order : str
        Under pseudonyms, what order and draws go by instead of the name: see
        `pipeline.ingestion.leaving`. The table has the column under pseudonyms alone.
    """

    recording: str
    subject: str
    session: str = ""
    run: str = ""
    status: str = "used"
    reason: str = ""
    sfreq: float = NAN
    duration_s: float = NAN
    n_channels: int = 0
    channels: str = "[]"
    channel_types: str = "[]"
    units: str = "[]"
    segments: str = "[[0, 0.0]]"
    flat_share: float = NAN
    clipped_share: float = NAN
    nan_share: float = NAN
    line_noise_share: float = NAN
    annotations: str = "{}"
    unlabelled: int = 0
    left_out: str = "{}"
    remarks: str = "[]"
    numbers: str = "{}"
    order: str = ""


def named(entry: Entry, subject: str | None = None) -> Row:
    """Make the row of a recording of which no more is known."""
    person = entry.subject if subject is None else subject
    return Row(entry.recording, person, entry.session, entry.run)


def described(
    content: Content, measured: Measured, labels: Labels, numbers: Mapping[str, float]
) -> dict[str, Any]:
    """Describe a recording's samples and labels as `Row` holds them."""
    return {
        "sfreq": content.sfreq,
        "duration_s": content.n_samples / content.sfreq,
        "n_channels": len(content.channels),
        "channels": dump_json(content.channels),
        "channel_types": dump_json(content.types),
        "units": dump_json(["1" if t == "stim" else "V" for t in content.types]),
        "segments": dump_json([[s.start, s.onset_s] for s in content.segments]),
        "flat_share": quality.worst(measured.flat_share),
        "clipped_share": quality.worst(measured.clipped_share),
        "nan_share": quality.worst(measured.nan_share),
        "line_noise_share": quality.worst(measured.line_noise_share),
        "annotations": dump_json(Counter(labels.classes)),
        "unlabelled": labels.left_out.total(),
        "left_out": dump_json(labels.left_out),
        "remarks": dump_json([*content.remarks, *content.counted()]),
        "numbers": dump_json(dict(numbers)),
    }


def check(rows: list[Row], labels: Sequence[str], where: str) -> None:
    """Refuse a data set that cannot be one."""
    present = [row for row in rows if row.status != "absent"]
    used = [row for row in present if row.status == "used"]
    if not used:
        raise DataError(
            where,
            f"none of {len(present)} recordings can be used"
            + "".join(
                f"; {len(group)} {group[0].status}, such as {group[0].recording}: "
                f"{group[0].reason}"
                for group in alike(present)
            ),
            remedy="correct the data set's reader or values in params.yaml; "
            f"`biospike check {Path(where).name}` reports more",
        )
    _check_channels(used, where)
    _check_persons(used, where)
    counts = Counter[str]()
    for row in used:
        counts.update(json.loads(row.annotations))
    for label in labels:
        if not counts[label]:
            found = ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))
            raise DataError(
                where,
                f"no annotation has the label '{label}'",
                expected=f"one of those found: {found or 'none at all'}",
                remedy="correct the data set's labels or values in params.yaml; "
                f"`biospike check {Path(where).name}` shows the texts that no class "
                "takes",
            )


def _check_persons(used: list[Row], where: str) -> None:
    """Refuse persons whose names are alike."""
    for one, other in _alike_persons(used):
        raise DataError(
            where,
            f"persons '{one}' and '{other}' {DIFFER}",
            expected="one name for each person",
            remedy="write in values, as `person: {map: {...}}`, who is who",
        )


def _alike_persons(used: list[Row]) -> list[tuple[str, str]]:
    """List pairs of names that may be one person's, in the order of the rows."""
    seen: dict[str, str] = {}
    names = dict.fromkeys(row.subject for row in used)
    firsts = ((seen.setdefault(person_key(name), name), name) for name in names)
    return [(first, name) for first, name in firsts if first != name]


def alike(rows: Iterable[Row]) -> list[list[Row]]:
    """Group recordings that are not used by why, the commonest reason first.

    Reasons that differ in numbers and names alone are one.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.status in ("refused", "unlabelled"):
            kind = SPECIFIC.sub("", row.reason)
            groups.setdefault((row.status, kind), []).append(row)
    return sorted(groups.values(), key=len, reverse=True)


def without_alike_persons(rows: list[Row]) -> list[Row]:
    """Refuse the recordings of persons whose names are alike: who is who is unknown."""
    used = [row for row in rows if row.status == "used"]
    reasons = {
        name: f"persons '{one}' and '{other}' {DIFFER}"
        for one, other in _alike_persons(used)
        for name in (one, other)
    }
    return [
        replace(row, status="refused", reason=reasons[row.subject])
        if row.status == "used" and row.subject in reasons
        else row
        for row in rows
    ]


def without_unlike(rows: list[Row]) -> list[Row]:
    """Refuse the recordings whose channels are not those of most."""
    counts = Counter(_channels(row) for row in rows if row.status == "used")
    if len(counts) < 2:
        return rows
    common = counts.most_common(1)[0][0]
    unlike = "its channels are not those of most recordings"
    reason = f"{counts[common]} others have the channels {common}"
    return [
        replace(row, status="refused", reason=f"{unlike}: {_channels(row)}; {reason}")
        if row.status == "used" and _channels(row) != common
        else row
        for row in rows
    ]


def _channels(row: Row) -> str:
    """Write a recording's channels and their types, one type once."""
    types = json.loads(row.channel_types)
    shown = types if len(set(types)) > 1 else types[:1]
    return f"{row.channels} ({', '.join(shown)})" if shown else row.channels


def _check_channels(used: list[Row], where: str) -> None:
    counts = Counter(map(_channels, used))
    common = counts.most_common(1)[0][0]
    for row in used:
        if _channels(row) != common:
            raise DataError(
                where,
                f"{row.recording} has the channels {_channels(row)}",
                expected=f"{common}, as in {counts[common]} recordings",
                remedy="name the reader's channels in params.yaml, or leave such "
                "recordings out with on_bad_recording: skip",
            )


def to_json(row: Row) -> dict[str, Any]:
    """Give a row as JSON can hold it: null for a number that was not measured."""
    return {k: None if v != v else v for k, v in asdict(row).items()}


def from_json(values: Mapping[str, Any]) -> Row:
    """Make a row of what `to_json` gave."""
    complete: dict[str, Any] = {k: NAN if v is None else v for k, v in values.items()}
    return Row(**complete)


def table(rows: list[Row]) -> pd.DataFrame:
    """Make the table of all rows."""
    names = [f.name for f in fields(Row)]
    if not any(row.order for row in rows):
        names.remove("order")
    return pd.DataFrame(map(asdict, rows), columns=names)
