"""The state that learning changes: one bundle of arrays, complete for saving."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pipeline.kernels.rules.learning import Rows, Synapses, Traces

Weights = np.ndarray | csr_array


@dataclass
class LearningState:
    """The state that learning changes.

    Parameters
    ----------
    weights : array, shape (source, target), or csr_array
        In [0, w_max]; in int8 precision, codes 0 to 255 of it.
    thresholds : array, shape (target,), float32
    traces : tuple of Traces
        Of each rule.
    membranes : array, shape (2, target), float32
        Potentials and synaptic currents, where the targets are simulated.
    clock : int
        Steps since learning began.
    """

    weights: Weights
    thresholds: np.ndarray
    traces: tuple[Traces, ...]
    membranes: np.ndarray
    clock: int = 0

    def copy(self) -> "LearningState":
        """Make a state that later steps do not change."""
        return deepcopy(self)


def synapses(state: LearningState) -> Synapses:
    """Give a state's weights and thresholds as compiled loops take them."""
    weights: Any = state.weights
    if isinstance(weights, csr_array):
        weights = Rows(
            weights.data,
            weights.indices.astype(np.int32, copy=False),
            weights.indptr.astype(np.int64, copy=False),
        )
    return Synapses(weights, state.thresholds)


def stored(weights: Weights) -> np.ndarray:
    """Give the weights that exist, in one array."""
    return np.asarray(weights.data if isinstance(weights, csr_array) else weights)


def arrays_of(state: LearningState) -> dict[str, np.ndarray]:
    """Name all arrays of a state."""
    traces = {
        f"traces.{k}.{name}": array
        for k, rule in enumerate(state.traces)
        for name, array in rule._asdict().items()
    }
    weights = state.weights
    parts = ("data", "indices", "indptr") if isinstance(weights, csr_array) else ()
    kept = {f"weights.{part}": getattr(weights, part) for part in parts}
    return {
        **(kept or {"weights": weights}),
        **traces,
        "thresholds": state.thresholds,
        "membranes": state.membranes,
    }


def from_arrays(
    arrays: Mapping[str, np.ndarray], n_rules: int, n_post: int, clock: int
) -> LearningState | None:
    """Put a state together again; None if arrays are missing."""
    try:
        traces = tuple(
            Traces(*(arrays[f"traces.{k}.{name}"] for name in Traces._fields))
            for k in range(n_rules)
        )
        weights: Weights = (
            arrays["weights"]
            if "weights" in arrays
            else csr_array(
                tuple(arrays[f"weights.{n}"] for n in ("data", "indices", "indptr")),
                shape=(len(arrays["weights.indptr"]) - 1, n_post),
            )
        )
        return LearningState(
            weights, arrays["thresholds"], traces, arrays["membranes"], clock
        )
    except (KeyError, ValueError, TypeError):
        return None
