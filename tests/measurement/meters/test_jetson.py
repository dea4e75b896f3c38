"""The module's meter against a made-up hwmon tree."""

from pathlib import Path

import pytest

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.jetson import Jetson
from pipeline.testing import check_meter

NEVER_S = 1000.0
Rails = dict[str, tuple[int, int]]


def monitor(root: Path, number: int, rails: Rails, kind: str = "ina3221") -> Path:
    """Write labels, millivolts and milliamperes of channels 1, 2, …."""
    path = root / f"hwmon{number}"
    path.mkdir(parents=True)
    (path / "name").write_text(f"{kind}\n")
    for channel, (label, (millivolts, milliamperes)) in enumerate(rails.items(), 1):
        (path / f"in{channel}_label").write_text(f"{label}\n")
        (path / f"in{channel}_input").write_text(f"{millivolts}\n")
        (path / f"curr{channel}_input").write_text(f"{milliamperes}\n")
    return path


@pytest.fixture
def orin_nano(tmp_path: Path) -> Path:
    """5 V times 1.2 A: 6 W at the input, and two rails that it feeds."""
    monitor(tmp_path, 0, {"other": (1, 1)}, kind="cpu_thermal")
    rails = {
        "VDD_IN": (5000, 1200),
        "VDD_CPU_GPU_CV": (5000, 400),
        "VDD_SOC": (5000, 300),
    }
    monitor(tmp_path, 1, rails)
    return tmp_path


def watch_ramp(meter: Jetson, change: Path, to: int, seconds: float) -> float:
    now = [0.0]
    with meter.watch(lambda: now[0]) as watch:
        now[0] = seconds
        change.write_text(f"{to}\n")
        return watch.joules()


def test_the_input_rail_is_the_complete_module(orin_nano: Path) -> None:
    """6 W rise to 10 W over 2 s: 16 J."""
    meter = Jetson(root=orin_nano, period_s=NEVER_S)
    current = orin_nano / "hwmon1" / "curr1_input"
    assert watch_ramp(meter, current, 2000, 2.0) == pytest.approx(16.0)
    with meter.watch() as watch:
        assert watch.of == ("VDD_IN",)


def test_rails_of_two_monitors_add_up(tmp_path: Path) -> None:
    """10 W, 4 W and 2 W; the third of the first monitor is left out."""
    first = {
        "VDD_GPU_SOC": (20_000, 500),
        "VDD_CPU_CV": (20_000, 200),
        "VIN_SYS_5V0": (5000, 900),
    }
    monitor(tmp_path, 0, first)
    last = monitor(tmp_path, 1, {"VDDQ_VDD2_1V8AO": (5000, 400)})
    meter = Jetson(root=tmp_path, period_s=NEVER_S)
    assert watch_ramp(meter, last / "curr1_input", 400, 0.5) == pytest.approx(8.0)


def test_rails_that_a_user_names(tmp_path: Path) -> None:
    monitor(tmp_path, 0, {"CPU": (5000, 200), "GPU": (5000, 400)})
    assert "not known: CPU, GPU" in str(Jetson(root=tmp_path).unavailable())
    named = Jetson(root=tmp_path, rails=("CPU",))
    assert named.unavailable() is None
    check_meter(named)


def test_the_monitors_own_interval(orin_nano: Path) -> None:
    (orin_nano / "hwmon1" / "update_interval").write_text("35\n")
    with Jetson(root=orin_nano).watch() as watch:
        assert watch.renewal_s == 0.035


def test_the_contract(orin_nano: Path, tmp_path: Path) -> None:
    check_meter(Jetson(root=orin_nano))
    check_meter(Jetson(root=tmp_path / "nothing"))
    reason = Jetson(root=tmp_path / "nothing").unavailable()
    assert reason == f"jetson no power monitor below {tmp_path}/nothing"


def test_a_rail_that_vanishes_meanwhile(orin_nano: Path) -> None:
    with Jetson(root=orin_nano, period_s=NEVER_S).watch() as watch:
        (orin_nano / "hwmon1" / "curr1_input").unlink()
        with pytest.raises(MeasurementError, match="curr1_input: cannot be read"):
            watch.joules()


def test_nonsense_is_no_measurement(orin_nano: Path) -> None:
    (orin_nano / "hwmon1" / "in1_input").write_text("much\n")
    reason = str(Jetson(root=orin_nano).unavailable())
    assert "in1_input cannot be read: invalid literal" in reason
