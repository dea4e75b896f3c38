"""Apple silicon: its energy as macOS reports it, without the rights of a superuser."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.base import Clock, Meter, Watch, reason

PARTS = {
    "cpu_total_mj": "processors",
    "dram_mj": "memory",
    "gpu_mj": "GPU",
    "gpu_sram_mj": "memory of the GPU",
    "ane_mj": "neural engine",
}
"""Counters in millijoules, none of which includes another."""

NOTE = "macOS's own energy model, which Apple calls estimated and maybe inaccurate"


class Apple(Meter):
    """Energy of a chip's parts, as far as macOS reports it.

    It needs the package zeus-apple-silicon: `pip install zeus-apple-silicon`.

    References
    ----------
    zeus-apple-silicon 1.1 (ml.energy), README: fields, units and accuracy.
    """

    def unavailable(self) -> str | None:
        """Give the reason why this meter cannot measure here; None if it can."""
        try:
            _read(_monitor())
        except MeasurementError as error:
            return reason(error)
        return None

    @contextmanager
    def watch(self, clock: Clock = time.perf_counter) -> Iterator[Watch]:
        """Begin to count the energy of the chip.

        Raises
        ------
        MeasurementError
            This is not a Mac with Apple silicon, or it does not report its energy.
        """
        monitor = _monitor()
        first = last = _read(monitor)

        def joules() -> float:
            """Read the energy used so far."""
            nonlocal last
            now = _read(monitor)
            if now.keys() != first.keys() or any(now[k] < last[k] for k in now):
                raise MeasurementError("apple", f"counted from {last} to {now} mJ")
            last = now
            return (sum(now.values()) - sum(first.values())) / 1e3

        yield Watch(joules, tuple(PARTS[name] for name in first), note=NOTE)


def _monitor() -> Any:
    if (platform.system(), platform.machine()) != ("Darwin", "arm64"):
        raise MeasurementError("apple", "this is no Mac with Apple silicon")
    try:
        return import_module("zeus_apple_silicon").AppleEnergyMonitor()
    except ImportError:
        raise MeasurementError(
            "apple", "needs zeus-apple-silicon", remedy="pip install zeus-apple-silicon"
        ) from None
    except RuntimeError as error:
        raise MeasurementError("apple", f"does not start ({error})") from error


def _read(monitor: Any) -> dict[str, int]:
    """Read the counters that this chip has, in millijoules."""
    try:
        counted = monitor.get_cumulative_energy()
    except RuntimeError as error:
        raise MeasurementError("apple", f"gives no energy ({error})") from error
    found = {name: getattr(counted, name) for name in PARTS}
    if found["cpu_total_mj"] is None:
        raise MeasurementError("apple", "does not give the processors' energy")
    return {name: number for name, number in found.items() if number is not None}
