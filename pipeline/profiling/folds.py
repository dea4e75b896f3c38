"""Folds to profile: their networks, and windows to run them on."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pipeline.profiling.profile import evenly
from pipeline.profiling.running import Spans
from pipeline.training.cell import TrainedCell, TrainedFold

if TYPE_CHECKING:
    from pipeline.networks.parts.settings import LayeredNetwork
    from pipeline.networks.parts.stack import Stack
    from pipeline.quantization.network import IntegerNetwork
    from pipeline.training.batches import Windows


@dataclass(frozen=True)
class Fold:
    """A fold's networks, and some windows of it.

    Parameters
    ----------
    network : Stack
    integers : IntegerNetwork or None
        None where the network does not run in integers.
    absent : str
        The reason why there is none.
    test : Windows
        The windows that are counted, at equal distances.
    validation : Windows
    running : Spans or None
        Signal that is passed without a restart; None where every decision restarts.
    """

    network: "Stack"
    integers: "IntegerNetwork | None"
    absent: str
    test: "Windows"
    validation: "Windows"
    running: Spans | None = None


SPANS = 32
"""Windows of a fold that are counted with what comes before them."""


def load_folds(cell: TrainedCell, windows_per_fold: int) -> list[Fold]:
    """Load every fold of a cell, with at most so many test windows."""
    return [
        Fold(
            fold.network,
            fold.integers,
            fold.absent,
            fold.load(evenly(fold.decisions("test"), windows_per_fold)),
            fold.load(fold.decisions("validation")),
            _spans(fold, min(windows_per_fold, SPANS)),
        )
        for fold in cell.folds
    ]


def _spans(fold: TrainedFold, at_most: int) -> Spans | None:
    """Take test windows from when on their network forgets what came before.

    What comes before is none, or at least a window, which the read-out needs.
    """
    cell = fold.cell
    if cell.network.restarts == "windows":
        return None
    network, shape = fold.network, fold.shape
    settings = cast("LayeredNetwork", cell.network)
    warm_s = settings.remembers_s(shape, cell.neuron) - shape.n_steps * shape.dt
    before = max(warm_s / shape.dt, shape.n_steps) if warm_s > 0 else 0
    warm = math.ceil(before / network.stride) * network.stride
    table = evenly(fold.decisions("test"), at_most)
    return Spans(
        fold.load(table.assign(start=table["start"] - warm)),
        warm,
        1 / cell.memory_s if cell.memory_s else 0.0,
    )
