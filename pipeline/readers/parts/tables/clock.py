"""A column of time: is it even, at which rate, and where does it pause.

Clocks are rounded, and rows may be late and catch up. So a pause is not any long step:
it moves all rows after it, compared with those before.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.parts.tables.held import LONGEST_LAG_S

PAUSE = 0.5
"""Samples by which a pause moves the rows after it, at least."""

NEAR = 32
"""Rows on each side that show whether a row was late or the rows after it moved."""

RowNumber = Callable[[int], int]
"""The position of a row in its file."""


@dataclass(frozen=True)
class Clock:
    """An even clock with pauses.

    Parameters
    ----------
    sfreq : float
    segments : tuple of Segment
    """

    sfreq: float
    segments: tuple[Segment, ...]

    def time_of(self, row: np.ndarray) -> np.ndarray:
        """Give the times of rows, seconds since the first."""
        start = np.array([segment.start for segment in self.segments])
        onset_s = np.array([segment.onset_s for segment in self.segments])
        place = np.searchsorted(start, row, side="right") - 1
        times: np.ndarray = onset_s[place] + (row - start[place]) / self.sfreq
        return times


def by_rows(row: np.ndarray, sfreq: float) -> Clock:
    """Take rows as the clock; some are left out, which makes a pause."""
    starts = np.flatnonzero(np.diff(row, prepend=row[0] - 2) > 1)
    since = (row - row[0]) / sfreq
    return Clock(sfreq, tuple(Segment(k, float(since[k])) for k in starts.tolist()))


def in_order(
    where: str, time_s: np.ndarray, row_number: RowNumber, *, repeats: bool
) -> None:
    """Refuse a clock that jumps back or, unless it may, stands still."""
    steps = np.diff(time_s)
    wrong = np.flatnonzero(steps < 0 if repeats else steps <= 0)
    if not wrong.size:
        return
    place = int(wrong[0])
    back = -steps[place]
    raise DataError(
        where,
        f"row {row_number(place + 1)} of the file: the clock "
        + (f"jumps back by {back:.6g} s" if back else "repeats the time before"),
        expected="time that runs forward",
        remedy="split the recording there, or correct it"
        if back
        else "set `held: true` if rows repeat the last sample until the next one "
        "comes, or `time: null` to go by sfreq alone",
    )


def evenly(
    where: str, time_s: np.ndarray, sfreq: float | None, tolerance: float
) -> Clock:
    """Find the rate and the pauses of a clock.

    Parameters
    ----------
    where : str
        The file.
    time_s : array, shape (row,)
        Ascending, from 0.
    sfreq : float or None
        The rate that it should have, Hz; None: as the clock has it.
    tolerance : float
        How much the mean rate may differ from that, relative.

    Raises
    ------
    DataError
        The rows come at another rate, or unevenly.
    """
    steps_s = np.diff(time_s)
    sfreq = sfreq or _own_rate(where, steps_s, tolerance)
    steps = steps_s * sfreq
    pause = _pauses(steps)
    usual = float(np.median(steps)) if steps.size else 1.0
    _check(where, steps[~pause], sfreq, tolerance, usual)
    segments = [Segment(0, 0.0)]
    for start in (np.flatnonzero(pause) + 1).tolist():
        before = segments[-1]
        # A clock within the tolerance may lag behind the samples before the pause.
        end_s = before.onset_s + (start - before.start) / sfreq
        segments.append(Segment(start, max(float(time_s[start]), end_s)))
    return Clock(sfreq, tuple(segments))


def _own_rate(where: str, steps_s: np.ndarray, tolerance: float) -> float:
    """Take the rate from a clock, in integer Hz if it is that within the tolerance.

    The mean step is exact where the clock is rounded; steps over pauses do not count.
    """
    if not steps_s.size:
        raise _uneven(where, "1 row, which shows no rate")
    usual = steps_s[steps_s < 3 * np.median(steps_s)]
    rate = 1 / usual.mean()
    rate = 1 / steps_s[~_pauses(steps_s * rate)].mean()
    rounded = round(rate)
    return float(rounded if abs(rate - rounded) <= tolerance * rate else f"{rate:.6g}")


def _pauses(steps: np.ndarray) -> np.ndarray:
    """Mark the steps over a pause, of steps in samples."""
    pause = steps > 1 + PAUSE
    places = np.flatnonzero(pause)
    if not places.size:
        return pause
    late = np.concatenate([[0.0], np.cumsum(steps - 1)])
    near = np.lib.stride_tricks.sliding_window_view(np.pad(late, NEAR, "edge"), NEAR)
    before, after = near[places + 1], near[places + 1 + NEAR]
    moved = np.median(after, axis=1) - np.median(before, axis=1)
    pause[places] = moved > PAUSE
    return pause


def _check(
    where: str, steps: np.ndarray, sfreq: float, tolerance: float, usual: float
) -> None:
    """Refuse another mean rate, or a rate that changes on the way."""
    late = np.append(0.0, np.cumsum(steps - 1))
    slope, error = _slope(late)
    if usual > 1 + PAUSE or not steps.size:
        slope, error = usual - 1, 0.0
    if abs(slope) > tolerance + error:
        raise _uneven(
            where,
            f"{sfreq / (1 + slope):.6g} rows a second, {sfreq:g} Hz by the settings: "
            f"{abs(slope) * 1e6:.3g} ppm apart",
            f"within tolerance_ppm, {tolerance * 1e6:g}",
        )
    allowed = tolerance * np.arange(late.size)
    if np.any(np.abs(late) > LONGEST_LAG_S * sfreq + allowed):
        most = np.abs(late).max() / sfreq
        raise _uneven(
            where, f"the rate changes: rows are {most:.2f} s off the even clock"
        )


def _slope(late: np.ndarray) -> tuple[float, float]:
    """Fit a line to how late rows are; give its slope, and how uncertain that is.

    Three standard errors: rows of a rounded clock are off by chance, and the fewer
    they are the less they show of the rate.
    """
    if late.size < 3:
        return 0.0, 0.0
    place = np.arange(late.size) - (late.size - 1) / 2
    spread = float(place @ place)
    slope = float(place @ late) / spread
    rest = late - late.mean() - slope * place
    return slope, 3 * float(np.sqrt(rest @ rest / (late.size - 2) / spread))


def _uneven(
    where: str, found: str, expected: str = "rows at the even distance of sfreq"
) -> DataError:
    return DataError(
        where,
        found,
        expected=expected,
        remedy="correct sfreq, time_unit or tolerance_ppm in params.yaml, or set "
        "`held: true` if rows repeat the last sample until the next one comes",
    )
