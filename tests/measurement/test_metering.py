"""Measured energy on a made-up machine, whose time and joules are in closed form."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.components import available
from pipeline.errors import MeasurementError
from pipeline.files import dump_json
from pipeline.measurement.latency import latency, median_s
from pipeline.measurement.metering import metered, meters
from pipeline.measurement.meters.base import Clock, Meter, Watch
from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.neurons.leaky import Leaky
from pipeline.profiling.profile import ProfilingSettings
from pipeline.training.batches import Windows

SHAPE = Shape(n_steps=48, n_features=4, n_classes=3, dt=0.01)
KEYS = {
    "energy_j_per_window",
    "low",
    "high",
    "confidence",
    "repeats",
    "windows",
    "idle_w",
    "seconds",
    "of",
}


class Machine(Meter):
    """Idles at 10 W and works at 25 W, 0.1 s a window; its counter ticks.

    `powers` are those of the work, window after window.
    """

    tick_s: float = 0.001
    renewal_s: float | None = None
    fails_at: float = float("inf")
    reason: str | None = None
    note: str = ""
    powers: tuple[float, ...] = (25.0,)
    _now = 0.0
    _joules = 0.0
    _held = 0.0
    _done = 0

    def unavailable(self) -> str | None:
        return self.reason

    @contextmanager
    def watch(self, clock: Clock = time.perf_counter) -> Iterator[Watch]:
        yield Watch(self.joules, ("machine",), self.renewal_s, self.note)

    def joules(self) -> float:
        """The counter as it was at its last tick."""
        if self._now >= self.fails_at:
            raise MeasurementError("the counter", "stopped", remedy="wait")
        return self._held

    def clock(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._pass(seconds, 10.0)

    def work(self) -> None:
        self._pass(0.1, self.powers[self._done % len(self.powers)])
        self._done += 1

    def _pass(self, seconds: float, watts: float) -> None:
        before, self._now = self._now, self._now + seconds
        self._joules += seconds * watts
        if self._now // self.tick_s > before // self.tick_s:
            self._held = self._joules - (self._now % self.tick_s) * watts


def run(machine: Machine, *, meter_s: float = 2.0, repeats: int = 10) -> dict[str, Any]:
    settings = ProfilingSettings(meter_s=meter_s, meter_repeats=repeats)
    return metered(
        machine, machine.work, 0.1, settings, clock=machine.clock, sleep=machine.sleep
    )


def test_idling_is_subtracted() -> None:
    """15 W over idling, 0.1 s a window: 1.5 J."""
    machine = Machine()
    result = run(machine)
    assert result.keys() == KEYS
    assert result["energy_j_per_window"] == pytest.approx(1.5, rel=0.01)
    assert result["idle_w"] == pytest.approx(10, rel=0.01)
    assert (result["repeats"], result["windows"], result["of"]) == (10, 20, ["machine"])
    assert result["seconds"] == pytest.approx(2)
    assert machine._done == 200
    # a repeat: 0.2 s to settle, 2 s of idling, 2 s of work; before, the ticks are seen
    assert machine._now == pytest.approx(42, abs=0.05)


def test_exact_without_ticks() -> None:
    result = run(Machine(tick_s=1e-9, renewal_s=0.05), repeats=3)
    for name in ("energy_j_per_window", "low", "high"):
        assert result[name] == pytest.approx(1.5, rel=1e-7)


def test_work_that_takes_no_energy_is_noted() -> None:
    powers = tuple(np.random.default_rng(3).normal(10.0, 0.5, 200))
    result = run(Machine(powers=powers, note="a made-up machine"))
    assert result["low"] < 0 < result["high"]
    assert result["notes"][0] == "a made-up machine"
    assert "may be idling alone" in result["notes"][-1]


def test_less_than_idling_is_reported_as_it_is() -> None:
    result = run(Machine(powers=(7.0,)))
    assert result["energy_j_per_window"] == pytest.approx(-0.3, rel=0.02)
    assert result["notes"][0].startswith("negative")


@pytest.mark.parametrize(
    ("tick_s", "renewal_s", "windows"),
    [(0.5, None, 100), (0.001, 0.5, 100), (0.01, None, 20)],
    ids=["observed", "stated", "fine"],
)
def test_a_coarse_counter_makes_the_work_longer(
    tick_s: float, renewal_s: float | None, windows: int
) -> None:
    """20 renewals of 0.5 s are 10 s: 100 windows."""
    result = run(Machine(tick_s=tick_s, renewal_s=renewal_s), repeats=4)
    assert result["windows"] == pytest.approx(windows, rel=0.02)
    assert result["energy_j_per_window"] == pytest.approx(1.5, rel=0.05)


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (
            Machine(renewal_s=1.5),
            "renewed only every 1.5 s, too coarse for 2 s; to do: se",
        ),
        (Machine(tick_s=30.0), "machine did not move in 1 s"),
        (Machine(fails_at=30.0), "the counter stopped; to do: wait"),
        (Machine(fails_at=0.0), "the counter stopped; to do: wait"),
        (Machine(reason="not here"), "not here"),
    ],
    ids=["coarse", "stands", "fails later", "fails at once", "unavailable"],
)
def test_a_failed_measurement_is_absent_never_zero(
    machine: Machine, reason: str
) -> None:
    result = run(machine)
    assert result.keys() == {"absent"}
    assert reason in result["absent"]


def test_what_to_do_about_a_coarse_meter_helps() -> None:
    result = run(Machine(renewal_s=1.5))["absent"]
    assert result.endswith("set profiling.meter_s to 3")
    assert run(Machine(renewal_s=1.5), meter_s=3.0, repeats=2).keys() >= KEYS


@pytest.mark.usefixtures("three_threads")
def test_measurements_say_what_is_absent() -> None:
    settings = ProfilingSettings(latency_repeats=3, meter_s=0.01, meter_repeats=2)
    measured = latency(network(), windows(), settings)
    timed = measured["latency"]
    assert timed["median_ms_per_window"] > 0
    factor = timed["median_ms_per_window"] / 480
    assert timed["real_time_factor"] == pytest.approx(factor)
    metered_here = meters(network(), windows(), settings)
    assert list(metered_here) == available("meters")
    for result in metered_here.values():
        assert result.keys() == {"absent"} or result.keys() >= KEYS
    assert torch.get_num_threads() == 3
    dump_json(measured | metered_here)


def test_the_median_leaves_out_the_warm_up_and_one_slow_run() -> None:
    naps = itertools.chain([0.1, 0.1, 0.1, 0.1], itertools.repeat(0.0))
    assert median_s(lambda: time.sleep(next(naps)), 3) < 0.05


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Convolutional(channels=(5, 6), bins=2).build(SHAPE, Leaky()).eval()


def windows(n_windows: int = 3) -> Windows:
    rng = np.random.default_rng(0)
    trains = torch.from_numpy((rng.random((n_windows + 48, 4)) < 0.3).astype(np.uint8))
    first = torch.arange(n_windows)
    return Windows(trains, first, torch.zeros_like(first), 48, 0.01)
