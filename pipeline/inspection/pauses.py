"""Findings about pauses in recordings."""

from collections.abc import Iterator

import numpy as np

from pipeline.inspection.findings import Finding, named
from pipeline.inspection.measuring import Recordings, Seen

HALF_SAMPLE = 0.5
"""A shorter pause is none."""
JUMP_S = 3600.0
"""A pause so long is perhaps a clock that was set."""


def of_pauses(seen: Recordings) -> Iterator[Finding]:
    """Look for pauses, and for some so long that a clock was perhaps set."""
    meeting = {name: n for name, s in seen.items() if (n := _meeting(s))}
    if meeting:
        yield Finding(
            "note",
            "Segments that meet",
            f"{sum(meeting.values()):,} segments follow the one before at once; "
            "filters and windows start anew in each",
            tuple(meeting),
        )
    each_s = {name: _pauses_s(s) for name, s in seen.items()}
    pauses = {name: each for name, each in each_s.items() if len(each)}
    if pauses:
        total = sum(len(each) for each in pauses.values())
        lost = sum(float(each.sum()) for each in pauses.values())
        yield Finding(
            "note",
            "Pauses",
            f"{total} pauses, {lost:.3g} s in all; filters and windows start anew "
            "after each",
            tuple(pauses),
        )
    jumps = {
        name: each
        for name, each in pauses.items()
        if each.max() > JUMP_S or each.min() < 0
    }
    if jumps:
        longest = [each[np.abs(each).argmax()] for each in jumps.values()]
        lengths = named([f"{pause:.0f} s" for pause in longest])
        yield Finding(
            "warning",
            "Jump of the clock",
            f"a pause of {lengths}: the clock was perhaps set while it was recorded",
            tuple(jumps),
            "compare with the protocol; labels after it may lie elsewhere",
        )


def _pauses_s(seen: Seen) -> np.ndarray:
    """Give how long nothing was recorded before later segments, seconds."""
    between = _between_s(seen)
    pauses: np.ndarray = between[np.abs(between) * seen.sfreq > HALF_SAMPLE]
    return pauses


def _meeting(seen: Seen) -> int:
    """Count the segments that follow the one before without a pause."""
    return int((np.abs(_between_s(seen)) * seen.sfreq <= HALF_SAMPLE).sum())


def _between_s(seen: Seen) -> np.ndarray:
    """Give the time from the end of each segment to the next one, seconds."""
    start = np.array([segment.start for segment in seen.segments])
    onset = np.array([segment.onset_s for segment in seen.segments])
    between: np.ndarray = np.diff(onset) - np.diff(start) / seen.sfreq
    return between
