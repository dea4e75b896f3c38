"""The energy of one window on this machine: joules by each meter."""

import time
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any, cast

from pipeline.components import available, find
from pipeline.errors import MeasurementError
from pipeline.measurement.latency import inference, median_s
from pipeline.measurement.meters.base import Clock, Meter, Watch, reason
from pipeline.measurement.repeats import Repeat, summary

if TYPE_CHECKING:
    from torch import nn

    from pipeline.profiling.profile import ProfilingSettings
    from pipeline.training.batches import Windows

RENEWALS = 20
"""Updates of a meter in a repeat's work: one more or less is 5 %."""

LENGTHENED = 10
"""The largest factor by which a repeat's work may become longer for that."""

SETTLING = 0.1
"""Share of a repeat's length that passes unmetered before it."""

POLLED_S = 1e-3
WAITS = 5


def meters(
    network: "nn.Module", windows: "Windows", settings: "ProfilingSettings"
) -> dict[str, Any]:
    """Measure the energy of one window by every meter: joules, or why there are none.

    Parameters are those of `pipeline.measurement.latency.latency`. It takes
    `meter_repeats` times twice `meter_s` for each meter that there is.
    """
    with inference(network, windows) as infer:
        window_s = median_s(infer, settings.latency_repeats)
        return {
            name: metered(_meter(name), infer, window_s, settings)
            for name in available("meters")
        }


def metered(
    meter: Meter,
    work: Callable[[], None],
    window_s: float,
    settings: "ProfilingSettings",
    *,
    clock: Clock = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Measure the energy of a window beyond idling, or give the reason for its absence.

    Each repeat idles, then works for as long; the energy of idling is subtracted.

    Parameters
    ----------
    meter : Meter
    work : Callable[[], None]
        The inference of one window.
    window_s : float
        The duration of one inference, approximately.
    settings : ProfilingSettings
        `meter_s` and `meter_repeats`.
    clock, sleep : Callable
        The clock in seconds, and the function that waits.

    Returns
    -------
    energy : dict
        As `pipeline.measurement.repeats.summary` gives it, with what was metered
        (`of`); or the reason why it is `absent`.
    """
    if reasons := meter.unavailable():
        return {"absent": reasons}
    try:
        with meter.watch(clock) as watch:
            length_s = long_enough(watch, settings.meter_s, clock, sleep)
            windows = ceil(length_s / window_s)
            repeats = [
                _repeat(watch, work, windows, length_s, clock, sleep)
                for _ in range(settings.meter_repeats)
            ]
    except MeasurementError as error:
        return {"absent": reason(error)}
    notes = [watch.note] if watch.note else []
    return {**summary(repeats, windows, notes), "of": list(watch.of)}


def long_enough(
    watch: Watch, wanted_s: float, clock: Clock, sleep: Callable[[float], None]
) -> float:
    """Choose how long a repeat's work is: so long that the meter is renewed 20 times.

    Raises
    ------
    MeasurementError
        That would be over 10 times as long as wanted.
    """
    most_s = LENGTHENED * wanted_s / RENEWALS
    renewal_s = watch.renewal_s
    if renewal_s is None:
        renewal_s = _renewal_s(watch, most_s, clock, sleep)
    if renewal_s > most_s:
        raise MeasurementError(
            ", ".join(watch.of),
            f"renewed only every {renewal_s:.3g} s, too coarse for {wanted_s:g} s",
            remedy=f"set profiling.meter_s to {RENEWALS / LENGTHENED * renewal_s:.3g}",
        )
    return max(wanted_s, RENEWALS * renewal_s)


def _renewal_s(
    watch: Watch, most_s: float, clock: Clock, sleep: Callable[[float], None]
) -> float:
    """See how often a counter moves: the longest of some waits, after the first."""
    waits: list[float] = []
    since, last = clock(), watch.joules()
    while len(waits) <= WAITS:
        sleep(POLLED_S)
        now, joules = clock(), watch.joules()
        if joules != last:
            waits.append(now - since)
            since, last = now, joules
        elif now - since > most_s:
            raise MeasurementError(
                ", ".join(watch.of),
                f"did not move in {now - since:.3g} s",
                remedy="set a larger profiling.meter_s if it is only coarse",
            )
    return max(waits[1:])


def _repeat(
    watch: Watch,
    work: Callable[[], None],
    windows: int,
    length_s: float,
    clock: Clock,
    sleep: Callable[[float], None],
) -> Repeat:
    """Idle, then work, about as long."""
    sleep(SETTLING * length_s)  # earlier work dies down
    begun_s, begun_j = clock(), watch.joules()
    sleep(length_s)
    idled_s, idled_j = clock(), watch.joules()
    for _ in range(windows):
        work()
    done_s, done_j = clock(), watch.joules()
    return Repeat(
        idle_j=idled_j - begun_j,
        idle_s=idled_s - begun_s,
        work_j=done_j - idled_j,
        work_s=done_s - idled_s,
    )


def _meter(name: str) -> Meter:
    return cast("Meter", find("meters", name)())
