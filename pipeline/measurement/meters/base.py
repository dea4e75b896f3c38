"""The interface of every meter."""

import time
from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pipeline.components import Component
from pipeline.errors import MeasurementError

Clock = Callable[[], float]
"""Seconds that only grow, as `time.perf_counter` returns them."""


@dataclass(frozen=True)
class Watch:
    """A meter at work.

    Parameters
    ----------
    joules : Callable[[], float]
        Energy since the watch began; it never falls. Raises MeasurementError when the
        meter fails.
    of : tuple of str
        The names of the metered parts.
    renewal_s : float or None
        Seconds between two updates of the meter's value, if known. None: the meter is
        a counter, and its user observes when it moves.
    note : str
        A remark for readers of the result.
    """

    joules: Callable[[], float]
    of: tuple[str, ...]
    renewal_s: float | None = None
    note: str = ""


class Meter(Component):
    """Something that counts joules: of a processor, a GPU or a module."""

    @abstractmethod
    def unavailable(self) -> str | None:
        """Give the reason why this meter cannot measure here; None if it can."""

    @abstractmethod
    def watch(self, clock: Clock = time.perf_counter) -> AbstractContextManager[Watch]:
        """Begin to count the energy of this machine.

        Parameters
        ----------
        clock : Clock
            The clock, in seconds.

        Raises
        ------
        MeasurementError
            The meter cannot measure here.
        """


def reason(error: MeasurementError) -> str:
    """Write a failed measurement as one line: its place, the finding, the remedy."""
    found = f"{error.where} {error.found}"
    return f"{found}; to do: {error.remedy}" if error.remedy else found
