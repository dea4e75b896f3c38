"""Time the spike codes side by side: `python benchmarks/encoders.py`.

A 30-minute, 2-channel recording at 360 Hz, one thread. `snntorch.spikegen.delta` does
less (it thresholds the difference of neighbours and keeps no reference) and holds the
recording as one tensor; the plain twin gives our bits without compiled code.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from snntorch import spikegen

from pipeline.encoders.delta import Delta
from pipeline.encoders.rate import Rate
from pipeline.encoding import encode
from pipeline.files import Signal
from pipeline.kernels.step_forward import plain_step_forward

REPEATS = 5


def recording() -> Signal:
    """Make noise that is smooth over a tenth of a second, of unit RMS."""
    noise = np.random.default_rng(0).normal(size=(2, 650_000 + 35))
    smooth = np.stack([np.convolve(row, np.ones(36), "valid") / 6 for row in noise])
    return Signal(smooth.astype(np.float32), 360.0, ("I", "II"), ("", ""), 0.0)


def contestants(signal: Signal) -> dict[str, Callable[[], object]]:
    """Name what is timed; encoders of ours from samples to packed spikes."""
    rng, delta, rate = np.random.default_rng(1), Delta(), Rate()
    steps = torch.from_numpy(signal.samples.T.copy())
    unit = steps.abs().div(rate.full_scale).clamp(max=1)
    start = delta.initial_state(2, signal.sfreq, rng)
    return {
        "delta": lambda: encode(delta, signal, rng),
        "delta, plain twin": lambda: plain_step_forward(
            signal.samples, start, delta.threshold
        ),
        "spikegen.delta": lambda: spikegen.delta(
            steps, threshold=delta.threshold, off_spike=True
        ),
        "rate": lambda: encode(rate, signal, rng),
        "spikegen.rate": lambda: spikegen.rate(unit, time_var_input=True),
    }


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Time every contestant in turn, several rounds; print medians."""
    torch.set_num_threads(1)
    signal = recording()
    named = contestants(signal)
    first = seconds(named["delta"])
    rounds = [
        {name: seconds(run) for name, run in named.items()} for _ in range(REPEATS)
    ]
    medians = {name: statistics.median(r[name] for r in rounds) for name in named}
    table = Table("code", "median ms", "Msamples/s", "times ours")
    for name, median in medians.items():
        ours = medians["rate" if "rate" in name else "delta"]
        speed = signal.samples.size / median / 1e6
        table.add_row(
            name, f"{median * 1e3:.1f}", f"{speed:.1f}", f"{median / ours:.2f}"
        )
    Console().print(table, f"first call of delta, with numba's start: {first:.2f} s")


if __name__ == "__main__":
    main()
