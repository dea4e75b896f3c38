"""The clock of an XDF stream: its breaks, its rate, and the place of markers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.base import (
    LEAVE_OUT,
    REPLACE,
    Check,
    Marks,
    either,
    unchecked_if,
)

DRIFT = 1e-3
"""The measured rate may differ from the stated one by this part of it."""


@dataclass(frozen=True)
class Clock:
    """The time of samples: by their stamps, and counted at the rate."""

    sfreq: float
    stamps: np.ndarray
    segments: tuple[Segment, ...]
    remarks: tuple[str, ...]

    @classmethod
    def of(
        cls,
        where: str,
        stream: Mapping[str, Any],
        sfreq: float,
        unchecked: Collection[Check],
    ) -> "Clock":
        """Find the breaks, and hold the stamps against the rate."""
        stamps = np.asarray(stream["time_stamps"])
        if len(stamps) < 2:
            raise _unusable(where, f"holds {len(stamps)} samples", REPLACE)
        if not np.isfinite(stamps).all():
            raise _unusable(where, "its clock holds what is no number", REPLACE)
        parts = [(int(a), int(b) + 1) for a, b in stream["info"]["segments"]]
        measured = float(stream["info"]["effective_srate"])
        if measured <= 0:
            found = (
                "its clock goes back" if measured else "no two samples are neighbours"
            )
            raise _unusable(where, found, REPLACE)
        if abs(measured / sfreq - 1) > DRIFT and "rate" not in unchecked:
            raise _unusable(
                where,
                f"{measured:.6g} Hz by its time stamps, {sfreq:g} Hz as stated",
                either(
                    f"set the reader's sfreq to {measured:.6g}",
                    unchecked_if("the stated rate is right", "rate"),
                ),
            )
        segments = [Segment(0, 0.0)]
        for (start, stop), (then, _) in pairwise(parts):
            pause = float(stamps[then] - stamps[stop - 1]) - 1 / measured
            if pause <= 0:
                raise _unusable(where, f"its clock goes back {-pause:.3g} s", REPLACE)
            onset = segments[-1].onset_s + (stop - start) / sfreq + pause
            segments.append(Segment(then, onset))
        resets = len(stream["info"]["clock_segments"]) - 1
        remarks = (f"its clock was set anew {resets} times",) if resets > 0 else ()
        return cls(sfreq, stamps, tuple(segments), remarks)

    def marks(self, where: str, stream: Mapping[str, Any]) -> Marks:
        """Put markers on the clock that counts samples."""
        times = np.asarray(stream["time_stamps"], float)
        if not np.isfinite(times).all():
            found = "the clock of its markers holds what is no number"
            raise _unusable(where, found, REPLACE)
        order = np.argsort(times, kind="stable")
        texts = [str(values[0]) for values in stream["time_series"]]
        onsets = np.array([self._counted(time) for time in times[order]])
        return Marks(onsets, np.zeros(len(onsets)), tuple(texts[k] for k in order))

    def _counted(self, time: float) -> float:
        """Give the time of a marker, seconds since the first sample."""
        place = max(0, int(np.searchsorted(self.stamps, time, "right")) - 1)
        segment = [each for each in self.segments if each.start <= place][-1]
        counted = segment.onset_s + (place - segment.start) / self.sfreq
        return counted + float(time - self.stamps[place])


def _unusable(where: str, found: str, remedy: str) -> DataError:
    return DataError(
        where, found, expected="a regular clock", remedy=either(remedy, LEAVE_OUT)
    )
