"""Trained cells: one way to their runs, their networks by fold, and their windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import files
from pipeline.errors import DataError
from pipeline.runs import chosen

if TYPE_CHECKING:
    from pipeline.encoders.base import Encoder
    from pipeline.networks.base import Network, Shape
    from pipeline.networks.parts.stack import Stack
    from pipeline.neurons.base import Neuron
    from pipeline.quantization.network import IntegerNetwork
    from pipeline.training.batches import Windows


@dataclass(frozen=True)
class TrainedCell:
    """A trained cell in its folders. Settings always come from the run.

    Parameters
    ----------
    name : str
    run : mapping
        As `run.json` has it.
    folder : Path
        Holds the run's files.
    windows, spikes : Path
        Folders of the windows and folds, and of the spike trains.
    """

    name: str
    run: Mapping[str, Any]
    folder: Path
    windows: Path
    spikes: Path

    @classmethod
    def open(cls, name: str) -> "TrainedCell":
        """Open a cell of this checkout.

        Raises
        ------
        DataError
            The cell has not been trained.
        """
        return cls.at(files.folder("runs", name))

    @classmethod
    def at(cls, folder: Path) -> "TrainedCell":
        """Open the cell whose run lies in a folder, be it a copy."""
        run = files.load_json(folder / "run.json")
        dataset, encoder, model = (run[k] for k in ("dataset", "encoder", "model"))
        return cls(
            f"{dataset}-{encoder}-{model}",
            run,
            folder,
            files.folder("windows", dataset),
            files.folder("spikes", f"{dataset}-{encoder}"),
        )

    @property
    def dataset(self) -> str:
        """The data set that it learned from."""
        return str(self.run["dataset"])

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        return tuple(self.run["labels"])

    @property
    def encoder(self) -> "Encoder[Any]":
        """The encoder that made its spikes."""
        made: Encoder[Any] = chosen(self.run, "encoder")
        return made

    @property
    def network(self) -> "Network":
        """The settings of its network."""
        made: Network = chosen(self.run, "network")
        return made

    @property
    def neuron(self) -> "Neuron":
        """The settings of its neuron."""
        made: Neuron = chosen(self.run, "neuron")
        return made

    @property
    def neuron_name(self) -> str:
        """The name of its neuron."""
        return str(self.run["settings"]["neuron"]["name"])

    @property
    def memory_s(self) -> float | None:
        """How long its network may remember, if it runs on; None: without a limit."""
        limit: float | None = self.run["settings"].get("windows", {}).get("memory_s")
        return limit

    @cached_property
    def table(self) -> pd.DataFrame:
        """All windows of the data set, as `windows.parquet` has them."""
        return files.load_table(self.windows / "windows.parquet")

    @cached_property
    def folds(self) -> "list[TrainedFold]":
        """The trained folds; each keeps the network that it has loaded."""
        return [TrainedFold(self, int(line["fold"])) for line in self.run["folds"]]

    def fold(self, number: int | None = None) -> "TrainedFold":
        """Choose a fold; default: the first.

        Raises
        ------
        DataError
            There is no such fold.
        """
        folds = {fold.number: fold for fold in self.folds}
        if number is None:
            return self.folds[0]
        if number not in folds:
            raise DataError(
                f"{self.name}: run.json",
                f"no fold {number}",
                expected=f"one of {', '.join(map(str, folds))}",
                remedy="choose another with --fold",
            )
        return folds[number]


@dataclass(frozen=True)
class TrainedFold:
    """One fold of a trained cell; files are read when they are needed.

    Parameters
    ----------
    cell : TrainedCell
    number : int
        As `folds.parquet` counts.
    """

    cell: TrainedCell
    number: int

    @property
    def network(self) -> "Stack":
        """The network, ready to predict: spikes (time, batch, feature) to logits."""
        return self._trained[0]

    @property
    def shape(self) -> "Shape":
        """The shape of the network's windows."""
        return self._trained[1]

    @property
    def integers(self) -> "IntegerNetwork | None":
        """The network in integers; None where it does not run in integers."""
        return self._quantized[0]

    @property
    def absent(self) -> str:
        """The reason why there is no network in integers; empty if there is one."""
        return str(self._quantized[1].get("absent", ""))

    @property
    def origin(self) -> dict[str, Any]:
        """The origin of the network, as an exported file states it."""
        named = {name: self.cell.run[name] for name in ("labels", "run_key")}
        return {"cell": self.cell.name, "fold": self.number, **named}

    def decisions(self, role: str) -> pd.DataFrame:
        """List the windows of a role, in the order of their numbers."""
        folds = files.load_table(self.cell.windows / "folds.parquet")
        mine = (folds["fold"] == self.number) & (folds["role"] == role)
        chosen = folds.loc[mine, ["window"]]
        return chosen.merge(self.cell.table, on="window", validate="1:1").sort_values(
            "window"
        )

    def load(self, decisions: pd.DataFrame) -> "Windows":
        """Load the spikes of windows, for networks that restart for every one."""
        from pipeline.training import batches

        return batches.load(self.cell.spikes, decisions, self.cell.labels)

    @cached_property
    def _trained(self) -> "tuple[Stack, Shape]":
        from pipeline.training.trained import load_network, weights_path

        path = weights_path(self.cell.folder, self.number)
        try:
            return load_network(path, self.cell.network, self.cell.neuron)
        except RuntimeError as error:
            raise DataError(
                str(path),
                "does not fit the network that run.json describes",
                expected="weights of the same settings",
                remedy=f"train it again: `dvc repro -s -f train@{self.cell.name}`",
            ) from error

    @cached_property
    def _quantized(self) -> "tuple[IntegerNetwork | None, dict[str, Any]]":
        from pipeline.training.trained import load_quantized, quantized_path

        return load_quantized(quantized_path(self.cell.folder, self.number))
