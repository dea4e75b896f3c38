"""What every meter does."""

from abc import abstractmethod
from collections.abc import Callable

from pipeline.components import Component


class Meter(Component):
    """Something that measures joules while work runs."""

    @abstractmethod
    def unavailable(self) -> str | None:
        """Say why this meter cannot measure here; None if it can."""

    @abstractmethod
    def measure(self, work: Callable[[], None]) -> float:
        """Measure the energy in joules that `work` took on this machine.

        Raises
        ------
        MeasurementError
            The meter failed while it measured.
        """
