"""Learn from a live stream by STDP: `python docs/examples/online_stdp.py`.

Raw samples come in, a few at a time, and are forgotten: a causal filter, a running
scale, the delta code, delays, and a population that learns as it lives. Every part has
a state of fixed size, so memory does not grow with time, and any division of the stream
into chunks gives the same spikes and the same weights, bit for bit. Between any two
samples the device may lose its power: what was saved goes on as if nothing had
happened.

The signal is noise with a hill or a valley in it at random moments. No label reaches
the neurons. The script reports how much of each neuron's firing goes to one of
the two shapes before and after learning.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from pipeline.encoders.delta import Delta
from pipeline.encoders.parts.stepwise import StepState
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.normalisation import Normalisation
from pipeline.plasticity.parts.delays import DelayLine
from pipeline.plasticity.parts.population import Population
from pipeline.plasticity.parts.state import LearningState
from pipeline.plasticity.three_variable import ThreeVariable
from pipeline.preparation import causal
from pipeline.preparation.signals import Scale, SignalSettings, design

SFREQ = 250.0
SHAPE_S, PAUSE_S = 0.24, 0.36
UNITS = 16
FILTER = design(
    SignalSettings(l_freq=1, h_freq=40, scale=Scale(tau_s=5, floor=1e-6)), SFREQ
)
CODE = Delta(threshold=0.4)
DELAYS = DelayLine(count=12, every=4)
POPULATION = Population(
    (
        ThreeVariable(
            a_plus=0.037,
            a_minus=0.031,
            tau_pre_s=0.027,
            tau_post_s=0.032,
            dependence="power_law",
        ),
        Normalisation(mean=0.1, every_s=1),
        AdaptiveThreshold(increment=0.1, tau_s=30),
    ),
    2 * DELAYS.count,
    UNITS,
    dt=1 / SFREQ,
    tau_mem_s=0.011,
    tau_syn_s=0.053,
    inhibition=3.0,
    winners=1,
)


class Device(NamedTuple):
    """All that the device remembers."""

    signal: causal.FilterState | None
    code: StepState
    delays: np.ndarray
    population: LearningState


def start(seed: int) -> Device:
    """Switch a new device on."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.2, 0.6, (2 * DELAYS.count, UNITS)).astype(np.float32)
    return Device(
        None,
        CODE.initial_state(1, SFREQ, rng),
        DELAYS.start(2),
        POPULATION.start(weights),
    )


def live(
    device: Device, samples: np.ndarray, *, learning: bool = True
) -> tuple[np.ndarray, Device]:
    """Take in samples (1, time), volts; gives the spikes (time, unit) they cause."""
    prepared, signal = causal.process(samples, device.signal, FILTER)
    bits, code = CODE.encode(prepared, device.code)
    copies, delays = DELAYS.run(bits.T, device.delays)
    spikes = POPULATION.run(device.population, copies, learning=learning)
    return spikes, Device(signal, code, delays, device.population)


def save(device: Device, folder: Path) -> None:
    """Keep everything: the population's state, and the little before it."""
    POPULATION.save(folder / "population.safetensors", device.population)
    signal = {} if device.signal is None else vars(device.signal)
    code = {"values": device.code.values, "thresholds": device.code.thresholds}
    np.savez(folder / "input.npz", delays=device.delays, **code, **signal)


def load(folder: Path) -> Device:
    """Go on where `save` was called."""
    with np.load(folder / "input.npz", allow_pickle=False) as stored:
        arrays = dict(stored)
    delays = arrays.pop("delays")
    kept = {name: arrays.pop(name) for name in ("values", "thresholds")}
    code = replace(CODE.initial_state(1, SFREQ, np.random.default_rng()), **kept)
    signal = causal.FilterState(**arrays) if arrays else None
    population = POPULATION.load(folder / "population.safetensors")
    return Device(signal, code, delays, population)


def stream(seconds: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make noise that hides shapes: samples (1, time) and, for us, which shape is on.

    Returns
    -------
    samples : array, shape (1, time)
    on : array, shape (time,)
        0 or 1 while that shape is on, −1 in the pauses.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(round(SHAPE_S * SFREQ)) / SFREQ
    hill = np.exp(-0.5 * ((time - SHAPE_S / 2) / (SHAPE_S / 6)) ** 2)
    shapes = hill, -hill
    samples = 0.05 * rng.standard_normal(round(seconds * SFREQ))
    on = np.full(len(samples), -1)
    first = round(PAUSE_S * SFREQ)
    while first + len(time) < len(samples):
        which = int(rng.integers(2))
        samples[first : first + len(time)] += shapes[which]
        on[first : first + len(time)] = which
        pause = PAUSE_S * rng.uniform(0.5, 1.5)
        first += len(time) + round(pause * SFREQ)
    return 1e-3 * samples[None], on


def chunks(samples: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Cut a stream into pieces of 1 to 50 samples."""
    first = 0
    while first < samples.shape[1]:
        length = int(rng.integers(1, 51))
        yield samples[:, first : first + length]
        first += length


def selectivity(spikes: np.ndarray, on: np.ndarray) -> float:
    """Compute the share of the firing during shapes at each neuron's favourite shape.

    0.5 if neurons fire for both alike, 1 if each knows its own; neurons count by how
    much they fire.
    """
    fired = np.stack([spikes[on == which].sum(0) for which in (0, 1)])
    return float(fired.max(0).sum() / max(fired.sum(), 1))


def judged(device: Device, seed: int) -> float:
    """Run a copy of the device on another stream without learning."""
    samples, on = stream(60, seed)
    copy = device._replace(population=device.population.copy())
    spikes, _ = live(copy, samples, learning=False)
    return selectivity(spikes, on)


def main(arguments: list[str] | None = None) -> None:
    """Learn, and report the result."""
    parser = argparse.ArgumentParser(
        description="Learn from a live stream by STDP.",
        epilog="The stream comes in pieces of 1 to 50 samples and is not kept.",
    )
    parser.add_argument("--seconds", type=float, default=120, help="of signal (120)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, help="folder to keep the device in")
    given = parser.parse_args(arguments)
    device = start(given.seed)
    console = Console()
    console.print(
        f"Before: {judged(device, given.seed + 1):.2f} of the firing during shapes is "
        "for the neuron's favourite one (0.5: for both alike)."
    )
    samples, _ = stream(given.seconds, given.seed)
    for chunk in chunks(samples, np.random.default_rng(given.seed)):
        _, device = live(device, chunk)
    console.print(f"After {given.seconds:g} s: {judged(device, given.seed + 1):.2f}.")
    if given.save:
        given.save.mkdir(parents=True, exist_ok=True)
        save(device, given.save)
        kept = sum(path.stat().st_size for path in given.save.iterdir())
        console.print(f"Everything the device knows: {kept:,} bytes.")


if __name__ == "__main__":
    main()
