"""NVIDIA's Jetson modules: power monitors on the board, through Linux hwmon."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.base import Clock, Meter, Watch, reason
from pipeline.measurement.meters.parts.sampling import sampled

ADD_UP = (
    ("VDD_IN",),
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VDDQ_VDD2_1V8AO"),
)
"""Rails that together are the module: Orin NX and Nano, whose VDD_IN feeds the others;
AGX Orin, without VIN_SYS_5V0, which Linux too leaves out of the sum."""


class Jetson(Meter):
    """Energy of the module's rails: volts times amperes, sampled and added up.

    References
    ----------
    Linux kernel documentation, Kernel driver ina3221; Linux device trees
    tegra234-p3767.dtsi and tegra234-p3701.dtsi, which name the rails.
    """

    root: Annotated[Path, Field(description="where hwmon lies")] = Path(
        "/sys/class/hwmon"
    )
    period_s: Annotated[float, Field(gt=0, description="seconds between samples")] = (
        0.01
    )
    rails: Annotated[
        tuple[str, ...],
        Field(description="labels of rails that add up; none: those of Jetson Orin"),
    ] = ()

    def unavailable(self) -> str | None:
        """Give the reason why this meter cannot measure here; None if it can."""
        try:
            _watts(self._inputs())
        except MeasurementError as error:
            return reason(error)
        return None

    @contextmanager
    def watch(self, clock: Clock = time.perf_counter) -> Iterator[Watch]:
        """Begin to add up the energy of the rails.

        Raises
        ------
        MeasurementError
            There is no such monitor, or it cannot be read.
        """
        rails = self._inputs()
        renewal_s = max(
            self.period_s, *(_interval_s(path) for path, _ in rails.values())
        )
        with sampled(
            lambda: _watts(rails), period_s=self.period_s, clock=clock
        ) as joules:
            yield Watch(joules, tuple(rails), renewal_s)

    def _inputs(self) -> dict[str, tuple[Path, int]]:
        """Choose the rails that add up: label, monitor, channel."""
        if not (found := _labelled(self.root)):
            raise MeasurementError("jetson", f"no power monitor below {self.root}")
        for labels in [self.rails] if self.rails else ADD_UP:
            if found.keys() >= set(labels):
                return {label: found[label] for label in labels}
        raise MeasurementError(
            "jetson", f"the rails that add up are not known: {', '.join(found)}"
        )


def _labelled(root: Path) -> dict[str, tuple[Path, int]]:
    """Find the labelled channels of all monitors of the kind INA3221."""
    monitors = sorted(p.parent for p in root.glob("*/name") if _text(p) == "ina3221")
    labels = (
        (monitor, channel, monitor / f"in{channel}_label")
        for monitor in monitors
        for channel in (1, 2, 3)
    )
    return {_text(file): (m, channel) for m, channel, file in labels if file.exists()}


def _watts(rails: Mapping[str, tuple[Path, int]]) -> float:
    """Add up millivolts times milliamperes."""
    products = (
        _number(monitor / f"in{channel}_input")
        * _number(monitor / f"curr{channel}_input")
        for monitor, channel in rails.values()
    )
    return sum(products) / 1e6


def _interval_s(monitor: Path) -> float:
    """Read the seconds between a monitor's updates; 0 if it does not state them."""
    path = monitor / "update_interval"
    return _number(path) / 1e3 if path.exists() else 0.0


def _number(path: Path) -> int:
    try:
        return int(_text(path))
    except ValueError as error:
        raise MeasurementError(str(path), f"cannot be read: {error}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MeasurementError(str(path), f"cannot be read: {error}") from None
