"""From repeats of idling and work to one energy with its interval."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Repeat:
    """One repeat: idling, then work; energies in joules, lengths in seconds."""

    idle_j: float
    idle_s: float
    work_j: float
    work_s: float

    @property
    def idle_w(self) -> float:
        """Power while idle."""
        return self.idle_j / self.idle_s

    @property
    def net_j(self) -> float:
        """Energy of the work beyond idling: work_j − idle_w · work_s."""
        return self.work_j - self.idle_w * self.work_s


def summary(
    repeats: Sequence[Repeat], windows: int, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """Give the energy of a window beyond idling, its mean over repeats and interval.

    With n repeats of mean m and standard deviation s (over n − 1), the two-sided
    interval of Student's t is m ± t(n − 1) · s / √n. Nothing is clipped: a net energy
    that is negative, or cannot be distinguished from 0, is reported with a note.

    Parameters
    ----------
    repeats : sequence of Repeat
        At least 2.
    windows : int
        Windows in each repeat's work.
    notes : sequence of str
        Other remarks for readers.

    Returns
    -------
    energy : dict
        `energy_j_per_window`, `low` and `high` (J) at `confidence`; number of `repeats`
        and `windows` of each; `idle_w` (W); `seconds` of work a repeat, the mean; and
        `notes`, if there are any.
    """
    from scipy.stats import t

    energies = [repeat.net_j / windows for repeat in repeats]
    mean, n = statistics.fmean(energies), len(repeats)
    factor = float(t.ppf((1 + CONFIDENCE) / 2, n - 1))
    half = factor * statistics.stdev(energies) / sqrt(n)
    low, high = mean - half, mean + half
    remarks = [*notes, *_doubts(mean, low, high)]
    return {
        "energy_j_per_window": mean,
        "low": low,
        "high": high,
        "confidence": CONFIDENCE,
        "repeats": n,
        "windows": windows,
        "idle_w": statistics.fmean(repeat.idle_w for repeat in repeats),
        "seconds": statistics.fmean(repeat.work_s for repeat in repeats),
        **({"notes": remarks} if remarks else {}),
    }


def _doubts(mean: float, low: float, high: float) -> list[str]:
    """List doubts where the work did not measurably take more than idling."""
    doubts = []
    if mean < 0:
        doubts.append(
            "negative: it took less than idling, so the machine was not quiet"
        )
    if low <= 0 <= high:
        doubts.append("the interval includes 0: it may be idling alone")
    return doubts
