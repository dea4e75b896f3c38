"""The powercap reader against a made-up powercap tree."""

from pathlib import Path

import pytest

from pipeline.errors import MeasurementError
from pipeline.meters.rapl import Rapl
from pipeline.testing import check_meter


def domain(root: Path, folder: str, name: str, energy_uj: object = 0) -> Path:
    path = root / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    (path / "max_energy_range_uj").write_text("262143328850\n")
    return path


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages with their parts, one memory, and what would be counted twice."""
    domain(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    domain(tmp_path, "intel-rapl:0:0", "core", 5)
    domain(tmp_path, "intel-rapl:0:1", "dram", 2_000_000)
    domain(tmp_path, "intel-rapl:1", "package-1", 3_000_000)
    domain(tmp_path, "intel-rapl:2", "psys", 9)
    domain(tmp_path, "intel-rapl-mmio:0", "package-0", 7)
    (tmp_path / "intel-rapl").mkdir()
    return tmp_path


def add(root: Path, **microjoules: int) -> None:
    for name, amount in microjoules.items():
        path = root / name.replace("_", ":").replace("rapl", "intel-rapl") / "energy_uj"
        path.write_text(str(int(path.read_text()) + amount))


def test_packages_and_memory_add_up(powercap: Path) -> None:
    def work() -> None:
        add(powercap, rapl_0=500_000, rapl_0_1=250_000, rapl_1=1_000_000)
        add(powercap, rapl_0_0=400_000, rapl_2=4_000_000)

    assert Rapl(root=powercap).measure(work) == pytest.approx(1.75)


def test_a_wrapped_counter_is_corrected(powercap: Path) -> None:
    counter = powercap / "intel-rapl:0" / "energy_uj"
    counter.write_text("262143000000")
    taken = Rapl(root=powercap).measure(lambda: counter.write_text("671150") and None)
    assert taken == pytest.approx(1.0)


def test_the_contract(powercap: Path, tmp_path: Path) -> None:
    check_meter(Rapl(root=powercap))
    check_meter(Rapl(root=tmp_path / "nothing"))


def test_absent_says_so(tmp_path: Path) -> None:
    meter = Rapl(root=tmp_path / "powercap")
    assert meter.unavailable() == f"no {tmp_path}/powercap on this machine"
    with pytest.raises(MeasurementError, match="on this machine"):
        meter.measure(lambda: None)


def test_a_machine_without_packages(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0", "psys")
    assert "no processor package" in str(Rapl(root=tmp_path).unavailable())


def test_nonsense_is_no_measurement(powercap: Path) -> None:
    (powercap / "intel-rapl:1" / "energy_uj").write_text("")
    assert "intel-rapl:1/energy_uj cannot be read" in str(
        Rapl(root=powercap).unavailable()
    )


def test_a_locked_counter_tells_who_can_help(
    powercap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **options: str) -> str:
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, **options)

    original = Path.read_text
    monkeypatch.setattr(Path, "read_text", refuse)
    reason = str(Rapl(root=powercap).unavailable())
    assert reason.endswith("intel-rapl:0/energy_uj may not be read")


def test_a_counter_that_fails_meanwhile(powercap: Path) -> None:
    path = powercap / "intel-rapl:1" / "energy_uj"
    with pytest.raises(MeasurementError, match="cannot be read"):
        Rapl(root=powercap).measure(path.unlink)
