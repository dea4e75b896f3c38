"""Energy from the log of an external meter: Joulescope, INA219 and their like."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from pipeline.errors import ConfigError, DataError
from pipeline.measurement.log_table import Log, read_log
from pipeline.measurement.repeats import Repeat, summary

FEW = 20
"""An interval of fewer samples gets a note: its ends are uncertain by half a sample."""

GAP = 10
"""A gap of so many times the usual distance of samples gets a note."""


def import_log(path: Path, *, windows: int) -> dict[str, Any]:
    r"""Compute the energy of a window from the log of an external meter.

    The log has a column of time, one of a marker, and power, or current and voltage,
    each named with its unit at the end: `time (s)`, `current_mA`, `bus_V`. Where power
    is logged it is used, since it is the mean of products. The marker is 1 while the
    device works and 0 while it idles, or it is `start` and `stop` in the first row of
    work and the first after it.

    Each marked interval is a repeat, and the idle time right before it gives its idle
    power. An interval of samples a … b − 1 reaches half-way to its neighbours,

    .. math:: E = \sum_{k=a}^{b-2} \frac{P_k + P_{k+1}}{2} (t_{k+1} - t_k)
              + P_a \frac{t_a - t_{a-1}}{2} + P_{b-1} \frac{t_b - t_{b-1}}{2}

    so that it is as long as the marker was up, on average.

    Parameters
    ----------
    path : Path
        Comma-separated; rows are counted as lines of the file.
    windows : int
        Windows that the device worked on in each marked interval.

    Returns
    -------
    energy : dict
        As of a meter (`pipeline.measurement.repeats.summary`), with the name of the
        file as `source`, and `meter`: csv.

    Raises
    ------
    ConfigError
        `windows` is under 1.
    DataError
        The log does not show at least two marked intervals with idling before each, or
        something in it cannot be read.
    """
    if windows < 1:
        raise ConfigError("windows", f"is {windows}", expected="at least 1")
    log = read_log(path)
    edges = _edges(log)
    repeats = [_repeat(log, *three) for three in edges]
    found = summary(repeats, windows, [*log.notes, *_doubts(log, edges, repeats)])
    return {"meter": "csv", "source": path.name, **found}


Edges = list[tuple[int, int, int]]
"""First row of idling, first row of work, first row after it."""


def _edges(log: Log) -> Edges:
    """Find where the marker rises and falls."""
    if not log.marked.any():
        raise DataError(
            f"{log.name}, column '{log.marker}'",
            "marks no work",
            expected="another value while the program works",
            remedy="set the marker's pin while the program works, and record it anew",
        )
    if log.marked[0]:
        raise log.problem(0, log.marker, "work has begun already: no idling before it")
    changes: Int[np.ndarray, " change"] = np.flatnonzero(np.diff(log.marked)) + 1
    rises, falls = changes[::2].tolist(), changes[1::2].tolist()
    if len(falls) < len(rises):
        raise log.problem(rises[-1], log.marker, "work begins here and never ends")
    if len(rises) < 2:
        raise log.problem(
            rises[0], log.marker, "the only work marked: an interval needs two repeats"
        )
    edges = list(zip([0, *falls], rises, falls, strict=False))
    for idle, rise, fall in edges:
        _refuse_short(log, idle, rise, "idling")
        _refuse_short(log, rise, fall, "work")
    return edges


def _refuse_short(log: Log, first: int, stop: int, what: str) -> None:
    """Refuse an interval of one sample, or one in which no time passes."""
    if stop - first < 2:
        raise log.problem(first, log.marker, f"{what} of a single sample")
    if log.seconds[stop - 1] <= log.seconds[first]:
        raise log.problem(first, log.marker, f"{what} in which no time passes")


def _repeat(log: Log, idle: int, rise: int, fall: int) -> Repeat:
    idle_j, idle_s = _energy(log, idle, rise)
    work_j, work_s = _energy(log, rise, fall)
    return Repeat(idle_j, idle_s, work_j, work_s)


def _energy(log: Log, first: int, stop: int) -> tuple[float, float]:
    """Add up the energy of samples, half-way to their neighbours; and the time."""
    t, p = log.seconds, log.watts
    before = (t[first] - t[first - 1]) / 2 if first else 0.0
    after = (t[stop] - t[stop - 1]) / 2 if stop < len(t) else 0.0
    inside = np.trapezoid(p[first:stop], t[first:stop])
    joules = inside + p[first] * before + p[stop - 1] * after
    return float(joules), float(t[stop - 1] - t[first] + before + after)


def _doubts(log: Log, edges: Edges, repeats: list[Repeat]) -> list[str]:
    """List doubts where the log is too coarse, has gaps, or has little idling."""
    doubts = []
    fewest = min(fall - rise for _, rise, fall in edges)
    if fewest < FEW:
        doubts.append(
            f"work of only {fewest} samples: its length is sure to {1 / fewest:.0%}"
        )
    steps = np.diff(log.seconds[: edges[-1][-1] + 1])
    widest = int(np.argmax(steps))
    if steps[widest] > GAP * np.median(steps):
        row = log.rows[widest + 1]
        doubts.append(f"a gap of {steps[widest]:.3g} s before row {row}, bridged")
    if any(repeat.idle_s < repeat.work_s / 2 for repeat in repeats):
        doubts.append("less than half as long idle as at work")
    return doubts
