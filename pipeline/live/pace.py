"""Whether the samples of a stream come at the rate that it states."""

from typing import NamedTuple

import numpy as np

JUMP_S = 0.1
"""Two stamps that miss their distance by more are no neighbours: less is jitter."""

RATE_S, RATE_OFF = 5.0, 0.05
"""Seconds over which a rate is measured, and how far it may be off.

Jitter of less than `JUMP_S` at both ends of that time does not reach it.
"""

MANY, ALIKE = 10, 0.2
"""Jumps that are no lost signal, but another rate, if the rates between them are alike:
of ten, eight lie within this share of their median."""


class Measured(NamedTuple):
    """The rate at which samples really come.

    Parameters
    ----------
    sfreq : float
        Samples per second.
    jump_s : float
        What takes the place of `JUMP_S`: a sender that states another rate counts the
        stamps of a chunk by that one, and makes good for it at the next.
    """

    sfreq: float
    jump_s: float


class Pace:
    """Measures a rate by the steps of the clock.

    Parameters
    ----------
    sfreq : float
        The stated rate, Hz.
    jump_s : float
        How far a stamp may miss its distance from the one before.
    """

    def __init__(self, sfreq: float, jump_s: float) -> None:
        self.sfreq = sfreq
        self.enough = RATE_S * sfreq * jump_s / JUMP_S
        self._begin()

    def _begin(self) -> None:
        self._steps: list[np.ndarray] = []
        self._jumped: list[np.ndarray] = []
        self._n_steps = self._n_jumps = 0
        self._elapsed_s = 0.0

    def take(self, steps: np.ndarray, jumped: np.ndarray) -> None:
        """Take steps of the clock, seconds, and which of them are no neighbours.

        A clock that is set back is another one: what came before does not count.
        """
        if len(set_back := np.flatnonzero(steps < -RATE_S)):
            self._begin()
            steps, jumped = (each[set_back[-1] + 1 :] for each in (steps, jumped))
        self._steps.append(steps)
        self._jumped.append(jumped)
        self._n_steps += int(np.count_nonzero(~jumped))
        self._n_jumps += int(np.count_nonzero(jumped & (steps > 0)))
        self._elapsed_s += float(steps.sum())

    def measured(self) -> Measured | None:
        """Give the rate at which samples come, if it is not the stated one.

        Measured over `RATE_S` of signal; None: it is right, or not known yet.
        """
        jumps = self._n_jumps >= MANY and self._elapsed_s >= RATE_S
        if not jumps and self._n_steps < self.enough:
            return None
        steps, jumped = np.concatenate(self._steps), np.concatenate(self._jumped)
        self._begin()
        found = _by_jumps(steps, jumped) if jumps else _by_steps(steps[~jumped])
        if not found or abs(found.sfreq / self.sfreq - 1) <= RATE_OFF:
            return None
        rate = found.sfreq
        return found._replace(sfreq=float(round(rate)) if rate > 10 else rate)


def _by_steps(steps: np.ndarray) -> Measured | None:
    step = float(np.mean(steps))
    return Measured(1 / step, JUMP_S) if step > 0 else None


def _by_jumps(steps: np.ndarray, jumped: np.ndarray) -> Measured | None:
    """Measure from jump to jump; None if rates differ, as where signal is lost."""
    places = np.flatnonzero(jumped & (steps > 0))
    seconds = np.diff(np.cumsum(steps)[places])
    if (seconds <= 0).any():
        return None
    low, rate, high = np.percentile(np.diff(places) / seconds, [10, 50, 90])
    if high - low > ALIKE * rate:
        return None
    return Measured(float(rate), max(JUMP_S, 2 * float(np.median(steps[places]))))
