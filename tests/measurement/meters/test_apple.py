"""The meter of Apple silicon against a made-up library."""

import platform
import sys
from types import ModuleType, SimpleNamespace

import pytest

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.apple import Apple
from pipeline.testing import check_meter


class Monitor:
    """Counters in millijoules; no memory of the GPU, as on older chips."""

    counters = SimpleNamespace()

    def get_cumulative_energy(self) -> SimpleNamespace:
        if self.counters is None:
            raise RuntimeError("no report")
        return SimpleNamespace(**vars(self.counters))


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> type[Monitor]:
    Monitor.counters = SimpleNamespace(
        cpu_total_mj=1000,
        dram_mj=200,
        gpu_mj=30,
        gpu_sram_mj=None,
        ane_mj=4,
        efficiency_cluster_mj=[900],
    )
    library = ModuleType("zeus_apple_silicon")
    library.AppleEnergyMonitor = Monitor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", library)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    return Monitor


def test_parts_add_up_once(mac: type[Monitor]) -> None:
    with Apple().watch() as watch:
        mac.counters.cpu_total_mj += 500
        mac.counters.dram_mj += 250
        mac.counters.efficiency_cluster_mj[0] += 400
        assert watch.joules() == pytest.approx(0.75)
    assert watch.of == ("processors", "memory", "GPU", "neural engine")
    assert "estimated" in watch.note


def test_the_contract(mac: type[Monitor], monkeypatch: pytest.MonkeyPatch) -> None:
    check_meter(Apple())
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    check_meter(Apple())
    assert Apple().unavailable() == "apple this is no Mac with Apple silicon"


def test_without_the_library(
    mac: type[Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", None)
    assert str(Apple().unavailable()).endswith("pip install zeus-apple-silicon")


def test_counters_that_fail_meanwhile(mac: type[Monitor]) -> None:
    with Apple().watch() as watch:
        mac.counters.gpu_mj -= 1
        with pytest.raises(MeasurementError, match="counted from"):
            watch.joules()
        mac.counters = None  # type: ignore[assignment]
        with pytest.raises(MeasurementError, match="no report"):
            watch.joules()


def test_processors_must_be_reported(mac: type[Monitor]) -> None:
    mac.counters.cpu_total_mj = None
    assert "the processors' energy" in str(Apple().unavailable())
