"""The operations of a network whose windows are decided early.

The cost of the comparison itself, the two largest logits at each moment, is not
counted.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pipeline.networks.parts.stack import Stack
from pipeline.profiling.counts import Counted, pooled
from pipeline.profiling.operations import count
from pipeline.training.batches import Windows
from pipeline.training.cutoff import Early
from pipeline.training.early import AT_ONCE, LengthAware, Moments


def cost(network: Stack, windows: Windows, decided: Early) -> dict[str, Counted]:
    """Count what a network does in windows, `with` a cutoff and `without`.

    Raises
    ------
    MeasurementError
        A layer cannot be counted.
    """
    return {
        "with": count_until(network, windows, decided.when, decided.at),
        "without": count_until(network, windows, decided.when, decided.ends),
    }


def count_until(
    network: Stack, windows: Windows, when: Moments, at: np.ndarray
) -> Counted:
    """Count what a network does in windows until each stops, at moment `at`.

    The network runs on the steps of each window until then. A second of signal still
    holds as many windows as it does without a cutoff.
    """
    aware = LengthAware(network, when.read[-1])
    parts = [
        replace(
            count(aware, windows.spikes(rows)[: when.steps[moment]], dt=windows.dt),
            window_s=windows.n_steps * windows.dt,
        )
        for moment, rows in _groups(at)
    ]
    return pooled(parts)


def _groups(at: np.ndarray) -> Iterator[tuple[int, Tensor]]:
    """List windows that stop at the same moment, some at a time."""
    for moment in np.unique(at):
        for rows in torch.split(
            torch.from_numpy(np.flatnonzero(at == moment)), AT_ONCE
        ):
            yield int(moment), rows
