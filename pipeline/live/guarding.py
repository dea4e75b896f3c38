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
from pipeline.live.streams import Chunk

JUMP_S = 0.1
"""Two stamps that miss their distance by more are no neighbours: less is jitter."""

RATE_S, RATE_OFF = 5.0, 0.05
"""Seconds over which a rate is measured, and how far it may be off.

Jitter of less than `JUMP_S` at both ends of that time does not reach it.
"""


class Part(NamedTuple):
    """Samples without a gap.

    Parameters
    ----------
    anew : str
        Why they do not follow those before; "" if they do.
    samples : array, shape (channel, time)
    """

    anew: str
    samples: Precise


class Guard:
    """Divides what comes into parts without a gap.

    Parameters
    ----------
    sfreq : float
        Samples per second.
    """

    def __init__(self, sfreq: float) -> None:
        self.sfreq = sfreq
        self._last_s: float | None = None
        self._lost, self._reason = 0, ""
        self._steps: list[np.ndarray] = []
        self._n_steps = 0

    def parts(self, chunk: Chunk) -> Iterator[Part]:
        """Divide a chunk, and say before each part whether it begins anew, and why."""
        samples, stamps = chunk.samples, chunk.stamps
        jumps = self._jumps(stamps) if stamps is not None else {}
        finite = np.isfinite(samples).all(axis=0)
        changes = np.flatnonzero(np.diff(finite)) + 1
        n_samples = samples.shape[1]
        edges = sorted({0, n_samples, *jumps, *changes.tolist()})
        for start, stop in pairwise(edges):
            jump = jumps.get(start, "")
            if not finite[start]:
                self._lost += stop - start
                if jump:
                    self._reason = jump
                continue
            yield Part(self._why(jump), samples[:, start:stop])

    def _why(self, jump: str) -> str:
        """Say why a part begins anew."""
        reasons = [self._reason, jump]
        if self._lost:
            reasons.append(f"{self._lost} samples that are no numbers are left out")
        self._lost, self._reason = 0, ""
        return "; ".join(filter(None, reasons))

    def _jumps(self, stamps: np.ndarray) -> dict[int, str]:
        """Find samples whose stamps do not follow those before, with the reason."""
        if not len(stamps):
            return {}
        before = np.nan if self._last_s is None else self._last_s
        steps = np.diff(stamps, prepend=before)
        self._last_s = float(stamps[-1])
        late = steps - 1 / self.sfreq
        found: dict[int, str] = {}
        for place in np.flatnonzero(np.abs(late) > JUMP_S):
            off = float(late[place])
            found[int(place)] = (
                f"{off:.3g} s of signal are missing"
                if off > 0
                else f"the clock went back by {-float(steps[place]):.3g} s"
            )
        self._remember(steps[np.abs(late) <= JUMP_S])
        return found

    def _remember(self, steps: np.ndarray) -> None:
        self._steps.append(steps)
        self._n_steps += len(steps)

    def measured_rate(self) -> float | None:
        """Give the rate at which samples really come, if it is not the stated one.

        Measured over `RATE_S` of signal; None: it is right, or not known yet.
        """
        if self._n_steps < RATE_S * self.sfreq:
            return None
        step = float(np.mean(np.concatenate(self._steps)))
        self._steps, self._n_steps = [], 0
        if step <= 0 or abs(1 / step / self.sfreq - 1) <= RATE_OFF:
            return None
        rate = 1 / step
        return float(round(rate)) if rate > 10 else rate
