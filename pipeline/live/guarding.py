"""What a stream may do to a filter that remembers: gaps, jumps, and what is no number.

A causal filter carries NaN to the end, and takes samples on both sides of a gap for
neighbours. So signal is given on in parts without either; before a part that does not
follow the last one, everything begins anew, as after a pause in a recording.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipeline.axes import Precise
from pipeline.live.pace import JUMP_S, Measured, Pace
from pipeline.live.streams import Chunk

QUIET_S = 5.0
"""Signal after a reason in which further ones are only counted."""


class Part(NamedTuple):
    """Samples without a gap.

    Parameters
    ----------
    anew : bool
        Whether they do not follow those before.
    why : str
        The reason; "" if it is only counted.
    samples : array, shape (channel, time)
    """

    anew: bool
    why: str
    samples: Precise


class Guard:
    """Divides what comes into parts without a gap.

    Parameters
    ----------
    sfreq : float
        Samples per second.
    jump_s : float
        How far a stamp may miss its distance from the one before.
    """

    def __init__(self, sfreq: float, jump_s: float = JUMP_S) -> None:
        self.sfreq, self.jump_s = sfreq, jump_s
        self._last_s: float | None = None
        self._broken, self._reason = False, ""
        self._lost = self._blind = self._breaks = self._quiet = 0
        self._pace = Pace(sfreq, jump_s)

    def parts(self, chunk: Chunk) -> Iterator[Part]:
        """Divide a chunk into parts, each with whether it begins anew, and why."""
        samples = chunk.samples
        jumps = self._jumps(chunk) if chunk.stamps is not None else {}
        finite = np.isfinite(samples).all(axis=0)
        changes = np.flatnonzero(np.diff(finite)) + 1
        n_samples = samples.shape[1]
        edges = sorted({0, n_samples, *jumps, *changes.tolist()})
        for start, stop in pairwise(edges):
            self._quiet -= stop - start
            if jump := jumps.get(start, ""):
                self._broken, self._reason = True, jump
            if not finite[start]:
                self._lost += stop - start
                self._blind += stop - start
                self._broken = True
                continue
            self._blind = 0
            anew, self._broken = self._broken, False
            yield Part(anew, self._why() if anew else "", samples[:, start:stop])

    def _why(self) -> str:
        """Give the reason why a part begins anew, unless one was given of late."""
        self._breaks += 1
        if self._quiet > 0:
            return ""
        self._quiet = round(QUIET_S * self.sfreq)
        return self.unreported()

    def unreported(self) -> str:
        """Describe what happened since the last reason; "" if nothing did."""
        reasons = [self._reason] if self._reason else []
        if self._lost:
            reasons.append(f"{self._lost} samples that are no numbers are left out")
        if reasons and self._breaks > 1:
            reasons.append(f"the last of {self._breaks} breaks")
        self._reason, self._lost, self._breaks = "", 0, 0
        return "; ".join(reasons)

    @property
    def blind_s(self) -> float:
        """How much signal came last that holds no numbers, seconds."""
        return self._blind / self.sfreq

    def _jumps(self, chunk: Chunk) -> dict[int, str]:
        """Find samples whose stamps do not follow those before, with the reason."""
        stamps = chunk.stamps
        if stamps is None or not len(stamps):
            return {}
        before = np.nan if self._last_s is None else self._last_s
        steps = np.diff(stamps, prepend=before)
        self._last_s = float(stamps[-1])
        late = steps - 1 / self.sfreq
        jumped = (late > self.jump_s) | ((late < -self.jump_s) & (steps < 0))
        paused = np.zeros_like(jumped)
        paused[0] = not chunk.follows
        counted = ~paused & ~np.isnan(steps)
        self._pace.take(steps[counted], jumped[counted])
        return {
            int(place): f"{late[place]:.3g} s of signal are missing"
            if late[place] > 0
            else f"the clock went back by {-float(steps[place]):.3g} s"
            for place in np.flatnonzero((jumped | paused) & ~np.isnan(steps))
        }

    def measured_rate(self) -> Measured | None:
        """Give the rate at which samples really come, if it is not the stated one."""
        return self._pace.measured()
