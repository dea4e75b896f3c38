"""Time what a live decision takes: filter, code and network, 10 ms at a time.

Run `python benchmarks/live.py`.

Eight channels at 1000 Hz of noise come in chunks of ten samples, as they do from an
amplifier. Each is filtered, resampled, scaled, coded by `delta` and passed through a
network with its states; a decision is taken each second. The same signal passes several
times, from the start: of each chunk the fastest counts, for other programs make it only
slower, and the quantiles are over chunks.
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
    """Pass a signal from the start, and time every chunk."""
    live.reset()
    found = []
    for chunk in np.split(samples, samples.shape[1] // CHUNK, axis=1):
        begun = time.perf_counter_ns()
        live.push(chunk)
        found.append(time.perf_counter_ns() - begun)
    return np.array(found) / 1e6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="of signal (60)")
    parser.add_argument("--passes", type=int, default=7, help="of each network (7)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 3e-5, (N_CHANNELS, asked.seconds * 1000))
    table = Table("ms for 10 ms, 8 channels", "median", "99 %", "with others: 99 %")
    for name, settings in NETWORKS.items():
        live = decider(settings)
        times_ms(live, samples[:, :2000])
        passes = np.array([times_ms(live, samples) for _ in range(asked.passes)])
        middle, late = np.percentile(passes.min(0), (50, 99))
        every = np.percentile(passes, 99)
        table.add_row(name, f"{middle:.3f}", f"{late:.3f}", f"{every:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
