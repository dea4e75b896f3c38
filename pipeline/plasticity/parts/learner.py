"""A learner: rules that change one state in place as spikes arrive.

The state is all there is: no train is kept, so memory does not grow with time, and a
stream may be cut anywhere. It is changed in place because a copy would double the
memory of the weights.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from pipeline import files
from pipeline.axes import SpikeBits
from pipeline.errors import DataError
from pipeline.kernels.rules.learning import Traces, learn
from pipeline.plasticity.parts.checks import (
    check_agreement,
    check_sizes,
    check_train,
    check_weights,
    of_another_network,
    rewards_of,
    walk_rows,
)
from pipeline.plasticity.parts.state import (
    LearningState,
    Weights,
    arrays_of,
    from_arrays,
    stored,
    synapses,
)

if TYPE_CHECKING:
    from pipeline.plasticity.base import Rule


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

    rules: "tuple[Rule, ...]"
    n_pre: int
    n_post: int
    dt: float = field(kw_only=True)
    constants: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_sizes(self.n_pre, self.n_post, self.dt)
        check_agreement(self.rules)
        made = tuple(r.constants(self.n_pre, self.n_post, self.dt) for r in self.rules)
        object.__setattr__(self, "constants", made)

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

    def start(
        self, weights: Weights, thresholds: np.ndarray | float = 1.0
    ) -> LearningState:
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
        check_weights(weights, (self.n_pre, self.n_post), self.w_max, self.rules)
        given = np.float32(thresholds)
        if given.shape not in {(), (self.n_post,)} or not np.isfinite(given).all():
            raise DataError(
                "thresholds",
                f"shape {given.shape}, or not finite",
                expected=f"finite numbers, one or {self.n_post}",
            )
        first = np.broadcast_to(given, (self.n_post,)).copy()
        silent = [np.zeros(shape, kind) for shape, kind in self._forms()]
        traces = tuple(
            Traces(*silent[3 * k : 3 * k + 3]) for k in range(len(self.rules))
        )
        membranes = np.zeros((2, self.n_post), np.float32)
        return LearningState(self._coded(weights), first, traces, membranes)

    def learn(
        self,
        state: LearningState,
        pre: SpikeBits,
        post: SpikeBits,
        rewards: np.ndarray | None = None,
    ) -> None:
        """Learn from spike trains; `state` is changed.

        Parameters
        ----------
        state : LearningState
        pre, post : array, shape (time, source) and (time, target), bool
        rewards : array, shape (time,), optional
            For rules that wait for one; 0 without.

        Raises
        ------
        DataError
            Trains do not fit, or the state is of a network of another form.
        """
        self.check_state(state)
        check_train("pre", pre, self.n_pre, len(pre))
        check_train("post", post, self.n_post, len(pre))
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

    def values(self, state: LearningState) -> np.ndarray:
        """Give the weights as numbers, (source, target), or (synapse,) if sparse."""
        kept = stored(state.weights)
        if self.weight_type is np.float32:
            return kept
        # 255 times a rounded 255th may be a rounding above the largest.
        return np.minimum(kept * np.float32(self.w_max / 255), np.float32(self.w_max))

    def save(self, path: Path, state: LearningState) -> None:
        """Write a state, completely or not at all."""
        import torch

        arrays = {name: torch.from_numpy(a) for name, a in arrays_of(state).items()}
        files.save_weights(path, arrays, meta={"learner": self._name(state),
                                               "clock": state.clock})  # fmt: skip

    def load(self, path: Path) -> LearningState:
        """Read a state; learning goes on as if it had never stopped.

        Raises
        ------
        DataError
            The file is damaged, or another network's.
        """
        tensors, meta = files.load_weights(path)
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        state = from_arrays(arrays, len(self.rules), self.n_post, meta.get("clock", 0))
        if state is None or meta.get("learner") != self._name(state):
            raise of_another_network(str(path))
        self.check_state(state)
        kept = np.append(stored(state.weights), state.thresholds)
        if not np.isfinite(kept).all():
            raise DataError(str(path), "NaN or infinity", expected="finite numbers")
        return state

    def check_state(self, state: LearningState) -> None:
        """Refuse the state of a network of another form.

        Raises
        ------
        DataError
        """
        forms = [(array.shape, array.dtype) for rule in state.traces for array in rule]
        alike = (
            state.weights.shape == (self.n_pre, self.n_post)
            and state.weights.dtype == self.weight_type
            and state.thresholds.shape == (self.n_post,)
            and state.membranes.shape == (2, self.n_post)
            and forms == self._forms()
            and (not isinstance(state.weights, csr_array) or walk_rows(self.rules))
        )
        if not alike:
            raise of_another_network("the state")

    def _name(self, state: LearningState) -> str:
        """Digest what a state belongs to: rules, sizes, step and connections."""
        connections = (
            [state.weights.indptr.tolist(), state.weights.indices.tolist()]
            if isinstance(state.weights, csr_array)
            else []
        )
        sizes = [self.n_pre, self.n_post, self.dt, connections]
        return files.inputs_digest(*self.rules, *sizes)

    def _forms(self) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
        """List the shapes and types of all traces, rule by rule."""
        forms: list[tuple[tuple[int, ...], np.dtype[Any]]] = []
        for rule in self.rules:
            pre, post, synapse = rule.n_traces
            n_pre, n_post = (self.n_pre, self.n_post) if synapse else (0, 0)
            shapes = (pre, self.n_pre), (post, self.n_post), (synapse, n_pre, n_post)
            forms += [(shape, np.dtype(rule.trace_type)) for shape in shapes]
        return forms

    def _coded(self, weights: Weights) -> Weights:
        if self.weight_type is np.float32:
            return weights
        codes = np.rint(stored(weights) * (255 / self.w_max)).astype(np.uint8)
        if isinstance(weights, csr_array):
            return csr_array((codes, weights.indices, weights.indptr), weights.shape)
        return codes
