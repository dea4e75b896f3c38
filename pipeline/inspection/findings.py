"""Findings: faults and notable facts of a data set, with remedies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.errors import PipelineError
from pipeline.roles import known

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""An error ends a stage, a warning makes results doubtful, a note is worth knowing."""
NAMED = 3
"""Places that are named before the rest is counted."""


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found, in all places at once.

    Parameters
    ----------
    severity : str
    kind : str
        A title of a few words.
    what : str
        What was found, and what was expected.
    where : tuple of str
        The recordings, channels, files or settings it was found in.
    remedy : str
        What to do; "" where nothing need be done.
    """

    severity: Severity
    kind: str
    what: str
    where: tuple[str, ...] = ()
    remedy: str = ""

    @property
    def places(self) -> str:
        """The first places, and how many more there are."""
        return named(self.where)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Put the most severe first; of equals, what is found in the most places."""
    return sorted(
        findings, key=lambda f: (SEVERITIES.index(f.severity), -len(f.where), f.kind)
    )


def of_error(kind: str, error: PipelineError) -> Finding:
    """Make a finding of what ends a stage."""
    expected = f" (expected: {error.expected})" if error.expected else ""
    what = f"{error.found}{expected}"
    return Finding("error", kind, what, (error.where,), error.remedy)


def named(names: Sequence[str]) -> str:
    """Name the first few and count the rest: `a, b, c and 4 more`."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def count(number: int, word: str) -> str:
    """Write a number with its word: `1 recording`, `1,200 windows`."""
    plural = {"class": "classes", "person": "persons"}.get(word, f"{word}s")
    return f"{number:,} {word if number == 1 else plural}"


def people(subjects: pd.Series) -> str:
    """Count subjects in words; nobody counts whom nobody knows."""
    number = int(known(subjects).nunique())
    return count(number, "subject") if number or subjects.empty else "unknown persons"


def percents(shares: Sequence[float] | np.ndarray) -> str:
    """Write shares as percents: `12 %`, or `12 to 15 %`."""
    low, high = (_percent(edge) for edge in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _percent(share: float) -> str:
    """Write two digits, and all of 100."""
    number = 100 * share
    return f"{number:.2g}" if number < 99.5 else f"{number:.0f}"
