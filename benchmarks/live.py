"""Time what a live decision takes: filter, code and network, 10 ms at a time.

Run `python benchmarks/live.py`.

Eight channels at 1000 Hz of noise come in chunks of ten samples, as they do from an
amplifier. Each is filtered, resampled, scaled, coded by `delta` and passed through a
network with its states; a decision is taken each second. Two times of each chunk: by
the clock, and of this process on its core, which other programs do not lengthen.
"""

import argparse
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from pipeline.components import find
from pipeline.live.decider import LiveDecider
from pipeline.networks.base import Shape
from pipeline.neurons.leaky import Leaky

SFREQ, N_CHANNELS, CHUNK, DT = 1000.0, 8, 10, 1 / 250
SIGNAL = {"l_freq": 20, "h_freq": 110, "notch": 50, "sfreq": 250,
          "scale": {"tau_s": 5, "floor": 1e-6}}  # fmt: skip
NETWORKS: dict[str, dict[str, Any]] = {
    "convolutional, rates": {"name": "convolutional"},
    "convolutional, traces": {"name": "convolutional", "read_out": "traces"},
    "dense, count": {"name": "dense", "read_out": "count"},
    "recurrent, membrane": {"name": "recurrent", "read_out": "membrane"},
}


def decider(settings: dict[str, Any]) -> LiveDecider:
    """Make a cell of random weights that decides six classes."""
    own = dict(settings)
    network = find("networks", own.pop("name")).model_validate(own)
    code = find("encoders", "delta").model_validate({"threshold": 0.3})
    channels = tuple(f"C{k}" for k in range(N_CHANNELS))
    labels = tuple("ABCDEF")
    shape = Shape(100, len(code.features(channels)), len(labels), DT)
    torch.manual_seed(0)
    cell = SimpleNamespace(
        name="live",
        labels=labels,
        network=network,
        encoder=code,
        memory_s=None,
        run={"settings": {"signal": SIGNAL, "seed": 0}},
    )
    built = network.build(shape, Leaky(tau_mem_s=0.05)).eval()
    fold: Any = SimpleNamespace(cell=cell, network=built, shape=shape)
    return LiveDecider(fold, channels, SFREQ, 1.0)


def times_ms(live: LiveDecider, samples: np.ndarray) -> np.ndarray:
    """Time every chunk: (2, chunk), by the clock and of the process."""
    found = []
    for chunk in np.split(samples, samples.shape[1] // CHUNK, axis=1):
        begun = time.perf_counter_ns(), time.thread_time_ns()
        live.push(chunk)
        ended = time.perf_counter_ns(), time.thread_time_ns()
        found.append([ended[k] - begun[k] for k in range(2)])
    return np.array(found).T / 1e6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="of signal (60)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    warm = rng.normal(0, 3e-5, (N_CHANNELS, 3000))
    samples = rng.normal(0, 3e-5, (N_CHANNELS, asked.seconds * 1000))
    table = Table("ms for 10 ms, 8 channels", "median", "99 %", "on the core", "99 %")
    for name, settings in NETWORKS.items():
        live = decider(settings)
        times_ms(live, warm)
        clock, core = times_ms(live, samples)
        quantiles = [
            f"{q:.3f}" for t in (clock, core) for q in np.percentile(t, (50, 99))
        ]
        table.add_row(name, *quantiles)
    Console().print(table)


if __name__ == "__main__":
    main()
