"""Rows of weights in C: complete, or where pruning left few, those that are not 0."""

from typing import NamedTuple

import numpy as np

from pipeline.exporting.parts.c_arrays import constants


class Cost(NamedTuple):
    """Instructions, as gcc 12 makes them at -O2.

    Parameters
    ----------
    complete : float
        For a weight of a complete row, with its share of the row's own.
    alone : float
        For a weight that stands with its target.
    row : float
        For a row of such weights.
    """

    complete: float
    alone: float
    row: float


PROCESSORS = {"cortex_m4": Cost(2.5, 7, 12), "rv32imac": Cost(2.4, 10, 13)}
"""Of each processor that programs are emulated on."""

MOST_TARGETS, MOST_WEIGHTS = 2**8, 2**16 - 1
"""What the indices and starts of sparse rows can count."""


def is_sparse(weights: np.ndarray) -> bool:
    """Whether rows without their zeros are smaller, and faster on every processor.

    Parameters
    ----------
    weights : array, shape (row, target), int8
    """
    rows, targets = weights.shape
    kept = int(np.count_nonzero(weights))
    fits = targets <= MOST_TARGETS and 0 < kept <= MOST_WEIGHTS
    smaller = 2 * kept + 2 * (rows + 1) < weights.size
    faster = all(
        cost.alone * kept + cost.row * rows < cost.complete * weights.size
        for cost in PROCESSORS.values()
    )
    return fits and smaller and faster


def write_rows(name: str, number: int, weights: np.ndarray) -> tuple[str, str]:
    """Write the arrays of rows (row, target), and the initialiser of `struct rows`."""
    own = f"{name}_{number}"
    if not is_sparse(weights):
        return constants("int8_t", own, weights), f"{{{own}, 0, 0}}"
    row, target = np.nonzero(weights)
    starts = np.searchsorted(row, np.arange(len(weights) + 1))
    places, targets = f"{name}_starts_{number}", f"{name}_targets_{number}"
    text = constants("int8_t", own, weights[row, target])
    text += constants("uint16_t", places, starts)
    text += constants("uint8_t", targets, target)
    return text, f"{{{own}, {places}, {targets}}}"
