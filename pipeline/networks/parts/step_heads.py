"""Read-outs that have logits at every step."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pipeline.kernels.neurons import integrator
from pipeline.networks.base import MEMBRANE_TAU_S
from pipeline.networks.parts.head_maps import RateMap, TraceMap
from pipeline.networks.parts.heads import At, Head

if TYPE_CHECKING:
    from pipeline.networks.parts.nir_nodes import NirNodes
    from pipeline.neurons.parts.circuit import Sources

SHORTEST_STEPS = 2.0
"""Time constant of the fastest trace before it learns, in steps."""


class StepHead(Head):
    """A read-out that has logits at every step."""

    has_steps = True

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Give the classes' currents at every step, (time, batch, current)."""
        currents: Tensor = self.linear(outputs)
        return currents

    def read_at(self, outputs: Tensor, start: int, at: At) -> Tensor:
        """Give the same currents: a later decision may need all of them."""
        return self.read(outputs, start, 0)

    def steps(self, readings: Sequence[Tensor]) -> Tensor:
        """Give the logits at every step, (time, batch, class)."""
        return torch.cat(list(readings))

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Decide at the last step."""
        return self.steps(readings)[-1]

    def logits_at(self, readings: Sequence[Tensor], at: At) -> Tensor:
        """Take the logits of the last step before each decision."""
        return self.steps(readings)[at.stop - 1, at.row]


class CountHead(StepHead):
    """A linear map of the spike counts: the mean over time of a map of the spikes.

    Of a network that runs on, the mean over the last `n_read` steps.
    """

    averages = True

    @property
    def rate_map(self) -> RateMap:
        """Its weights, of one segment."""
        return RateMap(self.linear, 1)

    def __init__(self, n_in: int, n_classes: int, *, n_read: int) -> None:
        super().__init__(n_in, n_classes)
        self.n_read = n_read

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Average over time."""
        return self.steps(readings).mean(0)

    def logits_at(self, readings: Sequence[Tensor], at: At) -> Tensor:
        """Average over the last steps; before the first one there was silence."""
        steps = self.steps(readings)
        sums = torch.cat([torch.zeros_like(steps[:1]), steps]).double().cumsum(0)
        first = (at.stop - self.n_read).clamp(min=0)
        missing = 1 - (at.stop - first)[:, None] / self.n_read
        means = (sums[at.stop, at.row] - sums[first, at.row]) / self.n_read
        return (means + missing * self.linear.bias).to(steps.dtype)


class MembraneHead(StepHead):
    """A membrane a class that never fires; its value at the decision is the logit.

    u[t] = α·u[t−1] + (1 − α)·(W·s[t] + b)      α = exp(−dt / τ), τ learned
    """

    def __init__(self, n_in: int, n_classes: int, *, dt: float) -> None:
        super().__init__(n_in, n_classes)
        self.membranes = Integrator(torch.full((n_classes,), MEMBRANE_TAU_S), dt=dt)

    @property
    def trace_map(self) -> TraceMap:
        """A trace a class."""
        return TraceMap(
            self.linear, self.membranes.exact_alpha(), len(self.linear.bias)
        )

    def steps(self, readings: Sequence[Tensor]) -> Tensor:
        """Give the membranes at every step."""
        membranes: Tensor = self.membranes(super().steps(readings))
        return membranes

    def to_nir(self, nodes: "NirNodes") -> "Sources":
        """Add the membranes to a graph of NIR."""
        return nodes.membranes(self.linear, self.membranes.learned["log_tau"])

    def follow(self, outputs: Tensor, memory: Any) -> Tensor:
        """Give the membranes after the piece, (1, batch, class)."""
        return self.membranes.after(self.read(outputs, 0, 0), memory)

    def now(self, memory: Any) -> Tensor:
        """Give them."""
        membranes: Tensor = memory[0]
        return membranes


class TracesHead(StepHead):
    """A linear map of exponential traces of the outputs, from fast to slow.

    ::

        y[k, t] = α[k]·y[k, t−1] + (1 − α[k])·s[t]       α = exp(−dt / τ)
        logit   = b + Σₖ W[k]·y[k, t]

    A linear map and a trace commute, so what is kept is a trace of W[k]·s, one for each
    time constant and class; each learns its own τ. At first they lie at equal ratios
    between two steps and `longest_s`.

    Parameters
    ----------
    n_in, n_classes : int
    traces : int
        Time constants.
    longest_s : float
        The slowest one before learning, seconds.
    dt : float
        Seconds a step.
    """

    def __init__(
        self, n_in: int, n_classes: int, *, traces: int, longest_s: float, dt: float
    ) -> None:
        super().__init__(n_in, traces * n_classes)
        self.n_classes = n_classes
        shortest = min(SHORTEST_STEPS * dt, longest_s)
        taus = torch.logspace(math.log10(shortest), math.log10(longest_s), traces)
        self.membranes = Integrator(taus.repeat_interleave(n_classes), dt=dt)

    @property
    def trace_map(self) -> TraceMap:
        """Its traces, time constant after time constant."""
        return TraceMap(self.linear, self.membranes.exact_alpha(), self.n_classes)

    def steps(self, readings: Sequence[Tensor]) -> Tensor:
        """Give the logits at every step."""
        traces: Tensor = self.membranes(super().steps(readings))
        return self._added(traces)

    def follow(self, outputs: Tensor, memory: Any) -> Tensor:
        """Give the traces after the piece, (1, batch, trace)."""
        return self.membranes.after(self.read(outputs, 0, 0), memory)

    def now(self, memory: Any) -> Tensor:
        """Add them up."""
        return self._added(memory)[0]

    def to_nir(self, nodes: "NirNodes") -> "Sources":
        """Add the traces to a graph of NIR, and their sum a class."""
        log_tau = self.membranes.learned["log_tau"]
        return nodes.traces(self.linear, log_tau, self.n_classes)

    def _added(self, traces: Tensor) -> Tensor:
        apart = traces.reshape(*traces.shape[:2], -1, self.n_classes)
        return apart.sum(2)


class Integrator(nn.Module):
    """Leaky membranes that never fire, whose time constants are learned.

    Parameters
    ----------
    tau_s : Tensor, shape (membrane,)
        Time constants before learning, seconds.
    dt : float
        Seconds a step.
    """

    def __init__(self, tau_s: Tensor, *, dt: float) -> None:
        super().__init__()
        self.dt = dt
        self.learned = nn.ParameterDict({"log_tau": nn.Parameter(tau_s.log())})

    def exact_alpha(self) -> Tensor:
        """Give what a step leaves of each membrane, in double precision."""
        log_tau: Tensor = self.learned["log_tau"].detach().double()
        return (-self.dt * (-log_tau).exp()).exp()

    def forward(self, currents: Tensor) -> Tensor:
        """Turn currents (time, batch, membrane) into membranes of the same shape."""
        return self._run(currents, torch.zeros_like(currents[:1]))[0]

    def after(self, currents: Tensor, before: Tensor | None) -> Tensor:
        """Give the membranes after a piece, (1, batch, membrane), of those before it.

        None before the first piece.
        """
        first = torch.zeros_like(currents[:1]) if before is None else before
        return self._run(currents, first)[1]

    def _run(self, currents: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        alpha = (-self.dt * (-self.learned["log_tau"]).exp()).exp()
        kernel = integrator.KERNEL
        run = kernel.run if currents.device.type == "cpu" else kernel.plain_run
        membranes, last = run(currents, before, alpha[None], integrator.OPTIONS)
        return membranes, last
