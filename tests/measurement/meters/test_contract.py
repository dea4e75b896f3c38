"""What `check_meter` refuses."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import ConfigDict

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.base import Clock, Meter, Watch, reason
from pipeline.testing import check_meter


class Made(Meter):
    """Gives the joules it is made with, one after another."""

    model_config = ConfigDict(allow_inf_nan=True)

    joules_read: tuple[float, ...] = (0.0, 1.0, 1.0, 2.0, 3.0)
    of: tuple[str, ...] = ("package",)
    why: str | None = None

    def unavailable(self) -> str | None:
        return self.why

    @contextmanager
    def watch(self, clock: Clock = time.perf_counter) -> Iterator[Watch]:
        joules = iter(self.joules_read)
        yield Watch(lambda: next(joules), self.of)


def test_a_good_meter() -> None:
    check_meter(Made())


@pytest.mark.parametrize(
    ("meter", "broken"),
    [
        (Made(joules_read=(0, 2, 1, 2, 3)), "joules fall"),
        (Made(joules_read=(0, 1, float("nan"), 2, 3)), "not finite"),
        (Made(joules_read=(-1, 0, 1, 2, 3)), "at the beginning"),
        (Made(of=()), "does not state what it meters"),
        (Made(of=("",)), "has no name"),
        (Made(why=" "), "the reason is empty"),
        (Made(why="not here"), "gives 0.0 J although it is unavailable"),
    ],
)
def test_a_broken_meter(meter: Made, broken: str) -> None:
    with pytest.raises(AssertionError, match=broken):
        check_meter(meter)


def test_a_failure_in_one_line() -> None:
    assert reason(MeasurementError("it", "stopped")) == "it stopped"
    joules_read = reason(MeasurementError("it", "stopped", remedy="start it"))
    assert joules_read == "it stopped; to do: start it"
