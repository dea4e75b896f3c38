"""Intel's and AMD's running average power limit counters, through Linux powercap."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.errors import MeasurementError
from pipeline.meters.base import Meter

DOMAIN = re.compile(r"intel-rapl:\d+(:\d+)?")


class Rapl(Meter):
    """Energy of all processor packages and, where it is metered, their memory.

    The counters take in everything that runs on the machine meanwhile. They are renewed
    about every millisecond and wrap; one wrap while `work` runs is corrected, which
    bounds the work to some ten minutes at full power on common processors.

    References
    ----------
    Linux kernel documentation, Power Capping Framework.
    """

    root: Annotated[Path, Field(description="where powercap lies")] = Path(
        "/sys/class/powercap"
    )

    def unavailable(self) -> str | None:
        """Say why this meter cannot measure here; None if it can."""
        if not self.root.is_dir():
            return f"no {self.root} on this machine"
        if not (domains := self._domains()):
            return f"no processor package below {self.root}"
        try:
            for domain in domains:
                _microjoules(domain)
        except MeasurementError as error:
            return f"{error.where} {error.found}"
        return None

    def measure(self, work: Callable[[], None]) -> float:
        """Measure the energy in joules that this machine took while `work` ran.

        Raises
        ------
        MeasurementError
            There is no counter, or one could not be read.
        """
        if reason := self.unavailable():
            raise MeasurementError("rapl", reason)
        domains = self._domains()
        before = [_microjoules(domain) for domain in domains]
        work()
        after = [_microjoules(domain) for domain in domains]
        taken = map(_difference, domains, before, after)
        return sum(taken) / 1e6

    def _domains(self) -> list[Path]:
        """List the counters that add up: packages and memory, not their parts."""
        found = (p for p in self.root.iterdir() if DOMAIN.fullmatch(p.name))
        return sorted(p for p in found if _name(p).startswith(("package", "dram")))


def _difference(domain: Path, before: int, after: int) -> int:
    """Subtract two readings; the counter starts at 0 again after its range."""
    if after >= before:
        return after - before
    return after - before + _integer(domain / "max_energy_range_uj")


def _microjoules(domain: Path) -> int:
    return _integer(domain / "energy_uj")


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
            str(path), "may not be read", remedy=f"let an administrator allow {path}"
        ) from None
    except (OSError, ValueError) as error:
        raise MeasurementError(str(path), f"cannot be read: {error}") from None
