"""Power that is sampled: trapezoids, ends of intervals, failures."""

import time

import pytest

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.parts.sampling import sampled

NEVER_S = 1000.0


def test_trapezoids_between_questions() -> None:
    moments = iter([0.0, 2.0, 3.0])
    powers = iter([1.0, 3.0, 3.0])
    with sampled(
        lambda: next(powers), period_s=NEVER_S, clock=lambda: next(moments)
    ) as joules:
        assert joules() == 4.0
        assert joules() == 7.0


def test_the_thread_samples_in_between() -> None:
    begun = time.perf_counter()
    asked = []

    def watts() -> float:
        asked.append(1)
        return 5.0

    with sampled(watts, period_s=0.002, clock=time.perf_counter) as joules:
        time.sleep(0.1)
        taken, elapsed = joules(), time.perf_counter() - begun
    assert len(asked) > 5
    assert taken == pytest.approx(5 * elapsed, rel=0.05)


def test_a_peak_between_two_questions_is_seen() -> None:
    begun = time.perf_counter()

    def watts() -> float:
        return 100.0 if 0.02 < time.perf_counter() - begun < 0.08 else 0.0

    with sampled(watts, period_s=0.002, clock=time.perf_counter) as joules:
        time.sleep(0.12)
        assert joules() > 3


def test_a_failure_in_the_thread_reaches_who_asks() -> None:
    asked = []

    def watts() -> float:
        asked.append(1)
        if len(asked) > 1:
            raise MeasurementError("the rail", "is gone")
        return 1.0

    with sampled(watts, period_s=0.001, clock=time.perf_counter) as joules:
        time.sleep(0.02)
        with pytest.raises(MeasurementError, match="is gone"):
            joules()
    assert len(asked) == 2
