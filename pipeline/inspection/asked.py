"""The settings in `params.yaml` of one data set and of the networks that read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.card import Card
from pipeline.components import did_you_mean
from pipeline.config import Params
from pipeline.encoders.base import Encoder
from pipeline.errors import ConfigError
from pipeline.grid import Grid
from pipeline.ingestion.reading import Intake
from pipeline.networks.parts.settings import LayeredNetwork
from pipeline.neurons.base import Neuron
from pipeline.preparation.folds import FoldSettings
from pipeline.preparation.signals import SignalSettings
from pipeline.preparation.windows import WindowSettings


@dataclass(frozen=True)
class Asked:
    """The settings of a data set.

    Parameters
    ----------
    dataset : str
    card : Card
    labels : mapping of str to str
        The classes in order, each with its longer name.
    intake : Intake
    signal : SignalSettings
    windows : Beats, Events or another kind of windows
    folds : CrossSubject or another scheme
    seed : int
    on_bad : str
    encoders, networks : mapping
        Those of the grid, by their names.
    """

    dataset: str
    card: Card
    labels: Mapping[str, str]
    intake: Intake
    signal: SignalSettings
    windows: WindowSettings
    folds: FoldSettings
    seed: int
    on_bad: Literal["raise", "skip"]
    encoders: Mapping[str, Encoder[Any]]
    networks: Mapping[str, LayeredNetwork]
    neurons: Mapping[str, Neuron]


def read(params: Params, dataset: str) -> Asked:
    """Read the settings of a data set.

    Raises
    ------
    ConfigError
        There is no such data set, or a setting cannot be used.
    """
    known = params.names("datasets")
    if dataset not in known:
        raise ConfigError(
            "biospike check",
            f"there is no data set '{dataset}' in params.yaml",
            expected=did_you_mean(dataset, known),
            remedy="correct the name, or add it to `datasets` in params.yaml",
        )

    def own(part: str) -> str:
        """Name a section of the data set."""
        return f"datasets.{dataset}.{part}"

    grid: Grid = params.read("grid")
    return Asked(
        dataset=dataset,
        card=params.read(own("card")),
        labels=params.read(own("labels")),
        intake=Intake(params.read(own("reader")), params.read(own("values"))),
        signal=params.read(own("signal")),
        windows=params.read(own("windows")),
        folds=params.read(own("folds")),
        seed=params.read("seed"),
        on_bad=params.read("on_bad_recording"),
        encoders={name: params.read(f"encoders.{name}") for name in grid.encoder},
        networks={name: params.read(f"models.{name}.network") for name in grid.model},
        neurons={name: params.read(f"models.{name}.neuron") for name in grid.model},
    )
