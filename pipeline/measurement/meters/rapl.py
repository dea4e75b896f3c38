"""Intel's and AMD's running average power limit counters, through Linux powercap."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.base import Clock, Meter, Watch, reason

DOMAIN = re.compile(r"intel-rapl:\d+(:\d+)?")
MOST_W = 2000.0
"""No package or memory takes more power: a larger step is a counter that jumped."""

SLACK_S = 0.01
"""A reading may include energy of so long before the last one: updates are coarse."""


class Rapl(Meter):
    """Energy of all processor packages and, where it is metered, their memory.

    The counters include everything that runs on the machine meanwhile. `psys`, the
    complete platform, is left out, and so are the packages' own parts: they would be
    counted twice. A counter wraps after its range; between two readings one wrap is
    corrected. A step of more than 2 kW is an error and not a guess, and so is a wait
    in which a second wrap could go unseen at 2 kW.

    References
    ----------
    Linux kernel documentation, Power Capping Framework.
    """

    root: Annotated[Path, Field(description="where powercap lies")] = Path(
        "/sys/class/powercap"
    )

    def unavailable(self) -> str | None:
        """Give the reason why this meter cannot measure here; None if it can."""
        try:
            self._counters(0.0)
        except MeasurementError as error:
            return reason(error)
        return None

    @contextmanager
    def watch(self, clock: Clock = time.perf_counter) -> Iterator[Watch]:
        """Begin to count the energy of packages and memory.

        Raises
        ------
        MeasurementError
            There is no counter, or one cannot be read.
        """
        counters = self._counters(clock())

        def joules() -> float:
            """Read the energy used so far."""
            return sum(counter.microjoules(clock()) for counter in counters) / 1e6

        yield Watch(joules, tuple(counter.name for counter in counters))

    def _counters(self, now: float) -> "list[_Counter]":
        if not self.root.is_dir():
            raise MeasurementError("rapl", f"no {self.root} on this machine")
        if not (domains := self._domains()):
            raise MeasurementError("rapl", f"no processor package below {self.root}")
        return [_Counter(domain, now) for domain in domains]

    def _domains(self) -> list[Path]:
        """List the counters that add up: packages and memory, not their parts."""
        found = (p for p in self.root.iterdir() if DOMAIN.fullmatch(p.name))
        return sorted(p for p in found if _name(p).startswith(("package", "dram")))


class _Counter:
    """One domain's counter, followed over its wraps."""

    def __init__(self, domain: Path, now: float) -> None:
        self.name = _full_name(domain)
        self._path = domain / "energy_uj"
        self._range = _integer(domain / "max_energy_range_uj")
        self._last, self._at, self._total = _integer(self._path), now, 0

    def microjoules(self, now: float) -> int:
        """Give the energy since the counter was first read."""
        reading = _integer(self._path)
        self._total += self._taken(reading, now - self._at)
        self._last, self._at = reading, now
        return self._total

    def _taken(self, reading: int, elapsed_s: float) -> int:
        if elapsed_s * MOST_W * 1e6 >= self._range:
            raise MeasurementError(
                str(self._path),
                f"may have wrapped more than once in {elapsed_s:.3g} s",
                remedy="set a smaller profiling.meter_s",
            )
        taken = reading - self._last
        if taken < 0:
            taken += self._range
        if reading > self._range or taken > MOST_W * 1e6 * (elapsed_s + SLACK_S):
            raise MeasurementError(
                str(self._path),
                f"jumped from {self._last} to {reading} µJ in {elapsed_s:.3g} s: more "
                f"than {MOST_W:.0f} W, also if it wrapped at {self._range} µJ",
            )
        return taken


def _full_name(domain: Path) -> str:
    """Name a domain, memory with the package that it belongs to."""
    parent = domain.parent / domain.name.rpartition(":")[0]
    return f"{_name(parent)} {_name(domain)}".strip()


def _name(domain: Path) -> str:
    try:
        return (domain / "name").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _integer(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except PermissionError:
        raise MeasurementError(
            str(path),
            "may not be read",
            remedy=f"let an administrator allow it until the next start: chmod o+r "
            f"{path.parent.parent}/intel-rapl:*/energy_uj",
        ) from None
    except (OSError, ValueError) as error:
        raise MeasurementError(str(path), f"cannot be read: {error}") from None
