"""Find what fires together, by STDP: `python docs/examples/coincidence_detection.py`.

One leaky neuron receives 20 inputs. All fire at 10 Hz; 15 of them at random, and 5
together, each within a few milliseconds of the others. No single input is strong enough
to make the neuron fire, and no label marks which inputs belong together. Inputs that
fire just before the neuron does become stronger, those that fire just after it weaker.
As five at once are what most often makes it fire, these five win, and in the end the
neuron fires when they do and hardly ever else: it has learned to detect coincidence.

Weakening must clearly outweigh strengthening (`--a-minus`, by default twice `a_plus`).
With few inputs each of them helps to cause spikes, and so comes before them a little
more often than after them; near 1.05 times `a_plus`, which does for a thousand inputs,
all 20 become strong.

Synapses are changed by the memory-efficient rule (one trace a neuron, and nothing a
synapse but its weight).

Sources: S. Song, K. D. Miller, L. F. Abbott, "Competitive Hebbian learning through
spike-timing-dependent synaptic plasticity", Nature Neuroscience 3, 2000; P.
Urbizagastegui, A. van Schaik, R. Wang, "Memory-efficient neurons and synapses for
spike-timing-dependent-plasticity in large-scale spiking networks", Frontiers in
Neuroscience 18:1450640, 2024.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from pipeline.plasticity.parts.population import Population
from pipeline.plasticity.three_variable import ThreeVariable

DT = 1e-3  # s, of a step
RATE = 10.0  # Hz, of every input
TOGETHER, ALONE = 5, 15  # inputs
N_INPUTS = TOGETHER + ALONE
THRESHOLD = 7.0  # one spike over a weight of 1 moves the membrane by at most 2.9
ANSWER_S = 0.015  # so soon after a coincidence a spike counts as its answer


@dataclass(frozen=True)
class Story:
    """What happened.

    Parameters
    ----------
    weights : array, shape (second + 1, input)
        At the start and after every second.
    answered : array, shape (second,)
        Share of coincidences that the neuron answered.
    caused : array, shape (second,)
        Share of the neuron's spikes that answer a coincidence; NaN without any spike.
    """

    weights: np.ndarray
    answered: np.ndarray
    caused: np.ndarray


def second_of_inputs(
    rng: np.random.Generator, jitter_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one second of spikes; the first `TOGETHER` inputs fire together.

    Returns
    -------
    spikes : array, shape (time, input), bool
    moments : array, shape (coincidence,)
        Steps around which those inputs fire.
    """
    steps = round(1 / DT)
    spikes = rng.random((steps, N_INPUTS)) < RATE * DT
    moments = np.flatnonzero(rng.random(steps) < RATE * DT)
    spikes[:, :TOGETHER] = False
    jitter = rng.normal(0, jitter_s / DT, (len(moments), TOGETHER))
    times = np.rint(moments[:, None] + jitter).astype(int).clip(0, steps - 1)
    spikes[times, np.arange(TOGETHER)] = True
    return spikes, moments


def answers(moments: np.ndarray, fired: np.ndarray, early: int) -> tuple[float, float]:
    """Give the share of coincidences answered, and of spikes that answer one.

    Parameters
    ----------
    moments : array, shape (coincidence,)
    fired : array, shape (spike,)
        Steps at which the neuron fired.
    early : int
        Steps before a coincidence's middle that its first spikes may come.
    """
    wait = fired[None, :] - moments[:, None]
    near = (wait >= -early) & (wait <= ANSWER_S / DT)
    share = [near.any(axis).mean() if near.size else np.nan for axis in (1, 0)]
    return float(share[0]), float(share[1])


def live(seed: int, seconds: int, jitter_s: float, rule: ThreeVariable) -> Story:
    """Let the neuron live, and note its weights and answers every second."""
    rng = np.random.default_rng(seed)
    neuron = Population((rule,), N_INPUTS, 1, dt=DT, tau_mem_s=0.01)
    first = rng.uniform(0.4, 0.6, (N_INPUTS, 1)).astype(np.float32)
    state = neuron.start(first, THRESHOLD)
    weights, shares = [first[:, 0].copy()], []
    for _ in range(seconds):
        spikes, moments = second_of_inputs(rng, jitter_s)
        fired = np.flatnonzero(neuron.run(state, spikes)[:, 0])
        shares.append(answers(moments, fired, early=round(2 * jitter_s / DT)))
        weights.append(neuron.values(state)[:, 0].copy())
    answered, caused = np.array(shares).T
    return Story(np.array(weights), answered, caused)


def describe(story: Story, console: Console) -> None:
    """Print weights and answers, at the start and at the end."""
    for name, k in (("before", 0), ("after", -1)):
        together, alone = np.split(story.weights[k], [TOGETHER])
        console.print(
            f"Weights {name}: the {TOGETHER} together {together.min():.2f} to "
            f"{together.max():.2f}, the {ALONE} alone {alone.min():.2f} to "
            f"{alone.max():.2f}"
        )
    tenth = max(1, len(story.answered) // 10)
    for name, part in (("first", slice(tenth)), ("last", slice(-tenth, None))):
        answered, caused = story.answered[part], story.caused[part]
        console.print(
            f"In the {name} {tenth} s: {mean(answered)} of coincidences answered, "
            f"{mean(caused)} of spikes answer one"
        )


def mean(shares: np.ndarray) -> str:
    """Write the mean of shares that are known."""
    known = shares[~np.isnan(shares)]
    return f"{known.mean():.0%}" if len(known) else "none"


def draw(path: Path, story: Story) -> None:
    """Save the weights over time; the suffix of the path names the format."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    seconds = np.arange(len(story.weights))
    for first, last, colour, label in (
        (TOGETHER, N_INPUTS, "0.6", f"{ALONE} inputs that fire alone"),
        (0, TOGETHER, "C1", f"{TOGETHER} inputs that fire together"),
    ):
        lines = axes.plot(seconds, story.weights[:, first:last], color=colour)
        lines[0].set_label(label)
    axes.set(xlabel="time (s)", ylabel="weight", ylim=(-0.02, 1.02))
    axes.legend(loc="center right")
    figure.savefig(path)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Let one neuron find, by STDP, which of its inputs fire together."
    )
    parser.add_argument("--seconds", type=int, default=100, help="how long it lives")
    parser.add_argument("--jitter-ms", type=float, default=2.0, help="of coincidences")
    parser.add_argument("--a-minus", type=float, default=0.02, help="of weakening")
    parser.add_argument("--seed", type=int, default=0, help="of spikes and weights")
    parser.add_argument("--picture", type=Path, help="write a picture, .svg or .png")
    options = parser.parse_args(arguments)
    if options.seconds < 1:
        parser.error(f"--seconds is {options.seconds}, expected 1 or more")
    if not 0 <= options.jitter_ms <= 100:
        parser.error(f"--jitter-ms is {options.jitter_ms:g}, expected 0 to 100")
    if not 0.01 < options.a_minus <= 1:
        parser.error(f"--a-minus is {options.a_minus:g}, expected above 0.01, up to 1")
    if options.picture and options.picture.suffix not in {".svg", ".png"}:
        parser.error(f"--picture is {options.picture}, expected .svg or .png")
    if options.picture and not options.picture.parent.is_dir():
        parser.error(f"--picture is {options.picture}, whose folder does not exist")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Run the neuron, and report what it learned."""
    options, console = parse(arguments), Console()
    rule = ThreeVariable(a_plus=0.01, a_minus=options.a_minus)
    story = live(options.seed, options.seconds, options.jitter_ms / 1000, rule)
    describe(story, console)
    if options.picture:
        draw(options.picture, story)
        console.print(f"Picture: {options.picture}")


if __name__ == "__main__":
    main()
