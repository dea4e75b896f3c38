"""The powercap reader against a made-up powercap tree."""

from pathlib import Path

import pytest

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.base import Watch
from pipeline.measurement.meters.rapl import Rapl
from pipeline.testing import check_meter

RANGE_UJ = 262143328850


class Clock:
    """A clock that advances only by command."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def domain(root: Path, folder: str, name: str, energy_uj: object = 0) -> Path:
    path = root / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    (path / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
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
    clock = Clock()
    with Rapl(root=powercap).watch(clock) as watch:
        assert watch.joules() == 0
        clock.now += 1
        add(powercap, rapl_0=500_000, rapl_0_1=250_000, rapl_1=1_000_000)
        add(powercap, rapl_0_0=400_000, rapl_2=4_000_000)
        assert watch.joules() == pytest.approx(1.75)
    assert watch.of == ("package-0", "package-0 dram", "package-1")


def wrapping(root: Path, readings: list[int], step_s: float) -> list[float]:
    """Ask for joules after each reading of the first package."""
    counter, clock = root / "intel-rapl:0" / "energy_uj", Clock()
    joules = []
    with Rapl(root=root).watch(clock) as watch:
        for reading in readings:
            clock.now += step_s
            counter.write_text(str(reading))
            joules.append(watch.joules())
    return joules


def test_wrapped_counters_are_corrected_each_time(powercap: Path) -> None:
    (powercap / "intel-rapl:0" / "energy_uj").write_text("262143000000")
    half = (RANGE_UJ - 671150) // 2
    joules = wrapping(powercap, [671150, half, RANGE_UJ - 1, 5], 100.0)
    assert joules[0] == pytest.approx(1.0)
    assert joules[3] == pytest.approx((2 * RANGE_UJ + 5 - 262143000000) / 1e6)


@pytest.mark.parametrize(
    ("reading", "elapsed_s"),
    [(0, 2.0), (999_999, 2.0), (5_100_000_000, 2.0), (RANGE_UJ + 1, 130.0)],
    ids=["started anew", "one back", "ahead", "beyond its range"],
)
def test_a_jump_is_an_error_and_not_a_guess(
    powercap: Path, reading: int, elapsed_s: float
) -> None:
    with pytest.raises(MeasurementError, match=r"jumped from 1000000 to \d+ µJ"):
        wrapping(powercap, [reading], elapsed_s)


def test_a_reading_beyond_the_range_is_an_error(powercap: Path) -> None:
    """As small a step as it is: with such a range no wrap could be corrected."""
    (powercap / "intel-rapl:0" / "energy_uj").write_text(str(RANGE_UJ))
    with pytest.raises(MeasurementError, match="jumped from"):
        wrapping(powercap, [RANGE_UJ + 1], 1.0)


def test_the_first_reading_may_hold_a_renewal(powercap: Path) -> None:
    """300 W for a renewal of 1 ms, seen 1 µs after the last reading."""
    assert wrapping(powercap, [1_300_000], 1e-6) == pytest.approx([0.3])


def test_a_second_wrap_that_could_go_unseen_is_an_error(powercap: Path) -> None:
    with pytest.raises(MeasurementError, match="may have wrapped more than once"):
        wrapping(powercap, [2_000_000], 132.0)


def test_the_contract(powercap: Path, tmp_path: Path) -> None:
    check_meter(Rapl(root=powercap))
    check_meter(Rapl(root=tmp_path / "nothing"))


def test_absent_says_so(tmp_path: Path) -> None:
    meter = Rapl(root=tmp_path / "powercap")
    assert meter.unavailable() == f"rapl no {tmp_path}/powercap on this machine"
    with pytest.raises(MeasurementError, match="on this machine"), meter.watch():
        pass


def test_a_machine_without_packages(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0", "psys")
    assert "no processor package" in str(Rapl(root=tmp_path).unavailable())


@pytest.mark.parametrize("file", ["energy_uj", "max_energy_range_uj"])
def test_nonsense_is_no_measurement(powercap: Path, file: str) -> None:
    (powercap / "intel-rapl:1" / file).write_text("")
    reason = str(Rapl(root=powercap).unavailable())
    assert f"intel-rapl:1/{file} cannot be read" in reason


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
    assert "intel-rapl:0/energy_uj may not be read; to do: let an adm" in reason
    assert reason.endswith(f"chmod o+r {powercap}/intel-rapl:*/energy_uj")


def test_a_counter_that_vanishes_meanwhile(powercap: Path) -> None:
    with Rapl(root=powercap).watch() as watch:
        (powercap / "intel-rapl:1" / "energy_uj").unlink()
        vanished(watch)


def vanished(watch: Watch) -> None:
    with pytest.raises(MeasurementError, match="cannot be read"):
        watch.joules()
