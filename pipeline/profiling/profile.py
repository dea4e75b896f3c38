"""What a cell costs: counted and estimated, and, apart from these, measured.

Counts and estimates are the same on every machine of a kind; measurements are of this
one. The two are never added up or put into one file.
"""

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.components import Settings, available, find
from pipeline.encoders.base import Encoder
from pipeline.errors import MeasurementError
from pipeline.meters.base import Meter
from pipeline.profiling.counts import RULES, Counted, Neurons, pooled
from pipeline.profiling.energy import TABLES, estimate

if TYPE_CHECKING:
    from torch import nn

    from pipeline.training.batches import Windows

COUNTED_AT_ONCE = 64
LEARNED_ON = 64
WARM_UP = 3


class ProfilingSettings(Settings):
    """How a cell is profiled."""

    windows_per_fold: Annotated[
        int, Field(ge=1, description="test windows of each fold that are counted")
    ] = 256
    latency_repeats: Annotated[
        int, Field(ge=1, description="runs of one window whose median is the latency")
    ] = 50
    meter_s: Annotated[
        float, Field(gt=0, le=600, description="seconds of work that a meter watches")
    ] = 2.0


def evenly(table: pd.DataFrame, at_most: int) -> pd.DataFrame:
    """Choose rows at equal distances, so that classes keep their shares."""
    rows = np.linspace(0, len(table) - 1, min(at_most, len(table))).round()
    return table.iloc[rows.astype(int)]


def profile(
    folds: "Sequence[tuple[nn.Module, Windows]]", encoder: Encoder[Any]
) -> dict[str, Any]:
    """Count what the networks of a cell do, and estimate the energy of it.

    Parameters
    ----------
    folds : sequence of (nn.Module, Windows)
        Each fold's network with test windows of that fold.
    encoder : Encoder
        What made the windows' spikes.

    Returns
    -------
    bill : dict
        `counted`, means over all windows of all folds, under the `assumptions`;
        `estimated`, by cost table, each with its own.

    Raises
    ------
    MeasurementError
        A network has a layer that cannot be counted.
    """
    from pipeline.training.devices import repeatable

    with repeatable(0):
        counted = pooled([count_windows(*fold) for fold in folds])
    operations = encoder_operations(encoder, folds[0][1])
    return {
        "counted": {**describe(counted), "encoder_per_window": operations},
        "estimated": {
            name: estimate(counted, operations, table) for name, table in TABLES.items()
        },
        "assumptions": list(RULES),
    }


def count_windows(network: "nn.Module", windows: "Windows") -> Counted:
    """Count what a network does over windows, some at a time."""
    import torch

    from pipeline.profiling.operations import count

    every = torch.arange(len(windows.first))
    starts = range(0, len(every), COUNTED_AT_ONCE)
    batches = (windows.spikes(every[s : s + COUNTED_AT_ONCE]) for s in starts)
    return pooled([count(network, spikes, dt=windows.dt) for spikes in batches])


def learning(network: "nn.Module", windows: "Windows") -> dict[str, Any] | None:
    """Count the memory that a layer's pair rule would touch if it learned on.

    The first windows follow each other without a pause, and weights stay as they are.

    Returns
    -------
    bill : dict or None
        As `learning_bill` gives it; None if no layer learns by pairs of spikes.
    """
    import torch

    from pipeline.kernels._plasticity import decays
    from pipeline.networks._plastic import Competing
    from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
    from pipeline.plasticity.pair import Pair
    from pipeline.profiling.learning_bill import learning_bill
    from pipeline.training.local import heard_and_told

    layers = [m for m in network.modules() if isinstance(m, Competing)]
    rules = layers[0].population.rules if layers else ()
    pairs = [rule for rule in rules if isinstance(rule, Pair)]
    if not pairs:
        return None
    population = layers[0].population
    rows = torch.arange(min(LEARNED_ON, len(windows.first)))
    pre, post = heard_and_told(network, windows.spikes(rows))
    return learning_bill(
        pre,
        post,
        dt=population.dt,
        pre_decay=decays(pairs[0].tau_pre_s, population.n_pre, population.dt),
        post_decay=decays(pairs[0].tau_post_s, population.n_post, population.dt),
        theta=getattr(pairs[0], "theta", 0.0),
        precision=getattr(pairs[0], "precision", "float32"),
        adaptive_threshold=any(isinstance(r, AdaptiveThreshold) for r in rules),
    )


def encoder_operations(
    encoder: Encoder[Any], windows: "Windows"
) -> dict[str, int] | None:
    """Count the encoder's operations a window, at most; None if it does not say."""
    operations = encoder.operations()
    if operations is None:
        return None
    n_channels = windows.n_features // len(encoder.features(("channel",)))
    n_samples = windows.n_steps * n_channels
    return {kind: n_samples * number for kind, number in operations.items()}


def describe(counted: Counted) -> dict[str, Any]:
    """Put counts into words: a window (one inference) and a second of signal.

    A second is a window's count over its length: windows that follow each other.
    """
    windows, window_s = counted.n_windows, counted.window_s
    totals = {
        "effective_acs": counted.effective_acs,
        "effective_macs": counted.effective_macs,
        "dense_operations": counted.dense_operations,
        "membrane_updates": counted.membrane_updates,
        "membrane_multiplications": counted.membrane_multiplications,
    }
    return {
        "n_windows": windows,
        "window_s": window_s,
        "per_window": {k: v / windows for k, v in totals.items()},
        "per_second": {k: v / windows / window_s for k, v in totals.items()},
        "activation_sparsity": counted.activation_sparsity,
        "connection_sparsity": counted.connection_sparsity,
        "parameters": counted.parameters,
        "footprint_bytes": counted.footprint_bytes,
        "layers": _layers(counted),
    }


def _layers(counted: Counted) -> dict[str, dict[str, Any]]:
    """Put each layer's counts into words, a window each."""
    windows = counted.n_windows
    synapses = {
        layer.name: {
            "effective_macs" if layer.graded else "effective_acs": layer.effective
            / windows,
            "dense_operations": layer.dense / windows,
            "connection_sparsity": layer.zero_weights / layer.weights,
        }
        for layer in counted.synapses
    }
    neurons = {
        layer.name: {
            "membrane_updates": layer.updates / windows,
            "membrane_multiplications": layer.multiplications / windows,
            **_sparsity(layer),
        }
        for layer in counted.neurons
    }
    return synapses | neurons


def _sparsity(layer: Neurons) -> dict[str, float]:
    """Give the share of outputs that were 0, of neurons that give any."""
    if not layer.outputs:
        return {}
    return {"activation_sparsity": 1 - layer.nonzero / layer.outputs}


def measure(
    network: "nn.Module", windows: "Windows", settings: ProfilingSettings
) -> dict[str, Any]:
    """Measure what one window takes on this machine: one thread, a batch of one.

    Parameters
    ----------
    network : nn.Module
    windows : Windows
        The first one is used.
    settings : ProfilingSettings

    Returns
    -------
    measured : dict
        `latency`; `meters` by name, each with joules or the reason there are none; and
        the `machine`.
    """
    import torch

    from pipeline.profiling.operations import deployed
    from pipeline.training.devices import repeatable

    window = windows.spikes(torch.arange(1))
    ready = deployed(network)

    def infer() -> None:
        with torch.inference_mode():
            ready(window)

    with repeatable(0):
        latency_s = median_s(infer, settings.latency_repeats)
        repeats = ceil(settings.meter_s / latency_s)
        meters = {m: metered(_meter(m), infer, repeats) for m in available("meters")}
    return {
        "latency": {
            "median_ms_per_window": latency_s * 1e3,
            "real_time_factor": latency_s / (windows.n_steps * windows.dt),
            "repeats": settings.latency_repeats,
        },
        "meters": meters,
        "machine": {"system": platform.platform(), "processor": processor()},
    }


def median_s(work: Callable[[], None], repeats: int) -> float:
    """Time work some times over, after a warm-up; the median, in seconds."""
    times = []
    for _ in range(WARM_UP + repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[WARM_UP:])


def metered(meter: Meter, work: Callable[[], None], repeats: int) -> dict[str, Any]:
    """Measure the energy of work done some times over, or say why it is absent."""

    def all_of_it() -> None:
        for _ in range(repeats):
            work()

    if reason := meter.unavailable():
        return {"absent": reason}
    try:
        joules = meter.measure(all_of_it)
    except MeasurementError as error:
        return {"absent": f"{error.where} {error.found}"}
    return {"energy_j_per_window": joules / repeats, "windows": repeats}


def _meter(name: str) -> Meter:
    return cast("Meter", find("meters", name)())


def processor() -> str:
    """Name this machine's processor, as far as the system tells."""
    return platform.processor() or platform.machine()
