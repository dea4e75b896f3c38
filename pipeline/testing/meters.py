"""The contract of meters."""

from itertools import pairwise
from math import isfinite

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.base import Meter


def check_meter(meter: Meter) -> None:
    """Check that a meter reports why it cannot measure, or counts; never a made-up 0.

    Joules are finite and never fall, and what they are of has names.
    """
    reason = meter.unavailable()
    if reason is None:
        _check_counting(meter)
        return
    assert reason.strip(), "the reason is empty"
    try:
        with meter.watch() as watch:
            joules = watch.joules()
    except MeasurementError:
        return
    raise AssertionError(f"gives {joules} J although it is unavailable: {reason}")


def _check_counting(meter: Meter) -> None:
    with meter.watch() as watch:
        readings = [watch.joules() for _ in range(5)]
    assert all(watch.of), f"what it meters has no name: {watch.of}"
    assert watch.of, "it does not state what it meters"
    assert all(map(isfinite, readings)), f"joules are not finite: {readings}"
    assert readings[0] >= 0, f"{readings[0]} J at the beginning"
    falls = any(now < then for then, now in pairwise(readings))
    assert not falls, f"joules fall: {readings}"
    assert watch.renewal_s is None or watch.renewal_s > 0, "renewed in no time"
