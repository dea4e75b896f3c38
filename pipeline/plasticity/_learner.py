"""Rules at work: one state, changed in place as spikes come in.

The state is all there is: no train is kept, so memory does not grow with time, and a
stream may be cut anywhere. It is changed in place because a copy would double the
memory of the weights.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pipeline import files
from pipeline.axes import SpikeBits
from pipeline.errors import ConfigError, DataError
from pipeline.kernels._plasticity import Rows, Synapses, Traces, learn
from pipeline.plasticity.base import Rule

Weights = np.ndarray | csr_array


@dataclass
class State:
    """What learning changes.

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

    def copy(self) -> "State":
        """Make a state that later steps do not change."""
        return deepcopy(self)


@dataclass(frozen=True)
class Learner:
    """Rules made for so many neurons and a step.

    Parameters
    ----------
    rules : tuple of Rule
        They take their steps in this order.
    n_pre, n_post : int
        Sources and targets.
    dt : float
        Seconds a step.

    Raises
    ------
    ConfigError
        Time constants do not fit, or rules disagree about the largest weight.
    """

    rules: tuple[Rule, ...]
    n_pre: int
    n_post: int
    dt: float = field(kw_only=True)
    constants: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        made = tuple(r.constants(self.n_pre, self.n_post, self.dt) for r in self.rules)
        object.__setattr__(self, "constants", made)
        _check_agreement(self.rules)

    @property
    def w_max(self) -> float:
        """The largest weight; infinite if no rule bounds it."""
        bounds = [rule.heaviest for rule in self.rules if rule.heaviest is not None]
        return bounds[0] if bounds else float("inf")

    @property
    def weight_type(self) -> type[np.generic]:
        """The type that weights are kept in."""
        kinds = [rule.weight_type for rule in self.rules if rule.heaviest is not None]
        return kinds[0] if kinds else np.float32

    def start(self, weights: Weights, thresholds: np.ndarray | float = 1.0) -> State:
        """Make the state before the first step.

        Parameters
        ----------
        weights : array (source, target), float32, or csr_array
            Taken over, not copied, unless they must become codes.
        thresholds : array (target,), or float

        Raises
        ------
        DataError
            Weights do not fit, or are not within 0 and w_max.
        """
        self._check_weights(weights)
        first = np.broadcast_to(np.float32(thresholds), (self.n_post,)).copy()
        traces = tuple(self._silence(rule) for rule in self.rules)
        membranes = np.zeros((2, self.n_post), np.float32)
        return State(self._coded(weights), first, traces, membranes)

    def learn(
        self,
        state: State,
        pre: SpikeBits,
        post: SpikeBits,
        rewards: np.ndarray | None = None,
    ) -> None:
        """Learn from spike trains; `state` is changed.

        Parameters
        ----------
        state : State
        pre, post : array, shape (time, source) and (time, target), bool
        rewards : array, shape (time,), optional
            For rules that wait for one; 0 without.

        Raises
        ------
        DataError
            Trains do not fit, or the state is another network's.
        """
        self.check_state(state)
        self.check_train("pre", pre, self.n_pre, len(pre))
        self.check_train("post", post, self.n_post, len(pre))
        learn(
            self.constants,
            synapses(state),
            state.traces,
            pre,
            post,
            state.clock,
            rewards_of(rewards, len(pre)),
        )
        state.clock += len(pre)

    def values(self, state: State) -> np.ndarray:
        """Give the weights as numbers, (source, target), or (synapse,) if sparse."""
        kept = state.weights
        stored = kept.data if isinstance(kept, csr_array) else kept
        if self.weight_type is np.float32:
            return stored
        # 255 times a rounded 255th may be a rounding above the largest.
        return np.minimum(stored * np.float32(self.w_max / 255), np.float32(self.w_max))

    def save(self, path: Path, state: State) -> None:
        """Write a state, whole or not at all."""
        import torch

        arrays = {name: torch.from_numpy(a) for name, a in _arrays(state).items()}
        files.save_weights(path, arrays, meta={"learner": self._name(state),
                                               "clock": state.clock})  # fmt: skip

    def load(self, path: Path) -> State:
        """Read a state; learning goes on as if it had never stopped.

        Raises
        ------
        DataError
            The file is damaged, or another network's.
        """
        tensors, meta = files.load_weights(path)
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        state = _from_arrays(arrays, len(self.rules), self.n_post, meta.get("clock", 0))
        if state is None or meta.get("learner") != self._name(state):
            raise _of_another_network(str(path))
        return state

    def check_state(self, state: State) -> None:
        """Refuse the state of another network.

        Raises
        ------
        DataError
        """
        expected = [self._silence(rule) for rule in self.rules]
        alike = (
            state.weights.shape == (self.n_pre, self.n_post)
            and state.weights.dtype == self.weight_type
            and state.thresholds.shape == (self.n_post,)
            and state.membranes.shape == (2, self.n_post)
            and _forms(state.traces) == _forms(expected)
        )
        if not alike:
            raise _of_another_network("the state")

    def _name(self, state: State) -> str:
        """Digest what a state belongs to: rules, sizes, step and connections."""
        connections = (
            [state.weights.indptr.tolist(), state.weights.indices.tolist()]
            if isinstance(state.weights, csr_array)
            else []
        )
        sizes = [self.n_pre, self.n_post, self.dt, connections]
        return files.inputs_digest(*self.rules, *sizes)

    def _silence(self, rule: Rule) -> Traces:
        pre, post, synapse = rule.n_traces
        n_pre, n_post = (self.n_pre, self.n_post) if synapse else (0, 0)
        shapes = (pre, self.n_pre), (post, self.n_post), (synapse, n_pre, n_post)
        return Traces(*(np.zeros(shape, rule.trace_type) for shape in shapes))

    def _coded(self, weights: Weights) -> Weights:
        if self.weight_type is np.float32:
            return weights
        codes = np.rint(_stored(weights) * (255 / self.w_max)).astype(np.uint8)
        if isinstance(weights, csr_array):
            return csr_array((codes, weights.indices, weights.indptr), weights.shape)
        return codes

    def _check_weights(self, weights: Weights) -> None:
        stored, shape = _stored(weights), (self.n_pre, self.n_post)
        if weights.shape != shape or stored.dtype != np.float32:
            raise DataError(
                "weights",
                f"{stored.dtype} of shape {weights.shape}",
                expected=f"float32 of shape {shape}: a row a source",
            )
        if isinstance(weights, csr_array):
            _check_rows(weights, self.rules)
        elif not weights.flags.c_contiguous:
            raise DataError("weights", "a view", expected="an array in C order")
        within = (stored >= 0).all() and (stored <= self.w_max).all()
        if not (within and np.isfinite(stored).all()):
            raise DataError(
                "weights",
                f"between {stored.min():g} and {stored.max():g}",
                expected=f"within 0 and w_max = {self.w_max:g}, finite",
            )

    @staticmethod
    def check_train(name: str, train: SpikeBits, width: int, steps: int) -> None:
        if train.dtype != np.bool_ or train.shape != (steps, width):
            raise DataError(
                f"spikes {name}",
                f"{train.dtype} of shape {train.shape}",
                expected=f"bool of shape ({steps}, {width}): a row a step",
            )


def synapses(state: State) -> Synapses:
    """Give a state's weights and thresholds as compiled loops take them."""
    weights: Any = state.weights
    if isinstance(weights, csr_array):
        weights = Rows(
            weights.data,
            weights.indices.astype(np.int32, copy=False),
            weights.indptr.astype(np.int64, copy=False),
        )
    return Synapses(weights, state.thresholds)


def rewards_of(rewards: np.ndarray | None, n_steps: int) -> np.ndarray:
    if rewards is None:
        return np.zeros(n_steps, np.float32)
    if rewards.shape != (n_steps,):
        raise DataError(
            "rewards", f"shape {rewards.shape}", expected=f"({n_steps},): one a step"
        )
    if not np.isfinite(rewards).all():
        raise DataError("rewards", "NaN or infinity", expected="finite numbers")
    return rewards.astype(np.float32, copy=False)


def _stored(weights: Weights) -> np.ndarray:
    return np.asarray(weights.data if isinstance(weights, csr_array) else weights)


def _forms(traces: Sequence[Traces]) -> list[tuple[Any, ...]]:
    return [(array.shape, array.dtype) for rule in traces for array in rule]


def _check_rows(weights: csr_array, rules: Sequence[Rule]) -> None:
    """Refuse connections that lead nowhere, or that a rule cannot walk."""
    deaf = [type(rule).__name__ for rule in rules if not _walks_rows(rule)]
    if deaf:
        raise ConfigError(
            "plasticity", f"{deaf[0]} with sparse weights", expected="dense weights"
        )
    n_targets, indices = weights.shape[1], weights.indices
    if indices.size and not (indices.min() >= 0 and indices.max() < n_targets):
        raise DataError(
            "weights",
            f"a target index of {indices.min()} to {indices.max()}",
            expected=f"0 to {n_targets - 1}",
        )
    starts = weights.indptr
    fit = starts.shape == (weights.shape[0] + 1,) and len(weights.data) == len(indices)
    ends = starts[0] == 0 and starts[-1] == len(indices)
    if not (fit and ends and (np.diff(starts) >= 0).all()):
        raise DataError("weights", "rows that overlap or end outside", expected="CSR")


def _walks_rows(rule: Rule) -> bool:
    return rule.takes_rows or rule.heaviest is None


def _check_agreement(rules: Sequence[Rule]) -> None:
    """Refuse rules that disagree about weights."""
    bound = {(rule.heaviest, rule.weight_type.__name__): type(rule).__name__
             for rule in rules if rule.heaviest is not None}  # fmt: skip
    if len(bound) > 1:
        told = ", ".join(f"{name} {w:g} ({kind})" for (w, kind), name in bound.items())
        raise ConfigError(
            "plasticity: w_max",
            told,
            expected="one largest weight and one precision for all rules",
        )


def _of_another_network(where: str) -> DataError:
    return DataError(
        where,
        "is of another network",
        expected="the same rules, settings, connections and step",
    )


def _arrays(state: State) -> dict[str, np.ndarray]:
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


def _from_arrays(
    arrays: dict[str, np.ndarray], n_rules: int, n_post: int, clock: int
) -> State | None:
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
        return State(weights, arrays["thresholds"], traces, arrays["membranes"], clock)
    except KeyError:
        return None
