"""NVIDIA's GPUs, through their management library."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

from pydantic import Field

from pipeline.errors import MeasurementError
from pipeline.measurement.meters.base import Clock, Meter, Watch, reason
from pipeline.measurement.meters.parts.sampling import sampled

AVERAGED_S = 1.0
"""Newer GPUs report the mean power over so many seconds (NVML's reference)."""


@dataclass(frozen=True)
class Gpu:
    """One GPU: its handle in NVML, and its name."""

    library: Any
    handle: Any
    name: str
    uuid: str

    def ask(self, question: str) -> int:
        """Ask NVML about this GPU.

        Raises
        ------
        MeasurementError
            NVML does not answer.
        """
        try:
            answer: int = getattr(self.library, question)(self.handle)
        except self.library.NVMLError as error:
            raise MeasurementError(self.name, f"{question}: {error}") from error
        return answer


class Nvml(Meter):
    """Energy of the boards of all GPUs that this process may see.

    A GPU's own counter of millijoules is read where it has one (Volta and newer);
    elsewhere its power is sampled. `CUDA_VISIBLE_DEVICES` is read as CUDA reads it. It
    needs the package nvidia-ml-py: `pip install nvidia-ml-py`.

    References
    ----------
    NVIDIA, NVML API Reference: nvmlDeviceGetTotalEnergyConsumption,
    nvmlDeviceGetPowerUsage.
    """

    period_s: Annotated[
        float, Field(gt=0, description="seconds between samples, of GPUs that need it")
    ] = 0.05

    def unavailable(self) -> str | None:
        """Give the reason why this meter cannot measure here; None if it can."""
        try:
            with _opened() as library:
                for gpu in visible(_gpus(library), os.environ.get):
                    if not _counts(gpu):
                        gpu.ask("nvmlDeviceGetPowerUsage")
        except MeasurementError as error:
            return reason(error)
        return None

    @contextmanager
    def watch(self, clock: Clock = time.perf_counter) -> Iterator[Watch]:
        """Begin to count the energy of the GPUs.

        Raises
        ------
        MeasurementError
            There is no library, driver or GPU, or a GPU does not report its energy.
        """
        with _opened() as library, ExitStack() as stack:
            gpus = visible(_gpus(library), os.environ.get)
            each = [
                stack.enter_context(_joules(gpu, self.period_s, clock)) for gpu in gpus
            ]
            counted = all(_counts(gpu) for gpu in gpus)
            yield Watch(
                lambda: sum(joules() for joules in each),
                tuple(gpu.name for gpu in gpus),
                None if counted else AVERAGED_S,
            )


@contextmanager
def _opened() -> Iterator[Any]:
    """Start the library, and shut it down again."""
    try:
        library: Any = import_module("pynvml")
    except ImportError:
        raise MeasurementError(
            "nvml", "needs nvidia-ml-py", remedy="pip install nvidia-ml-py"
        ) from None
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        raise MeasurementError("nvml", f"does not start ({error})") from error
    try:
        yield library
    finally:
        with suppress(library.NVMLError):
            library.nvmlShutdown()


def _gpus(library: Any) -> list[Gpu]:
    """List all GPUs of the machine, in the order of their places on the bus."""
    try:
        handles = map(
            library.nvmlDeviceGetHandleByIndex, range(library.nvmlDeviceGetCount())
        )
        found = [
            Gpu(library, h, library.nvmlDeviceGetName(h), library.nvmlDeviceGetUUID(h))
            for h in handles
        ]
    except library.NVMLError as error:
        raise MeasurementError("nvml", f"does not list GPUs ({error})") from error
    if not found:
        raise MeasurementError("nvml", "finds no GPU")
    return found


def visible(gpus: Sequence[Gpu], variable: Callable[[str], str | None]) -> list[Gpu]:
    """Choose the GPUs that CUDA would show to this process.

    Parameters
    ----------
    gpus : sequence of Gpu
        All, in the order of the bus.
    variable : Callable[[str], str or None]
        The environment.

    Raises
    ------
    MeasurementError
        None is left, one is a part of a GPU, or a number's meaning is not known:
        CUDA counts from the fastest unless `CUDA_DEVICE_ORDER=PCI_BUS_ID`.
    """
    where = "CUDA_VISIBLE_DEVICES"
    if (stated := variable(where)) is None:
        return list(gpus)
    alike = len({gpu.name for gpu in gpus}) == 1
    chosen: list[Gpu] = []
    for entry in map(str.strip, stated.split(",")):
        if entry.startswith("MIG"):
            raise MeasurementError(where, "names a part of a GPU: it has no meter")
        if (
            entry.isdigit()
            and not alike
            and variable("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"
        ):
            raise MeasurementError(
                where,
                "numbers GPUs of several kinds in an order that is not known",
                remedy="set CUDA_DEVICE_ORDER=PCI_BUS_ID",
            )
        found = [g for k, g in enumerate(gpus) if _is(entry, k, g)]
        if len(found) != 1:
            break  # as CUDA does: a wrong entry hides itself and all after it
        chosen += found
    if not chosen:
        raise MeasurementError(where, f"is '{stated}': it leaves no GPU")
    return chosen


def _is(entry: str, number: int, gpu: Gpu) -> bool:
    if entry.isdigit():
        return int(entry) == number
    return entry.startswith("GPU-") and gpu.uuid.startswith(entry)


def _counts(gpu: Gpu) -> bool:
    """Whether a GPU counts its millijoules; any other failure is raised."""
    try:
        gpu.library.nvmlDeviceGetTotalEnergyConsumption(gpu.handle)
    except gpu.library.NVMLError as error:
        if error.value == gpu.library.NVML_ERROR_NOT_SUPPORTED:
            return False
        raise MeasurementError(gpu.name, f"gives no energy ({error})") from error
    return True


def _joules(
    gpu: Gpu, period_s: float, clock: Clock
) -> AbstractContextManager[Callable[[], float]]:
    """Read a GPU's counter or, where it has none, sample its power."""
    if _counts(gpu):
        return nullcontext(_counter(gpu))
    return sampled(_watts(gpu), period_s=period_s, clock=clock)


def _counter(gpu: Gpu) -> Callable[[], float]:
    """Follow a GPU's counter, which starts anew only when its driver is loaded."""
    first = last = gpu.ask("nvmlDeviceGetTotalEnergyConsumption")

    def joules() -> float:
        """Read the energy used so far."""
        nonlocal last
        now = gpu.ask("nvmlDeviceGetTotalEnergyConsumption")
        if now < last:
            raise MeasurementError(gpu.name, f"counted back from {last} to {now} mJ")
        last = now
        return (now - first) / 1e3

    return joules


def _watts(gpu: Gpu) -> Callable[[], float]:
    return lambda: gpu.ask("nvmlDeviceGetPowerUsage") / 1e3
