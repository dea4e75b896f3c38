"""The GPU meter against a made-up management library."""

import sys
from types import ModuleType
from typing import Any

import pytest

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.nvml import Nvml
from pipeline.testing import check_meter


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(f"error {value}")
        self.value = value


class Fake(ModuleType):
    """GPUs as dictionaries: name, uuid, mJ (or None), mW."""

    NVMLError = NVMLError
    NVML_ERROR_NOT_SUPPORTED = 3

    def __init__(self, *gpus: dict[str, Any]) -> None:
        super().__init__("pynvml")
        self.gpus, self.open, self.broken = gpus, 0, 0

    def _answer(self, value: Any) -> Any:
        if self.broken:
            raise NVMLError(self.broken)
        return value

    def nvmlInit(self) -> None:  # noqa: N802
        self._answer(None)
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1
        self._answer(None)

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: N802
        return self._answer(self.gpus[index])

    def nvmlDeviceGetName(self, gpu: Any) -> str:  # noqa: N802
        return str(gpu["name"])

    def nvmlDeviceGetUUID(self, gpu: Any) -> str:  # noqa: N802
        return str(gpu["uuid"])

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: Any) -> int:  # noqa: N802
        if gpu["mj"] is None:
            raise NVMLError(3)
        return int(self._answer(gpu["mj"]))

    def nvmlDeviceGetPowerUsage(self, gpu: Any) -> int:  # noqa: N802
        return int(self._answer(gpu["mw"]))


def gpu(
    name: str, uuid: str, mj: int | None = 5000, mw: int = 40_000
) -> dict[str, Any]:
    return {"name": name, "uuid": uuid, "mj": mj, "mw": mw}


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Two GPUs of two kinds, both seen."""
    fake = Fake(gpu("H200", "GPU-aa"), gpu("T4", "GPU-bb"))
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    return fake


def test_the_contract(nvml: Fake) -> None:
    check_meter(Nvml())
    assert nvml.open == 0


def test_counters_of_all_gpus_add_up(nvml: Fake) -> None:
    with Nvml().watch() as watch:
        nvml.gpus[0]["mj"] += 1500
        nvml.gpus[1]["mj"] += 250
        assert watch.joules() == pytest.approx(1.75)
        nvml.gpus[1]["mj"] += 250
        assert watch.joules() == pytest.approx(2.0)
    assert watch.of == ("H200", "T4")
    assert watch.renewal_s is None
    assert nvml.open == 0


def test_power_is_sampled_where_nothing_counts(nvml: Fake) -> None:
    """40 W falls to 20 W over 3 s: 90 J; the other GPU counts 1 J."""
    nvml.gpus[1]["mj"] = None
    now = [0.0]
    with Nvml(period_s=1000).watch(lambda: now[0]) as watch:
        now[0], nvml.gpus[1]["mw"] = 3.0, 20_000
        nvml.gpus[0]["mj"] += 1000
        assert watch.joules() == pytest.approx(91)
    assert watch.renewal_s == 1.0
    check_meter(Nvml())


def test_a_driver_loaded_anew_is_an_error(nvml: Fake) -> None:
    with Nvml().watch() as watch:
        nvml.gpus[0]["mj"] = 3
        with pytest.raises(MeasurementError, match="counted back from 5000 to 3"):
            watch.joules()


@pytest.mark.parametrize("counts", [True, False])
def test_a_gpu_lost_meanwhile(nvml: Fake, counts: bool) -> None:
    nvml.gpus[0]["mj"] = 1 if counts else None
    with Nvml(period_s=1000).watch() as watch:
        nvml.broken = 15
        with pytest.raises(MeasurementError, match=r"H200: nvmlDevice.*error 15"):
            watch.joules()
    assert nvml.open == 0


@pytest.mark.parametrize(
    ("seen", "names"),
    [
        ("GPU-bb", ("T4",)),
        ("GPU-b, GPU-aa", ("T4", "H200")),
        ("GPU-aa,GPU-zz,GPU-bb", ("H200",)),
    ],
)
def test_only_gpus_the_process_may_see(
    nvml: Fake, monkeypatch: pytest.MonkeyPatch, seen: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    with Nvml().watch() as watch:
        assert watch.of == names


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ("", "it leaves no GPU"),
        ("-1", "it leaves no GPU"),
        ("GPU-", "it leaves no GPU"),
        ("1", "several kinds in an order that is not known"),
        ("MIG-aa/1/0", "a part of a GPU"),
    ],
)
def test_none_or_unknown_gpus(
    nvml: Fake, monkeypatch: pytest.MonkeyPatch, seen: str, found: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    assert found in str(Nvml().unavailable())
    check_meter(Nvml())


def test_numbers_in_the_order_of_the_bus(
    nvml: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    with Nvml().watch() as watch:
        assert watch.of == ("T4",)


def test_without_the_library_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    reason = Nvml().unavailable()
    assert reason == "nvml needs nvidia-ml-py; to do: pip install nvidia-ml-py"


def test_without_a_driver_or_a_gpu(nvml: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml.broken = 12
    assert Nvml().unavailable() == "nvml does not start (error 12)"
    monkeypatch.setitem(sys.modules, "pynvml", Fake())
    assert Nvml().unavailable() == "nvml finds no GPU"
