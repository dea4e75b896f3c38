"""Findings about files and recordings: what was refused, left out or remarked."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal

from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.recordings import Ingested
from pipeline.inspection.findings import Finding, Severity, count, named
from pipeline.readers.base import LEAVE_OUT

CHOSEN = ("describes the data set", "is not in `only`", "is in `except`")
"""Reasons that a user gave, or that need no word."""
OUTSIDE = "lies outside the signal"
MUCH_OUTSIDE = 0.05
"""Share of the labels outside the signal, from which the clocks disagree."""


def of_recordings(
    done: Ingested, manifest: Mapping[str, Any], on_bad: Literal["raise", "skip"]
) -> list[Finding]:
    """Report what the intake found.

    Parameters
    ----------
    done : Ingested
    manifest : mapping
        What the stage fetch wrote.
    on_bad : str
        What ingest does with a recording that it refuses.
    """
    return [
        *_refused(done, on_bad),
        *_without_label(done.rows),
        *_absent(done.rows),
        *_labels_left_out(done),
        *_remarks(done.rows),
        *_files({**manifest["left_out"], **done.found.left_out}),
        *_identifying(done),
    ]


def _refused(done: Ingested, on_bad: str) -> Iterator[Finding]:
    """Group the refused recordings by reason."""
    groups: dict[str, list[Row]] = {}
    for row in done.rows:
        if row.status == "refused":
            groups.setdefault(_without_numbers(row.reason), []).append(row)
    for rows in groups.values():
        first = rows[0]
        remedy = done.remedies.get(first.recording, "")
        if on_bad == "raise" and LEAVE_OUT not in remedy:
            or_skip = "on_bad_recording: skip leaves such recordings out"
            remedy = f"{remedy}; {or_skip}" if remedy else or_skip
        problem = done.problems.get(first.recording, first.reason)
        if len(rows) > 1:
            problem = f"{problem} (so {first.recording}, and the others are like it)"
        yield Finding(
            "error" if on_bad == "raise" else "warning",
            "Refused recording",
            problem,
            tuple(row.recording for row in rows),
            remedy,
        )


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+(?:[.,]\d+)*", "…", text)


def _without_label(rows: list[Row]) -> Iterator[Finding]:
    found = [row for row in rows if row.status == "unlabelled"]
    if found:
        yield Finding(
            "warning",
            "Recording without a label",
            found[0].reason,
            tuple(row.recording for row in found),
            "correct the label in `values`, or leave such recordings out by the "
            "source's except",
        )


def _absent(rows: list[Row]) -> Iterator[Finding]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.status == "absent":
            groups.setdefault(row.reason, []).append(row)
    for reason, absent in groups.items():
        names = tuple(row.recording or row.subject for row in absent)
        yield Finding("note", "Absent recording", reason, names)


def _labels_left_out(done: Ingested) -> Iterator[Finding]:
    """Count the marks that are no labels, by reason."""
    reasons: dict[str, Counter[str]] = {}
    n_labels = 0
    for row in done.rows:
        n_labels += sum(json.loads(row.annotations).values())
        for reason, number in json.loads(row.left_out).items():
            reasons.setdefault(reason, Counter())[row.recording] += number
    for reason, by_recording in reasons.items():
        total = by_recording.total()
        much = reason == OUTSIDE and total > MUCH_OUTSIDE * (n_labels + total)
        severity: Severity = "warning" if much else "note"
        what = f"{count(total, 'mark')}: {reason}"
        if reason == "no class takes it" and done.unclaimed:
            texts = [f"'{text}' {n}" for text, n in done.unclaimed.most_common()]
            what += f" ({named(texts)})"
        yield Finding(
            severity,
            "Marks left out",
            what,
            tuple(by_recording),
            "compare the clocks of signal and marks" if much else "",
        )


def _remarks(rows: list[Row]) -> Iterator[Finding]:
    """Group what readers left out or mended."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        for remark in json.loads(row.remarks):
            group = groups.setdefault(_without_numbers(remark), [])
            group.append((row.recording, remark))
    for remarks in groups.values():
        names = tuple(dict.fromkeys(name for name, _ in remarks))
        yield Finding("note", "Remark of the reader", remarks[0][1], names)


def _files(left_out: Mapping[str, str]) -> Iterator[Finding]:
    """Group the files that are not used, but for those that need no word."""
    groups: dict[str, list[str]] = {}
    for path, reason in sorted(left_out.items()):
        if reason not in CHOSEN:
            groups.setdefault(reason.partition(":")[0], []).append(path)
    for reason, paths in groups.items():
        yield Finding("note", "Files left out", reason, tuple(paths))


def _identifying(done: Ingested) -> Iterator[Finding]:
    """Group the files that may identify who was recorded, by the kind of file."""
    by_file: dict[str, tuple[str, ...]] = dict(done.survey or {})
    for seen in done.seen.values():
        by_file |= seen.identifying
    groups: dict[str, list[str]] = {}
    for name in sorted(by_file):
        groups.setdefault(PurePosixPath(name).suffix.lower(), []).append(name)
    for names in groups.values():
        kinds = dict.fromkeys(kind for name in names for kind in by_file[name])
        yield Finding(
            "note",
            "Identifying fields",
            f"the files state {', '.join(kinds)}; ingest keeps nothing of it but what "
            "`values` asks for",
            tuple(names),
            "keep the raw files where only those who may know can read them",
        )
