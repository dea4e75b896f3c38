"""The results of ingestion, as text."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pipeline.ingestion.catalogue import Row, alike
from pipeline.ingestion.recordings import Ingested

SHOWN = 12
"""Texts, files or reasons named before the rest is counted."""


def closing_line(done: Ingested, manifest: Mapping[str, Any]) -> str:
    """Count recordings by status, and files that are not used by reason."""
    statuses = Counter(row.status for row in done.rows)
    parts = [f"{count} {status}" for status, count in statuses.items()]
    reasons = Counter(done.found.reasons())
    reasons.update(manifest["left_out"].values())
    if reasons:
        listed = ", ".join(f"{reason}: {count}" for reason, count in reasons.items())
        files = "file" if reasons.total() == 1 else "files"
        parts.append(f"{reasons.total()} {files} left out ({listed})")
    if done.unclaimed:
        texts = _first(f"'{t}' {n}" for t, n in done.unclaimed.most_common())
        parts.append(f"texts without a class: {texts}")
    return "\n  ".join([", ".join(parts), *refusals(done)])


def refusals(done: Ingested) -> list[str]:
    """Explain why recordings are not used; the first stands for all of one reason."""
    lines = []
    for rows in alike(done.rows):
        first = rows[0]
        words = done.problems.get(first.recording, first.reason)
        others = f" and {len(rows) - 1} like it" if len(rows) > 1 else ""
        lines.append(f"{first.status}: {first.recording}{others}: {words}")
    more = [f"and {len(lines) - SHOWN} more reasons"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more


def _first(words: Any) -> str:
    every = list(words)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def left_out_lines(done: Ingested, manifest: Mapping[str, Any]) -> list[str]:
    """Name every file that is not used, with its reason, and every absent one."""
    named = {**manifest["left_out"], **done.found.left_out}
    lines = [f"{path}: {reason}" for path, reason in sorted(named.items())]
    return lines + [
        f"{p}: absent, {why}" for p, why in sorted(manifest["absent"].items())
    ]


def row_words(row: Row, problem: str = "") -> tuple[str, str, str]:
    """Write what was found in a recording: its signal, its labels, its problem."""
    if row.status in ("refused", "absent"):
        return "", "", f"{row.status}: {problem or row.reason}"
    signal = f"{row.n_channels} × {row.sfreq:g} Hz, {row.duration_s:.0f} s"
    if (n_segments := len(json.loads(row.segments))) > 1:
        signal += f" in {n_segments} segments"
    counts = json.loads(row.annotations)
    labels = ", ".join(f"{label} {count}" for label, count in counts.items())
    if left_out := json.loads(row.left_out):
        labels += f" ({', '.join(f'{why}: {n}' for why, n in left_out.items())})"
    return (
        signal,
        labels,
        "; ".join([*json.loads(row.remarks), *([row.reason] * bool(row.reason))]),
    )
