"""The kinds of windows, and the settings that cut them.

A window is a row of a table, never a copy of samples; see `cutting`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from pipeline.components import Settings

Moment = Annotated[float, Field(ge=-600, le=600)]


class _Kind(Settings):
    memory_s: Annotated[
        float | None,
        Field(
            gt=0,
            le=86400,
            description="the state of a running network starts anew every so many "
            "seconds, for labels that follow the clock; null: it runs on",
        ),
    ] = None


class _Around(_Kind):
    tmin: Annotated[Moment, Field(description="window start, seconds from the onset")]
    tmax: Annotated[Moment, Field(description="window end, seconds from the onset")]

    @model_validator(mode="after")
    def _start_before_end(self) -> Self:
        if self.tmin >= self.tmax:
            raise ValueError("tmin < tmax does not hold")
        return self


class Beats(_Around):
    """A window around every heart beat; a long look-back shows the rhythm."""

    kind: Literal["beats"]
    beats: Annotated[
        Literal["annotated", "detected"],
        Field(description="placed by the annotation, or by the causal detector"),
    ]
    channel: Annotated[
        str | None, Field(description="channel of the detector; null: the first")
    ] = None


class Events(_Around):
    """A window around every annotated event."""

    kind: Literal["events"]


class _Within(_Kind):
    length_s: Annotated[float, Field(gt=0, le=3600, description="window, seconds")]
    skip_s: Annotated[
        float, Field(ge=0, le=3600, description="left out where a block starts")
    ] = 0.0


class Sliding(_Within):
    """Windows that slide through every annotated block and never leave it."""

    kind: Literal["sliding"]
    step_s: Annotated[float, Field(gt=0, le=3600, description="hop, seconds")]


class Recording(_Within):
    """One window of every block, from where it starts; what comes later is not used.

    A label of the recording makes one block of it, or of each of its segments.
    """

    kind: Literal["recording"]


class Steps(_Kind):
    """A decision at every sample of every annotated block, or every so many seconds."""

    kind: Literal["steps"]
    length_s: Annotated[
        float, Field(gt=0, le=3600, description="window before a decision, seconds")
    ]
    every_s: Annotated[
        float | None,
        Field(gt=0, le=3600, description="between decisions; null: at each sample"),
    ] = None


WindowSettings = Annotated[
    Beats | Events | Sliding | Recording | Steps, Field(discriminator="kind")
]


@dataclass(frozen=True)
class Annotations:
    """A recording's annotations, by onset.

    Parameters
    ----------
    onset_s, duration_s : array, shape (annotation,)
        Seconds; beats and events last 0.
    label : array of str, shape (annotation,)
    """

    onset_s: np.ndarray
    duration_s: np.ndarray
    label: np.ndarray


@dataclass(frozen=True)
class Timeline:
    """The position of a prepared signal in time; see `signals.Signal`."""

    n_samples: int
    sfreq: float
    delay_s: float
