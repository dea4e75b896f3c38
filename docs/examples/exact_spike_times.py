"""Learn spike times by exact gradients: `python docs/examples/exact_spike_times.py`.

The neuron is quadratic integrate-and-fire with an exponential synaptic current:

    τ dV/dt = V (V − 1) + I,    (τ/2) dI/dt = −I,    I jumps by w at an input spike

(V and I without units, times in ms). V reaches +∞ in finite time; that is the spike,
and V starts again from −∞. Because the synapse is exactly twice as fast as the
membrane, V = x e^(−t/τ) and s = 1 − e^(−t/τ) turn the equation into dx/ds = x² + I₀
with a constant I₀, which is solved by

    x(s) = (C x₀ + I₀ S) / (C − S x₀),    C = cos(√I₀ s),    S = sin(√I₀ s) / √I₀

(cosh and sinh where I₀ < 0; 1 and s where I₀ = 0). The next spike is where the
denominator crosses zero, also in closed form, so automatic differentiation gives the
exact gradient of every spike time. A spike can only appear or vanish at the end of the
trial. Beyond the end we go on with a constant current, and the spikes found there, the
"pseudospikes", continue the ordinary ones: moving one weight never makes a spike time
jump, and a silent neuron still has a gradient that can make it fire.

What the source leaves open or what we chose ourselves:

- V is kept as a ratio p/q. The flow is linear in (p, q) and passes through a spike
  (q = 0) like through any other point, so nothing has to be reset.
- Beyond the end of the trial, τ dV/dt = V (V − 1) + 1/4 + D, with D = α softplus(b/α),
  α = 10 and no constant input (b = 0), hence D = 10 ln 2. Pseudospikes are
  π τ / √D apart. Keeping the leak makes a spike time's slope and curvature continuous
  where the spike passes the end.
- D does not depend on I at the end: I jumps when a spike from the layer below passes
  the end, and a drive that followed it would make pseudospikes jump.
- Pseudospikes reach no other neuron. A hidden spike passing the end leaves the output
  spikes continuous, but with a kink in their gradient.

Source of the method: C. Klos and R.-M. Memmesheimer, "Smooth exact gradient descent
learning in spiking neural networks", arXiv:2309.14523. The code is our own derivation.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from torch import Tensor

SMALL = 1e-2  # below it a power series replaces the ratio of functions
WEAK = 1e-3  # a weaker current leaves no spike that the power series does not give
EARLY, LATE = 0.0, 8.0  # ms, input spikes that mean 0 and 1
SAME, DIFFERENT = 30.0, 20.0  # ms, output spikes that mean 0 and 1
HIDDEN = 6
STRONGEST = 1e5  # sum of a neuron's weights; cosh overflows not far above


@dataclass(frozen=True)
class Trial:
    """Set how long a trial lasts and how neurons behave in it.

    Parameters
    ----------
    duration : float
        End of the trial in ms; it starts at 0.
    time_constant : float
        τ of the membrane in ms; the synapse has half of it.
    drive : float
        D, the constant drive beyond the end of the trial.
    spikes : int
        How many spikes of each neuron to follow, pseudospikes included.
    """

    duration: float = 40.0
    time_constant: float = 10.0
    drive: float = 10 * math.log(2)
    spikes: int = 3

    def __post_init__(self) -> None:
        """Refuse what is not positive."""
        for name, value in vars(self).items():
            if not 0 < value < math.inf:
                raise ValueError(f"{name} is {value}, expected a positive number")


class State(NamedTuple):
    """Hold neurons at one moment; every field has shape (trials, neurons).

    V is `numerator / denominator`; the pair has length 1, and its sign is such that
    the denominator falls through zero at the next spike. `fired` is the number of
    spikes so far.
    """

    numerator: Tensor
    denominator: Tensor
    current: Tensor
    fired: Tensor


class Response(NamedTuple):
    """Hold what a layer did.

    `times` are the first spikes and pseudospikes in ms, shape (trials, neurons,
    spikes); `fired` is how many spikes came before the end, shape (trials, neurons).
    """

    times: Tensor
    fired: Tensor


class Weights(NamedTuple):
    """Hold a network: `hidden` (hidden, inputs) and `output` (outputs, hidden)."""

    hidden: Tensor
    output: Tensor


class Task(NamedTuple):
    """Hold input spikes (trials, inputs) and wanted first output spikes (trials,)."""

    times: Tensor
    wanted: Tensor


def power_series(argument: Tensor, coefficients: list[float]) -> Tensor:
    """Evaluate Σ cₖ zᵏ by Horner's rule."""
    total = torch.zeros_like(argument)
    for coefficient in reversed(coefficients):
        total = total * argument + coefficient
    return total


def root(square: Tensor, safe: Tensor) -> Tensor:
    """Take √z where it is safe and 1 elsewhere, so that no gradient is NaN."""
    return torch.where(safe, square, 1.0).sqrt()


def circular(square: Tensor) -> tuple[Tensor, Tensor]:
    """Evaluate cos √z and sin(√z) / √z for any real z.

    Both are entire functions of z: cosh and sinh for z < 0, a power series near 0.
    """
    above, below = root(square, square > SMALL), root(-square, square < -SMALL)
    near = torch.where(square.abs() > SMALL, 0.0, square)
    even = [(-1) ** k / math.factorial(2 * k) for k in range(7)]
    odd = [(-1) ** k / math.factorial(2 * k + 1) for k in range(7)]
    cosine = choose(square, above.cos(), power_series(near, even), below.cosh())
    sine = choose(
        square, above.sin() / above, power_series(near, odd), below.sinh() / below
    )
    return cosine, sine


def choose(square: Tensor, above: Tensor, near: Tensor, below: Tensor) -> Tensor:
    """Take one of three formulas by the sign and size of z."""
    return torch.where(square > SMALL, above, torch.where(square < -SMALL, below, near))


def arc_cotangent(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Evaluate arccot(p/q) in [−π/2, 3π/2), smooth where q passes zero."""
    return math.pi / 2 - torch.atan2(numerator, denominator)


def driven(state: State) -> Tensor:
    """Find the next spike under a positive current: s = arccot(V/√I) / √I."""
    frequency = root(state.current, state.current > WEAK)
    return arc_cotangent(state.numerator, frequency * state.denominator) / frequency


def undriven(state: State, inverse: Tensor) -> Tensor:
    """Find the next spike against a negative current: s = artanh(√−I/V) / √−I."""
    rate = root(-state.current, state.current < -WEAK)
    ratio = rate * inverse
    spikes = ratio < 1
    time = torch.where(spikes, ratio, 0.0).atanh() / rate
    return torch.where(spikes, time, math.inf)


def nearly_free(state: State, inverse: Tensor) -> Tensor:
    """Find the next spike at a weak current: s = (1/V) Σ (−I/V²)ᵏ / (2k + 1)."""
    argument = state.current * inverse**2
    argument = torch.where(argument.abs() < SMALL, argument, 0.0)
    return inverse * power_series(
        argument, [(-1) ** k / (2 * k + 1) for k in range(10)]
    )


def first_spike(state: State) -> Tensor:
    """Find s of the next spike if no input came; infinite where there is none.

    Returns
    -------
    Tensor
        s = 1 − e^(−t/τ), shape (trials, neurons); a spike needs s < 1.
    """
    rising = state.numerator > 0
    inverse = state.denominator / torch.where(rising, state.numerator, 1.0)
    free = rising & ((state.current * inverse**2).abs() < SMALL)
    falling = rising & (state.current < -WEAK)
    late = torch.full_like(inverse, math.inf)
    spike = torch.where(state.current > WEAK, driven(state), late)
    spike = torch.where(falling, undriven(state, inverse), spike)
    return torch.where(free, nearly_free(state, inverse), spike)


def spike_period(current: Tensor) -> Tensor:
    """Find π / √I, the s between spikes; one trial long where I is weak."""
    strong = current > WEAK
    return torch.where(strong, math.pi / root(current, strong), 1.0)


def spikes_before(first: Tensor, period: Tensor, end: Tensor) -> Tensor:
    """Count the spikes with s below `end`."""
    return ((end - first) / period).detach().ceil().clamp(min=0)


def record(
    times: Tensor, state: State, since: Tensor, end: Tensor, trial: Trial
) -> tuple[Tensor, Tensor]:
    """Write the spikes of one stretch without input into the table of spike times.

    Parameters
    ----------
    times : Tensor
        Spike times in ms so far, shape (trials, neurons, spikes).
    state : State
        Neurons at the start of the stretch.
    since, end : Tensor
        Start in ms and length in s, shape (trials, 1).

    Returns
    -------
    tuple of Tensor
        The new table, and the number of spikes in the stretch.
    """
    first, period = first_spike(state), spike_period(state.current)
    found = spikes_before(first, period, end)
    rank = torch.arange(trial.spikes) - state.fired[..., None]
    here = (rank >= 0) & (rank < found[..., None])
    spike = torch.where(here, first[..., None] + rank * period[..., None], 0.0)
    moment = since[..., None] - trial.time_constant * torch.log1p(-spike)
    return torch.where(here, moment, times), found


def advance(state: State, end: Tensor, found: Tensor) -> State:
    """Carry neurons through a stretch without input: the map (p, q) → M (p, q).

    M = [[(1 − s) C, (1 − s) I S], [−S, C]], and the sign turns at each spike.
    """
    cosine, sine = circular(state.current * end**2)
    sine, left = sine * end, 1 - end
    top = cosine * state.numerator + state.current * sine * state.denominator
    bottom = cosine * state.denominator - sine * state.numerator
    top = left * top
    size = torch.hypot(top, bottom) * (1 - 2 * (found % 2))
    current = state.current * left**2
    return State(top / size, bottom / size, current, state.fired + found)


def pseudospikes(times: Tensor, state: State, trial: Trial) -> Tensor:
    """Fill the rest of the table with spikes beyond the end of the trial.

    With u = V − 1/2, τ du/dt = u² + D, so the kth comes at
    T + τ (arccot(u(T)/√D) + (k − 1) π) / √D.
    """
    frequency = math.sqrt(trial.drive)
    shifted = state.numerator - state.denominator / 2
    phase = arc_cotangent(shifted, frequency * state.denominator)
    rank = torch.arange(trial.spikes) - state.fired[..., None]
    wait = (phase[..., None] + rank * math.pi) / frequency
    return torch.where(rank >= 0, trial.duration + trial.time_constant * wait, times)


def check_layer(times: Tensor, weights: Tensor) -> None:
    """Refuse input that is not float64, does not fit together or lies before 0."""
    for name, value in (("input times", times), ("weights", weights)):
        if value.ndim != 2 or value.dtype != torch.float64:
            found = f"{value.ndim} of {value.dtype}"
            raise ValueError(f"{name} have dimensions {found}, expected 2 of float64")
        if not value.isfinite().all():
            raise ValueError(f"{name} hold NaN or infinity, expected finite numbers")
    if times.shape[1] != weights.shape[1]:
        found = f"{times.shape[1]} inputs and {weights.shape[1]} columns of weights"
        raise ValueError(f"found {found}, expected as many columns as inputs")
    if (strength := weights.abs().sum(dim=1).max()) > STRONGEST:
        raise ValueError(f"weights sum to {strength:g}, expected at most {STRONGEST:g}")
    if (times < 0).any():
        raise ValueError(f"an input time is {times.min():g} ms, expected 0 or later")


def resting(trials: int, neurons: int) -> State:
    """Start at V = 0 with no current."""
    zero = torch.zeros(trials, neurons, dtype=torch.float64)
    return State(zero, torch.ones_like(zero), zero, zero)


def events(
    times: Tensor, weights: Tensor, trial: Trial
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield input spikes in order: time (trials, 1) and kicks (trials, neurons).

    Spikes beyond the end come at the end, where they change no spike time.
    """
    moments, sources = times.clamp(max=trial.duration).sort(dim=1)
    for place in range(moments.shape[1]):
        yield moments[:, place, None], weights.T[sources[:, place]]


def walk(
    times: Tensor, weights: Tensor, trial: Trial
) -> Iterator[tuple[State, Tensor, Tensor]]:
    """Go from event to event, to the end of the trial.

    Yields
    ------
    tuple of State, Tensor and Tensor
        Neurons at the end of a stretch before the kick, that time in ms, shape
        (trials, 1), and the spike times so far, shape (trials, neurons, spikes).
    """
    check_layer(times, weights)
    state = resting(times.shape[0], weights.shape[0])
    spikes = torch.zeros(*state.fired.shape, trial.spikes, dtype=torch.float64)
    now = torch.zeros(times.shape[0], 1, dtype=torch.float64)
    end = torch.full_like(now, trial.duration), torch.zeros_like(state.current)
    for moment, kick in (*events(times, weights, trial), end):
        stretch = -torch.expm1((now - moment) / trial.time_constant)
        spikes, found = record(spikes, state, now, stretch, trial)
        state, now = advance(state, stretch, found), moment
        yield state, now, spikes
        state = state._replace(current=state.current + kick)


def respond(times: Tensor, weights: Tensor, trial: Trial) -> Response:
    """Find the spike times of a layer of neurons.

    Parameters
    ----------
    times : Tensor
        Input spike times in ms, float64, shape (trials, inputs).
    weights : Tensor
        w of each input, float64, shape (neurons, inputs).
    trial : Trial
        Length of the trial and the neurons' constants.

    Returns
    -------
    Response
        Spike times, differentiable in `times` and `weights`.

    Raises
    ------
    ValueError
        If shapes, types or times do not fit.
    """
    *_, (state, _, spikes) = walk(times, weights, trial)
    return Response(pseudospikes(spikes, state, trial), state.fired)


def forward(times: Tensor, weights: Weights, trial: Trial) -> Response:
    """Find the output spikes of a network with one hidden layer.

    Raises
    ------
    ValueError
        If a hidden neuron fires more often than the trial follows.
    """
    hidden = respond(times, weights.hidden, trial)
    if (hidden.fired > trial.spikes).any():
        found = f"a hidden neuron fired {hidden.fired.max():g} times"
        raise ValueError(f"{found}, expected at most {trial.spikes}, see Trial.spikes")
    per_spike = weights.output.repeat_interleave(trial.spikes, dim=1)
    return respond(hidden.times.flatten(1), per_spike, trial)


def membrane(times: Tensor, weights: Tensor, trial: Trial, grid: Tensor) -> Tensor:
    """Sample V on a grid of times, by watching it with inputs of weight 0.

    Parameters
    ----------
    times, weights : Tensor
        One trial, shape (1, inputs), and one neuron, shape (1, inputs).
    grid : Tensor
        Times in ms, ascending, shape (samples,).

    Returns
    -------
    Tensor
        V, shape (samples,).
    """
    watched = torch.cat([times, grid[None]], dim=1)
    silent = torch.cat([weights, torch.zeros_like(grid)[None]], dim=1)
    order = watched.clamp(max=trial.duration).sort(dim=1).indices[0]
    states = [state for state, _, _ in walk(watched, silent, trial)][:-1]
    voltage = torch.stack([s.numerator / s.denominator for s in states]).flatten()
    return voltage[order.argsort()][times.shape[1] :]


def exclusive_or() -> Task:
    """Make the task: answer early if two input spikes differ, late if they agree.

    The third input is a reference spike at time 0.
    """
    pairs = [(a, b) for a in (EARLY, LATE) for b in (EARLY, LATE)]
    times = torch.tensor([(a, b, EARLY) for a, b in pairs], dtype=torch.float64)
    wanted = [SAME if a == b else DIFFERENT for a, b in pairs]
    return Task(times, torch.tensor(wanted, dtype=torch.float64))


def random_weights(generator: torch.Generator) -> Weights:
    """Draw hidden neurons that fire and an output neuron that stays silent."""
    hidden = torch.rand(HIDDEN, 3, generator=generator, dtype=torch.float64)
    output = torch.rand(1, HIDDEN, generator=generator, dtype=torch.float64)
    return Weights((8 * hidden - 2).requires_grad_(), (0.3 * output).requires_grad_())


def loss_of(weights: Weights, task: Task, trial: Trial) -> Tensor:
    """Take the mean squared error of the first output spike, in units of τ²."""
    first = forward(task.times, weights, trial).times[:, 0, 0]
    return (((first - task.wanted) / trial.time_constant) ** 2).mean()


def central_differences(
    function: Callable[[], Tensor], values: Tensor, step: float = 1e-5
) -> Tensor:
    """Approximate the gradient by (f(w + h) − f(w − h)) / 2h, entry by entry."""
    slopes = torch.zeros_like(values)
    flat = values.detach().view(-1)
    with torch.no_grad():
        for place, kept in enumerate(flat.tolist()):
            flat[place] = kept + step
            above = function()
            flat[place] = kept - step
            slopes.view(-1)[place] = (above - function()) / (2 * step)
            flat[place] = kept
    return slopes


def gradient_error(weights: Weights, task: Task, trial: Trial) -> float:
    """Compare all exact weight gradients with central differences.

    Returns
    -------
    float
        Largest difference, relative to the largest gradient.
    """
    exact = torch.autograd.grad(loss_of(weights, task, trial), weights)
    rough = [
        central_differences(lambda: loss_of(weights, task, trial), layer)
        for layer in weights
    ]
    both = list(zip(exact, rough, strict=True))
    worst = max(float((a - b).abs().max()) for a, b in both)
    return worst / max(float(a.abs().max()) for a, _ in both)


def learn(weights: Weights, task: Task, trial: Trial, steps: int) -> list[float]:
    """Follow the exact gradient by Adam, changing the weights in place.

    Returns
    -------
    list of float
        The loss before each step and after the last.
    """
    optimizer = torch.optim.Adam(weights, lr=0.1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(weights, task, trial)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return [*losses, loss_of(weights, task, trial).item()]


def describe(weights: Weights, task: Task, trial: Trial) -> str:
    """List the first output spikes beside the wanted ones."""
    with torch.no_grad():
        response = forward(task.times, weights, trial)
    rows = zip(response.times[:, 0, 0], response.fired[:, 0], task.wanted, strict=True)
    return ", ".join(
        f"{time:.1f}{'' if fired else ' (pseudospike)'} for {wanted:.0f}"
        for time, fired, wanted in rows
    )


def copy_of(weights: Weights) -> Weights:
    """Keep the weights as they are now."""
    return Weights(*(layer.detach().clone() for layer in weights))


def sweep(trial: Trial) -> tuple[Tensor, Tensor]:
    """Move one weight of a neuron with two inputs, at 5 ms and 15 ms.

    Returns
    -------
    tuple of Tensor
        Second weight, and spike times in ms, shape (400, spikes).
    """
    moved = torch.linspace(-2, 8, 400, dtype=torch.float64)
    weights = torch.stack([torch.full_like(moved, 2.0), moved], dim=1)
    times = torch.tensor([[5.0, 15.0]], dtype=torch.float64)
    return moved, respond(times, weights, trial).times[0]


def draw_membrane(axes: Axes, stages: dict[str, Weights], task: Task) -> None:
    """Draw V of the output neuron in the second trial of the task."""
    trial = Trial()
    grid = torch.linspace(0, trial.duration, 2000, dtype=torch.float64)
    for name, weights in stages.items():
        hidden = respond(task.times[1:2], weights.hidden.detach(), trial)
        per_spike = weights.output.detach().repeat_interleave(trial.spikes, dim=1)
        voltage = membrane(hidden.times.flatten(1), per_spike, trial, grid)
        voltage = torch.where(voltage.abs() < 12, voltage, math.nan)
        axes.plot(grid.numpy(), voltage.numpy(), label=name)
    axes.axvline(float(task.wanted[1]), color="grey", linestyle=":", label="wanted")
    axes.set(xlabel="time (ms)", ylabel="V of the output neuron", ylim=(-10, 10))
    axes.legend()


def draw_sweep(axes: Axes, trial: Trial) -> None:
    """Draw spike times against one weight, across the end of the trial."""
    weight, times = sweep(trial)
    for rank in range(trial.spikes):
        axes.plot(weight.numpy(), times[:, rank].numpy(), label=f"spike {rank + 1}")
    axes.axhline(trial.duration, color="grey", linestyle=":", label="end of trial")
    axes.set(xlabel="weight", ylabel="time (ms); pseudospikes lie beyond the end")
    axes.legend()


def draw(path: Path, stages: dict[str, Weights], task: Task) -> None:
    """Save both drawings side by side; the suffix of the path names the format."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_membrane(left, stages, task)
    draw_sweep(right, Trial())
    figure.savefig(path)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Learn spike times of quadratic integrate-and-fire neurons by "
        "exact gradients; takes less than a minute."
    )
    parser.add_argument("--steps", type=int, default=300, help="gradient steps")
    parser.add_argument("--seed", type=int, default=2, help="seed of the weights")
    parser.add_argument("--picture", type=Path, help="write a picture, .svg or .png")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"--steps is {options.steps}, expected 1 or more")
    if options.picture and options.picture.suffix not in {".svg", ".png"}:
        parser.error(f"--picture is {options.picture}, expected .svg or .png")
    if options.picture and not options.picture.parent.is_dir():
        parser.error(f"--picture is {options.picture}, whose folder does not exist")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Check the gradients, learn, and report the result."""
    options, trial, task, console = parse(arguments), Trial(), exclusive_or(), Console()
    weights = random_weights(torch.Generator().manual_seed(options.seed))
    before = copy_of(weights)
    console.print("First output spikes in ms, before:", describe(weights, task, trial))
    error = gradient_error(weights, task, trial)
    console.print(f"Exact gradients against differences, before: {error:.1e}")
    losses = learn(weights, task, trial, options.steps)
    console.print(f"Loss before {losses[0]:.4f}, after {losses[-1]:.4f}")
    error = gradient_error(weights, task, trial)
    console.print(f"Exact gradients against differences, after: {error:.1e}")
    console.print("First output spikes in ms, after:", describe(weights, task, trial))
    if options.picture:
        draw(options.picture, {"before": before, "after": weights}, task)
        console.print(f"Picture: {options.picture}")


if __name__ == "__main__":
    main()
