"""A NIR graph under construction: the nodes that neurons are made of.

A reader that steps by dt, with every signal constant within a step, turns NIR's
τ·dv/dt = −v + r·i into v ← β·v + (1 − β)·r·i with β = exp(−dt/τ), exactly and for any
τ. Our membranes take currents with a gain g, u ← β·u + g·i, so r = g / (1 − β).

NIR's nodes share one time. A layer that makes a step for every few of the input gets a
clock of NIR's primitives: an IF that a constant drives, which fires each so many steps.
Its ticks open gates, H(s + tick − 1.5), through which spikes come into the layer, and
carry its constant currents. So all is silent between ticks, and a step of the layer,
from a tick to the next, is a delay. An LI would leak in between, and NIR has no product
that would keep it from those who read it: there, a membrane is a loop with that delay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import nir
import numpy as np

from pipeline.errors import PipelineError

Sources = tuple[str, ...]
"""Nodes whose outputs add up."""

INPUT: Sources = ("input",)
"""The spikes that come in."""

Currents = Sequence[Sources]
"""For each input of the neurons, the nodes whose sum it takes."""

Added = tuple[Sources, str]
"""For each input, the node that takes it; and the node of the spikes."""


class InexpressibleError(PipelineError):
    """A part without equations in NIR."""

    def __init__(self, layer: str, reason: str, *, remedy: str = "") -> None:
        super().__init__(
            f"NIR export, {layer}",
            reason,
            expected="an exact form in NIR: readers would misunderstand anything else",
            remedy=remedy,
        )


@dataclass(frozen=True)
class LayerValues:
    """A layer of neurons as numbers, float64 and one a neuron.

    Parameters
    ----------
    name : str
        The layer's name; the names of its nodes begin with it.
    kind : str
        The model's name.
    constants : list of array
        The kernel's constants; layers without a kernel have none of these.
    options : tuple of float
        The kernel's options.
    quantities : dict of array
        The learned values, in units.
    gain : array
        The factor of the neurons' current before the kernel.
    """

    name: str
    kind: str
    constants: list[np.ndarray] = field(default_factory=list)
    options: tuple[float, ...] = ()
    quantities: dict[str, np.ndarray] = field(default_factory=dict)
    gain: np.ndarray = field(default_factory=lambda: np.ones(0))

    def refuse(self, reason: str, remedy: str = "") -> InexpressibleError:
        """Describe why NIR cannot express these neurons."""
        message = f"{self.kind} neurons have no form in NIR: {reason}"
        return InexpressibleError(self.name, message, remedy=remedy)


@dataclass
class Circuit:
    """Nodes and edges; those that close a loop are kept apart.

    A loop has no meaning in steps unless one of its edges is late. NIR leaves to the
    reader which. Ours are listed in the file, and the nodes are numbered so that every
    other edge goes to a larger number: a reader that takes the nodes by name, and for a
    loop that is not closed yet the step before, as NIRTorch does, finds the same.

    Parameters
    ----------
    dt : float
        Seconds a step of the graph.
    nodes, edges, late
        What is there.
    every : int
        Steps of the graph for a step of the layer that is under construction.
    tick : str
        The node that fires in the last of each so many steps; none for single steps.
    """

    dt: float
    nodes: dict[str, nir.NIRNode] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    late: list[tuple[str, str]] = field(default_factory=list)
    every: int = 1
    tick: str = ""

    def slowed(self, stride: int) -> "Circuit":
        """Give a view for a layer that makes one step for `stride` of this one's.

        Nodes and edges are shared. The first tick ends the first `stride` steps.
        """
        if stride == 1:
            return self
        driven = self.tick or self._always()
        once_a_stride = nir.IF(
            r=np.array([1 / self.dt]),
            v_threshold=np.array([stride - 0.5]),
            v_reset=np.zeros(1),
        )
        every = self.every * stride
        tick = self.add(f"clock_{every}", once_a_stride, (driven,))
        return replace(self, every=every, tick=tick)

    def _always(self) -> str:
        """Add a node that gives 1 in every step."""
        (width,) = self.nodes["input"].input_type["input"]
        return self.add("always", nir.Affine(np.zeros((1, width)), np.ones(1)), INPUT)

    def add(self, name: str, node: nir.NIRNode, sources: Iterable[str] = ()) -> str:
        """Add a node that takes the sum of its sources; returns its name."""
        if not isinstance(node, nir.Input | nir.Output):
            name = f"{len(self.nodes):04d}_{name}"
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        return name

    def close(self, source: str, target: str) -> None:
        """Close a loop: the target takes the source's output of the step before."""
        if self.every > 1:
            (width,) = self.nodes[source].output_type["output"]
            name = f"{source.partition('_')[2]}_held"
            source = self._wait(name, self.every - 1, width, (source,))
        self.edges.append((source, target))
        self.late.append((source, target))

    def scale(self, name: str, factors: np.ndarray, sources: Iterable[str]) -> str:
        """Add a product of each channel with its factor."""
        return self.add(name, nir.Scale(np.asarray(factors, np.float64)), sources)

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add values that are there at ticks."""
        return self.add(name, nir.Linear(values[:, None]), (self.tick,))

    def gate(self, name: str, sources: Sources, ticks: str, width: int) -> str:
        """Add spikes that pass at ticks, which `ticks` has for each of them."""
        return self.add(name, nir.Threshold(np.full(width, 1.5)), (*sources, ticks))

    def fire(self, name: str, threshold: np.ndarray, sources: Iterable[str]) -> str:
        """Add s[t] = 1 where the sum is above the threshold, else 0."""
        if self.every == 1 or (threshold > 0).all():
            return self.add(name, nir.Threshold(threshold), sources)
        above = self.add(f"{name}_ungated", nir.Threshold(threshold), sources)
        ticks = self.constant(f"{name}_ticks", np.ones(len(threshold)))
        return self.gate(name, (above,), ticks, len(threshold))

    def integrate(
        self,
        name: str,
        tau: np.ndarray,
        sources: Iterable[str],
        gain: np.ndarray | float = 1.0,
    ) -> str:
        """Add v[t] = exp(−dt/τ)·v[t−1] + g·i[t], dt being a step of the layer."""
        if self.every == 1:
            r = gain / self.rise(tau)
            return self.add(name, nir.LI(tau, r, v_leak=np.zeros_like(tau)), sources)
        membrane = self.scale(name, gain * np.ones_like(tau), sources)
        kept = np.exp(-self.every * self.dt / tau)
        self.close(self.scale(f"{name}_kept", kept / gain, (membrane,)), membrane)
        return membrane

    def fire_to_zero(
        self,
        name: str,
        tau: np.ndarray,
        threshold: np.ndarray,
        sources: Iterable[str],
        gain: np.ndarray | float = 1.0,
    ) -> str:
        """Add what `integrate` adds, spikes above the threshold, and v[t] ← 0 there.

        It is our reset to zero, at once or in the next step, because nothing reads the
        membrane in between. Between ticks it leaks, and nothing makes it fire.
        """
        r, rest = gain / -np.expm1(-self.dt / tau), np.zeros_like(tau)
        node = nir.LIF(tau, r, v_leak=rest, v_threshold=threshold, v_reset=rest)
        return self.add(name, node, sources)

    def delay(self, name: str, steps: int, width: int, sources: Iterable[str]) -> str:
        """Add a delay by an integer number of the layer's steps."""
        return self._wait(name, steps * self.every, width, sources)

    def hold(self, name: str, source: str, width: int) -> str:
        """Add the values of a tick, until the next one."""
        if self.every == 1:
            return source
        older = [
            self._wait(f"{name}_{steps}_ago", steps, width, (source,))
            for steps in range(1, self.every)
        ]
        return self.scale(name, np.ones(width), (source, *older))

    def _wait(self, name: str, steps: int, width: int, sources: Iterable[str]) -> str:
        """Add a delay by an integer number of dt."""
        return self.add(name, nir.Delay(np.full(width, steps * self.dt)), sources)

    def rise(self, tau: np.ndarray) -> np.ndarray:
        """Compute 1 − exp(−dt/τ), precisely for large τ too; dt: the layer's step."""
        return np.asarray(-np.expm1(-self.every * self.dt / tau))

    def graph(self, metadata: dict[str, Any]) -> nir.NIRGraph:
        """Finish; NIR checks that the widths at both ends of every edge agree."""
        return nir.NIRGraph(self.nodes, self.edges, metadata=metadata)
