"""Folds to profile: their networks, and windows to run them on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.profiling.profile import evenly
from pipeline.training.cell import TrainedCell

if TYPE_CHECKING:
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
    """

    network: "Stack"
    integers: "IntegerNetwork | None"
    absent: str
    test: "Windows"
    validation: "Windows"


def load_folds(cell: TrainedCell, windows_per_fold: int) -> list[Fold]:
    """Load every fold of a cell, with at most so many test windows."""
    return [
        Fold(
            fold.network,
            fold.integers,
            fold.absent,
            fold.load(evenly(fold.decisions("test"), windows_per_fold)),
            fold.load(fold.decisions("validation")),
        )
        for fold in cell.folds
    ]
