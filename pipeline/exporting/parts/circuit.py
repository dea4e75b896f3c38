"""A NIR graph under construction."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import nir
import numpy as np

from pipeline.errors import PipelineError

Sources = tuple[str, ...]
"""Nodes whose outputs add up."""


class InexpressibleError(PipelineError):
    """A part without equations in NIR."""

    def __init__(self, layer: str, reason: str, *, remedy: str = "") -> None:
        super().__init__(
            f"NIR export, {layer}",
            reason,
            expected="an exact form in NIR: readers would misunderstand anything else",
            remedy=remedy,
        )


@dataclass
class Circuit:
    """Nodes and edges; those that close a loop are kept apart.

    A loop has no meaning in steps unless one of its edges is late. NIR leaves to the
    reader which. Ours are listed in the file, and the nodes are numbered so that every
    other edge goes to a larger number: a reader that takes the nodes by name, and for a
    loop that is not closed yet the step before, as NIRTorch does, finds the same.
    """

    dt: float
    nodes: dict[str, nir.NIRNode] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    late: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, node: nir.NIRNode, sources: Iterable[str] = ()) -> str:
        """Add a node that takes the sum of its sources; returns its name."""
        if not isinstance(node, nir.Input | nir.Output):
            name = f"{len(self.nodes):04d}_{name}"
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        return name

    def close(self, source: str, target: str) -> None:
        """Close a loop: the target takes the source's output of the step before."""
        self.edges.append((source, target))
        self.late.append((source, target))

    def scale(self, name: str, factors: np.ndarray, sources: Iterable[str]) -> str:
        """Add a product of each channel with its factor."""
        return self.add(name, nir.Scale(np.asarray(factors, np.float64)), sources)

    def fire(self, name: str, threshold: np.ndarray, sources: Iterable[str]) -> str:
        """Add s[t] = 1 where the sum is above the threshold, else 0."""
        return self.add(name, nir.Threshold(threshold), sources)

    def integrate(
        self, name: str, tau: np.ndarray, gain: np.ndarray, sources: Iterable[str]
    ) -> str:
        """Add v[t] = exp(−dt/τ)·v[t−1] + g·i[t]."""
        r = gain / self.rise(tau)
        return self.add(name, nir.LI(tau, r, v_leak=np.zeros_like(tau)), sources)

    def delay(self, name: str, steps: int, width: int, sources: Iterable[str]) -> str:
        """Add a delay by an integer number of steps."""
        return self.add(name, nir.Delay(np.full(width, steps * self.dt)), sources)

    def rise(self, tau: np.ndarray) -> np.ndarray:
        """Compute 1 − exp(−dt/τ), precisely for large τ too."""
        return np.asarray(-np.expm1(-self.dt / tau))

    def graph(self, metadata: dict[str, Any]) -> nir.NIRGraph:
        """Finish; NIR checks that the widths at both ends of every edge agree."""
        return nir.NIRGraph(self.nodes, self.edges, metadata=metadata)
