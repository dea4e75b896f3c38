"""Joules from power read repeatedly, where no counter of joules exists."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.base import Clock

Watts = Callable[[], float]


class _Integral:
    """E = ∑ (P_k + P_k+1) / 2 · (t_k+1 − t_k), one trapezoid a sample."""

    def __init__(self, watts: Watts, clock: Clock) -> None:
        self._watts, self._clock = watts, clock
        self._lock = Lock()
        self._joules = 0.0
        self._failure: MeasurementError | None = None
        self._last = clock(), watts()

    def joules(self) -> float:
        """Take a sample now; the energy up to it."""
        with self._lock:
            if self._failure:
                raise self._failure
            try:
                now = self._clock(), self._watts()
            except MeasurementError as error:
                self._failure = error
                raise
            (then_s, then_w), (now_s, now_w) = self._last, now
            self._joules += (then_w + now_w) / 2 * (now_s - then_s)
            self._last = now
            return self._joules


@contextmanager
def sampled(
    watts: Watts, *, period_s: float, clock: Clock
) -> Iterator[Callable[[], float]]:
    """Read a power every `period_s` in a thread of its own, and add it up.

    Every call of `joules` takes a sample too, so that an interval between two calls
    has its ends at the calls.

    Parameters
    ----------
    watts : Callable[[], float]
        The power now.
    period_s : float
    clock : Clock

    Yields
    ------
    joules : Callable[[], float]
        Energy since the beginning; raises MeasurementError once a sample has failed.
    """
    integral = _Integral(watts, clock)
    stop = Event()
    thread = Thread(target=_sample, args=(integral, stop, period_s), daemon=True)
    thread.start()
    try:
        yield integral.joules
    finally:
        stop.set()
        thread.join()


def _sample(integral: _Integral, stop: Event, period_s: float) -> None:
    while not stop.wait(period_s):
        try:
            integral.joules()
        except MeasurementError:
            return  # the next caller of `joules` gets the error
