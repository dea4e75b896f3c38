"""The time of one window on this machine."""

import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from pipeline.profiling.profile import ProfilingSettings
    from pipeline.training.batches import Windows

WARM_UP = 3


def latency(
    network: "nn.Module", windows: "Windows", settings: "ProfilingSettings"
) -> dict[str, Any]:
    """Time one window on this machine: one thread, a batch of one.

    Parameters
    ----------
    network : nn.Module
    windows : Windows
        The first one is used.
    settings : ProfilingSettings

    Returns
    -------
    measured : dict
        `latency`, and the `machine`.
    """
    with inference(network, windows) as infer:
        seconds = median_s(infer, settings.latency_repeats)
    return {
        "latency": {
            "median_ms_per_window": seconds * 1e3,
            "real_time_factor": seconds / (windows.n_steps * windows.dt),
            "repeats": settings.latency_repeats,
        },
        "machine": {"system": platform.platform(), "processor": processor()},
    }


@contextmanager
def inference(network: "nn.Module", windows: "Windows") -> Iterator[Callable[[], None]]:
    """Give a function that runs the first window once, on one thread."""
    import torch

    from pipeline.networks.parts.deployed import deployed
    from pipeline.training.devices import one_thread

    window = windows.spikes(torch.arange(1))
    ready = deployed(network)

    def infer() -> None:
        """Decide about one window."""
        with torch.inference_mode():
            ready(window)

    with one_thread():
        yield infer


def median_s(work: Callable[[], None], repeats: int) -> float:
    """Time repeated work after a warm-up; returns the median in seconds."""
    times = []
    for _ in range(WARM_UP + repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[WARM_UP:])


def processor() -> str:
    """Name this machine's processor, as far as the system reports it."""
    return platform.processor() or platform.machine()
