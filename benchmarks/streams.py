"""Time networks that run on beside networks that restart.

Run `python benchmarks/streams.py`.

Simulated spikes of the size of 22 records of half an hour, four features at 120 Hz, and
a decision every 0.8 s, as heart beats come: 39,600 s of signal. The same convolutional
network of leaky neurons learns from all decisions once, forwards and backwards, by
segments of 10 s (running on) and by windows of 2.6 s (restarting), and then predicts
all of them. Both take turns; medians of some batches are scaled to all decisions.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from pipeline.components import find
from pipeline.networks.base import Shape
from pipeline.neurons.leaky import Leaky
from pipeline.training.batches import Batch, Windows
from pipeline.training.fitting import predict
from pipeline.training.losses import differentiate
from pipeline.training.settings import TrainingSettings
from pipeline.training.stretches import Stretches

N_RECORDS, SECONDS, RATE, N_FEATURES = 22, 1800, 120, 4
BEAT_STEPS, WINDOW_STEPS, N_CLASSES = 96, 312, 4
SETTINGS = TrainingSettings()


def stretches() -> Stretches:
    """Make the records."""
    rng = np.random.default_rng(0)
    length = SECONDS * RATE
    trains = (rng.random((N_RECORDS * length, N_FEATURES)) < 0.06).astype(np.uint8)
    steps = torch.arange(BEAT_STEPS, length, BEAT_STEPS)
    n_decisions = N_RECORDS * len(steps)
    return Stretches(
        torch.from_numpy(trains),
        torch.arange(N_RECORDS) * length,
        torch.full((N_RECORDS,), length),
        torch.arange(N_RECORDS).repeat_interleave(len(steps)),
        steps.repeat(N_RECORDS),
        torch.from_numpy(rng.integers(0, N_CLASSES, n_decisions)),
        WINDOW_STEPS,
        1 / RATE,
    )


def network(name: str) -> torch.nn.Module:
    """Make the network."""
    shape = Shape(WINDOW_STEPS, N_FEATURES, N_CLASSES, 1 / RATE)
    torch.manual_seed(0)
    return find("networks", name)().build(shape, Leaky(tau_mem_s=0.05))


def batches(examples: Windows | Stretches) -> Iterator[Batch]:
    """Draw batches without end."""
    rng = np.random.default_rng(1)
    while True:
        yield from examples.batches(SETTINGS, rng)


def pass_s(learner: torch.nn.Module, drawn: Iterator[Batch], total: int) -> float:
    """Scale the time of a training step to a pass over so many decisions."""
    batch = next(drawn)
    begun = time.perf_counter()
    differentiate(learner, batch, SETTINGS)
    return (time.perf_counter() - begun) * total / len(batch.targets)


def timed(work: Callable[[], object]) -> float:
    """Time one call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--network", default="convolutional")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    running = stretches()
    ways: dict[str, Windows | Stretches] = {
        "running on": running,
        "restarting": running.windows(),
    }
    n_decisions = len(running.targets)
    learners = {way: network(asked.network).train() for way in ways}
    drawn = {way: batches(examples) for way, examples in ways.items()}
    rounds = [
        {way: pass_s(learners[way], drawn[way], n_decisions) for way in ways}
        for _ in range(asked.rounds + 2)
    ][2:]
    predicted = {
        way: timed(
            lambda e=e, w=way: predict(learners[w], e, torch.arange(n_decisions))
        )
        for way, e in ways.items()
    }
    table = Table("", "a training pass, s", "prediction, s", "prediction, × real time")
    for way in ways:
        learned = statistics.median(each[way] for each in rounds)
        real_time = N_RECORDS * SECONDS / predicted[way]
        table.add_row(
            way, f"{learned:.1f}", f"{predicted[way]:.1f}", f"{real_time:.0f}"
        )
    ratio = statistics.median(r["restarting"] / r["running on"] for r in rounds)
    faster = predicted["restarting"] / predicted["running on"]
    table.add_row("restarting ÷ running on", f"{ratio:.1f}", f"{faster:.1f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
