"""The networks of a fold, and the windows on which they are profiled."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import files
from pipeline.networks.base import Network
from pipeline.neurons.base import Neuron
from pipeline.profiling.profile import evenly

if TYPE_CHECKING:
    from torch import nn

    from pipeline.quantization.network import IntegerNetwork
    from pipeline.training.batches import Windows


@dataclass(frozen=True)
class Fold:
    """A fold's networks, and some windows of it.

    Parameters
    ----------
    network : nn.Module
    integers : IntegerNetwork or None
        None where the network does not run in integers.
    absent : str
        The reason why there is none.
    test : Windows
        The windows that are counted, at equal distances.
    validation : Windows
    """

    network: "nn.Module"
    integers: "IntegerNetwork | None"
    absent: str
    test: "Windows"
    validation: "Windows"


@dataclass(frozen=True)
class Cell:
    """The folders and settings of a trained cell.

    Parameters
    ----------
    runs, windows, spikes : Path
        Folders.
    network : Network
    neuron : Neuron
    """

    runs: Path
    windows: Path
    spikes: Path
    network: Network
    neuron: Neuron

    def folds(self, windows_per_fold: int) -> list[Fold]:
        """Load every fold."""
        run = files.load_json(self.runs / "run.json")
        table = files.load_table(self.windows / "windows.parquet")
        roles = files.load_table(self.windows / "folds.parquet")
        loaded = []
        for line in run["folds"]:
            mine = roles[roles["fold"] == line["fold"]].merge(table, on="window")
            chosen = mine.sort_values("window")
            loaded.append(self._fold(line, chosen, run["labels"], windows_per_fold))
        return loaded

    def _fold(
        self,
        line: dict[str, Any],
        table: pd.DataFrame,
        labels: Sequence[str],
        at_most: int,
    ) -> Fold:
        from pipeline.training import batches, trained

        path = trained.weights_path(self.runs, line["fold"])
        network, _ = trained.load_network(path, self.network, self.neuron)
        integers, metadata = trained.load_quantized(
            trained.quantized_path(self.runs, line["fold"])
        )
        test, validation = (
            table[table["role"] == role] for role in ("test", "validation")
        )
        return Fold(
            network,
            integers,
            metadata.get("absent", ""),
            batches.load(self.spikes, evenly(test, at_most), labels),
            batches.load(self.spikes, validation, labels),
        )
