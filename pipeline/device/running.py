"""How a device's network goes from one decision to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Running:
    """Whether a network runs on, and how long it may remember.

    Parameters
    ----------
    restarts : bool
        It starts anew for every decision, a window before it.
    memory : int or None
        It runs on, and starts anew a window before the first decision after each so
        many steps, counted from the start; None: it never does.
    """

    restarts: bool = False
    memory: int | None = None

    @property
    def goes_back(self) -> bool:
        """Whether it ever returns to the beginning of a window."""
        return self.restarts or self.memory is not None

    def anew(self, decisions: Sequence[int]) -> list[int]:
        """List the decisions, in steps and ascending, before which it starts anew."""
        if self.memory is None:
            return []
        parts = [0, *((step - 1) // self.memory for step in decisions)]
        changes = zip(decisions, pairwise(parts), strict=True)
        return [step for step, (before, part) in changes if part != before]


RUNS_ON = Running()
RESTARTS = Running(restarts=True)
