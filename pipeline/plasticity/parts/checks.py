"""Labels that training cannot use, and the reasons."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from pipeline.axes import SpikeBits
from pipeline.errors import ConfigError, DataError
from pipeline.plasticity.parts.agreement import disagreement
from pipeline.plasticity.parts.state import Weights, stored

if TYPE_CHECKING:
    from pipeline.plasticity.base import Rule


def check_weights(
    weights: Weights, shape: tuple[int, int], w_max: float, rules: "Sequence[Rule]"
) -> None:
    """Refuse weights that do not fit, or are not within 0 and the largest.

    Raises
    ------
    DataError
    ConfigError
        A rule cannot walk sparse weights.
    """
    values = stored(weights)
    if weights.shape != shape or values.dtype != np.float32:
        raise DataError(
            "weights",
            f"{values.dtype} of shape {weights.shape}",
            expected=f"float32 of shape {shape}: a row a source",
        )
    if isinstance(weights, csr_array):
        check_rows(weights, rules)
    elif not (weights.flags.c_contiguous and weights.flags.writeable):
        raise DataError(
            "weights", "a view, or read-only", expected="a writable array in C order"
        )
    within = (values >= 0).all() and (values <= w_max).all()
    if not (within and np.isfinite(values).all()):
        raise DataError(
            "weights",
            f"between {values.min():g} and {values.max():g}",
            expected=f"within 0 and w_max = {w_max:g}, finite",
        )


def check_rows(weights: csr_array, rules: "Sequence[Rule]") -> None:
    """Refuse connections that lead nowhere, or that a rule cannot walk."""
    if not walk_rows(rules):
        names = ", ".join(type(rule).__name__ for rule in rules)
        raise ConfigError(
            "plasticity", f"{names} with sparse weights", expected="dense weights"
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


def walk_rows(rules: "Sequence[Rule]") -> bool:
    """Whether all rules can walk sparse weights, or do not walk weights at all."""
    return all(rule.takes_rows or rule.heaviest is None for rule in rules)


def check_sizes(n_pre: int, n_post: int, dt: float) -> None:
    """Refuse populations without neurons, and steps that take no time.

    Raises
    ------
    ConfigError
    """
    if n_pre < 1 or n_post < 1 or not 0 < dt < np.inf:
        raise ConfigError(
            "plasticity",
            f"{n_pre} sources and {n_post} targets, with steps of {dt} s",
            expected="at least one of each, and steps of a finite time",
        )


def check_agreement(rules: "Sequence[Rule]") -> None:
    """Refuse rules that disagree about weights.

    Raises
    ------
    ConfigError
    """
    if fault := disagreement(rules):
        raise ConfigError(
            "plasticity",
            fault,
            expected="one largest weight and one precision for all rules",
        )


def check_train(name: str, train: SpikeBits, width: int, steps: int) -> None:
    """Refuse a train of another shape or kind.

    Raises
    ------
    DataError
    """
    if train.dtype != np.bool_ or train.shape != (steps, width):
        raise DataError(
            f"spikes {name}",
            f"{train.dtype} of shape {train.shape}",
            expected=f"bool of shape ({steps}, {width}): a row a step",
        )


def rewards_of(rewards: np.ndarray | None, n_steps: int) -> np.ndarray:
    """Give rewards a step, 0 where there are none; refuse what is no number.

    Raises
    ------
    DataError
    """
    if rewards is None:
        return np.zeros(n_steps, np.float32)
    if rewards.shape != (n_steps,):
        raise DataError(
            "rewards", f"shape {rewards.shape}", expected=f"({n_steps},): one a step"
        )
    if not np.isfinite(rewards).all():
        raise DataError("rewards", "NaN or infinity", expected="finite numbers")
    return rewards.astype(np.float32, copy=False)


def of_another_network(where: str) -> DataError:
    """Report that a state does not belong here."""
    return DataError(
        where,
        "is of another network",
        expected="the same rules, settings, connections and step",
    )
