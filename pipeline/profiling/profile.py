"""The cost of a cell: counted operations, and the energy estimated from them.

Both are the same on every machine of a kind. Measurements on one machine belong to
`pipeline.measurement`; the two are never added up or put into one file.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.components import Settings
from pipeline.encoders.base import Encoder
from pipeline.profiling.cost_tables import Numbers
from pipeline.profiling.counts import Counted, pooled
from pipeline.profiling.describing import describe
from pipeline.profiling.energy import estimates
from pipeline.profiling.rules import RULES

if TYPE_CHECKING:
    from torch import nn

    from pipeline.networks.parts.stack import Stack
    from pipeline.quantization.network import IntegerNetwork
    from pipeline.training.batches import Windows

    Fold = tuple[nn.Module, IntegerNetwork | None, Windows]

COUNTED_AT_ONCE = 64
LEARNED_ON = 64


class ProfilingSettings(Settings):
    """The settings of a profile."""

    windows_per_fold: Annotated[
        int, Field(ge=1, description="test windows of each fold that are counted")
    ] = 256
    latency_repeats: Annotated[
        int, Field(ge=1, description="runs of one window whose median is the latency")
    ] = 50
    meter_s: Annotated[
        float,
        Field(gt=0, le=600, description="seconds of work, and of idling, a repeat"),
    ] = 2.0
    meter_repeats: Annotated[
        int, Field(ge=2, le=1000, description="repeats of idling and work a meter")
    ] = 10


def evenly(table: pd.DataFrame, at_most: int) -> pd.DataFrame:
    """Choose rows at equal distances, so that classes keep their shares."""
    rows = np.linspace(0, len(table) - 1, min(at_most, len(table))).round()
    return table.iloc[rows.astype(int)]


def profile(
    folds: "Sequence[Fold]",
    encoder: Encoder[Any],
    *,
    absent: str = "there is no integer network",
) -> dict[str, Any]:
    """Count the operations of a cell's networks, and estimate their energy.

    Parameters
    ----------
    folds : sequence of (nn.Module, IntegerNetwork or None, Windows)
        Each fold's network, the same in integers, and test windows of that fold.
    encoder : Encoder
        The encoder of the windows' spikes.
    absent : str
        Why a fold has no integer network, if one has none.

    Returns
    -------
    bill : dict
        `counted`, means over all windows of all folds, under the `assumptions`;
        `estimated`, by cost table, each with its own; and both of the integer networks
        under `int8`, or there `absent`, the reason.

    Raises
    ------
    MeasurementError
        A network has a layer that cannot be counted.
    """
    operations = encoder_operations(encoder, folds[0][-1])
    floats = [(network, windows) for network, _, windows in folds]
    in_integers = [(integers, windows) for _, integers, windows in folds if integers]
    return {
        **bill(floats, operations, "float32"),
        "int8": bill(in_integers, operations, "int8")
        if len(in_integers) == len(folds)
        else {"absent": absent},
        "assumptions": list(RULES),
    }


def bill(
    networks: "Sequence[tuple[nn.Module, Windows]]",
    encoder: dict[str, int] | None,
    numbers: Numbers,
) -> dict[str, Any]:
    """Count and estimate all folds' networks, with the encoder's operations a window.

    Raises
    ------
    MeasurementError
        A network has a layer that cannot be counted.
    """
    from pipeline.training.devices import one_thread

    with one_thread():
        counted = pooled([count_windows(*each) for each in networks])
    plain = describe(counted)
    plain["encoder_per_window"] = encoder
    plain["encoder_per_second"] = encoder and {
        kind: number / counted.window_s for kind, number in encoder.items()
    }
    return {"counted": plain, "estimated": estimates(counted, encoder, numbers)}


def count_windows(network: "nn.Module", windows: "Windows") -> Counted:
    """Count what a network does over windows, some at a time."""
    import torch

    from pipeline.profiling.operations import count_batches

    every = torch.arange(len(windows.first))
    starts = range(0, len(every), COUNTED_AT_ONCE)
    batches = (windows.spikes(every[s : s + COUNTED_AT_ONCE]) for s in starts)
    return count_batches(network, batches, dt=windows.dt)


def learning(network: "Stack", windows: "Windows") -> dict[str, Any] | None:
    """Count the memory that a layer's pair rule would touch if learning continued.

    The first windows follow each other without a pause, and weights stay as they are.

    Returns
    -------
    bill : dict or None
        As `learning_bill` gives it; None if no layer learns by pairs of spikes.
    """
    import torch

    from pipeline.kernels.rules.learning import decays
    from pipeline.plasticity.pair import Pair
    from pipeline.profiling.learning_bill import learning_bill
    from pipeline.training.local import layer_spikes, parts

    if not any(layer.unrolled.local for layer in network.layers):
        return None
    population = parts(network)[1].population
    pairs = [rule for rule in population.rules if isinstance(rule, Pair)]
    if not pairs:
        return None
    rows = torch.arange(min(LEARNED_ON, len(windows.first)))
    pre, post = layer_spikes(network, windows.spikes(rows))
    return learning_bill(
        pre,
        post,
        dt=population.dt,
        pre_decay=decays(pairs[0].tau_pre_s, population.n_pre, population.dt),
        post_decay=decays(pairs[0].tau_post_s, population.n_post, population.dt),
        theta=getattr(pairs[0], "theta", 0.0),
        precision=getattr(pairs[0], "precision", "float32"),
        adaptive_threshold=any(rule.resting is not None for rule in population.rules),
    )


def encoder_operations(
    encoder: Encoder[Any], windows: "Windows"
) -> dict[str, int] | None:
    """Count the encoder's operations a window, at most; None if it states none."""
    operations = encoder.operations_per_step(windows.n_features)
    if operations is None:
        return None
    return {kind: windows.n_steps * number for kind, number in operations.items()}
