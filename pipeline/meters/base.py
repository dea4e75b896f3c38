"""What every meter does."""

import time
from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pipeline.components import Component
from pipeline.errors import MeasurementError

Clock = Callable[[], float]
"""Seconds that only grow, as `time.perf_counter` tells them."""


@dataclass(frozen=True)
class Watch:
    """A meter at work.

    Parameters
    ----------
    joules : Callable[[], float]
        Energy since the watch began; it never falls. Raises MeasurementError when the
        meter fails.
    of : tuple of str
        What is metered, by name.
    renewal_s : float or None
        Seconds between two renewals of what the meter tells, if that is known. None: it
        is a counter, and whoever uses it sees when it moves.
    note : str
        What a reader of the result must know.
    """

    joules: Callable[[], float]
    of: tuple[str, ...]
    renewal_s: float | None = None
    note: str = ""


class Meter(Component):
    """Something that counts joules: of a processor, a GPU or a module."""

    @abstractmethod
    def unavailable(self) -> str | None:
        """Say why this meter cannot measure here; None if it can."""

    @abstractmethod
    def watch(self, clock: Clock = time.perf_counter) -> AbstractContextManager[Watch]:
        """Begin to count the energy that this machine takes.

        Parameters
        ----------
        clock : Clock
            What tells the time.

        Raises
        ------
        MeasurementError
            The meter cannot measure here.
        """


def reason(error: MeasurementError) -> str:
    """Put a failed measurement into one line: where, what was found, what to do."""
    found = f"{error.where} {error.found}"
    return f"{found}; to do: {error.remedy}" if error.remedy else found
