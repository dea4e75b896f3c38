"""The base class of readers, and their result for ingestion."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    model_validator,
)

from pipeline.axes import Precise, Segment
from pipeline.components import Component
from pipeline.readers.parts.units import ACCEPTED, volts

ChannelType = Literal["ecg", "eeg", "emg", "stim"]
"""As MNE names them; stim: events, numbers without a unit."""

Check = Literal[
    "checksum", "end", "range", "rate", "beats", "held", "amplitude", "flat", "copies"
]
"""Statements of files, and signals that no body makes, that ingestion checks:

- `checksum`: checksums, first values and lengths that a header states
- `end`: whether annotations are complete: the mark at their end, entries that can be
  read, times in order
- `range`: samples outside the range that the header declares
- `rate`: the stated sampling rate against the clock, or two statements of a rate, a
  length or a unit against each other
- `beats`: beats against the QRS complexes of an ECG
- `held`: samples that repeat the one before
- `amplitude`: amplitudes that no body makes
- `flat`: channels of one value all along
- `copies`: the same signal in two recordings
"""

REPLACE = (
    "replace the file by a sound copy (ask who delivered it, or download it again)"
)
"""A remedy that is right for every source: readers do not know where files are from."""
LEAVE_OUT = "leave the recording out with on_bad_recording: skip"

Origin = tuple[str, str]
"""Where in a recording's files a value stands: the kind of place (annotation, note,
column, variable, header) and the key there, "" if the place needs none."""


def unchecked_if(right: str, check: Check) -> str:
    """Write the remedy that turns a check off where the files are right."""
    return f"if {right}, set the reader's unchecked to [{check}]"


def either(*remedies: str) -> str:
    """Write remedies of which one will do: `a, b, or c`."""
    *others, last = remedies
    return f"{', '.join(others)}, or {last}" if others else last


def _as_mapping(value: object) -> object:
    """Let a list of names stand for names without alternatives."""
    if isinstance(value, list | tuple):
        return {str(name): (str(name),) for name in value}
    if isinstance(value, Mapping) and value:
        return {
            str(name): (str(each),) if isinstance(each, str | int) else each
            for name, each in value.items()
        }
    return value


def _known_unit(unit: str | None) -> str | None:
    """Refuse what is no unit of voltage."""
    if unit is not None and volts(unit) is None:
        raise ValueError(ACCEPTED)
    return unit


def _in_order(channels: Mapping[str, tuple[str, ...]] | None) -> object:
    """Write channels as pairs: sorted JSON would lose their order."""
    return channels and [[name, list(each)] for name, each in channels.items()]


Channels = Annotated[
    Annotated[dict[str, tuple[str, ...]], Field(min_length=1)] | None,
    BeforeValidator(_as_mapping),
    PlainSerializer(_in_order),
]


@dataclass(frozen=True)
class Marks:
    """Texts at times.

    Parameters
    ----------
    onset_s, duration_s : array, shape (mark,)
        Seconds since the first sample on the recording's own clock, pauses included,
        in the order of the onsets. A duration of 0 is that of an instant. NaN is what
        a file does not state.
    texts : tuple of str
        What the file writes there.
    """

    onset_s: np.ndarray
    duration_s: np.ndarray
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """The content of the files of one recording.

    Parameters
    ----------
    channels, types : tuple of str
        The chosen channels in order, and what each measures (a `ChannelType`).
    sfreq : float
        Samples per second, the same for all channels.
    n_samples : int
    read : callable
        `read(start, stop)` gives these samples in volts (stim: numbers), shape
        (channel, time), float64. Long recordings are read piece by piece.
    marks : mapping of Origin to Marks
        Of the origins asked for, those whose texts stand at times.
    texts : mapping of Origin to tuple of str
        Of the origins asked for, those that describe all of the recording.
    segments : tuple of Segment
        The first starts at sample 0 and 0 s.
    end : int or None
        Where the signal ends, if the file goes on with one value: no label of the
        recording reaches there. None: with the file.
    line_freq : float or None
        Mains frequency, Hz.
    remarks : tuple of str
        What was left out or mended in reading, in plain words with counts.
    counted : callable
        `counted()` gives further remarks, on samples, once all were read in order.
    """

    channels: tuple[str, ...]
    types: tuple[str, ...]
    sfreq: float
    n_samples: int
    read: Callable[[int, int], Precise]
    marks: Mapping[Origin, Marks] = field(default_factory=dict)
    texts: Mapping[Origin, tuple[str, ...]] = field(default_factory=dict)
    segments: tuple[Segment, ...] = (Segment(0, 0.0),)
    end: int | None = None
    line_freq: float | None = None
    remarks: tuple[str, ...] = ()
    counted: Callable[[], tuple[str, ...]] = tuple


class Reader(Component):
    """A file format, and what its files do not state about themselves.

    Every reader takes these settings; formats add their own.
    """

    origins: ClassVar[frozenset[str]]
    """The kinds of places where this format can hold values."""

    formats: ClassVar[Mapping[str, str]] = {}
    """The names of the formats of main files, by suffix in lower case: `biospike
    new-dataset` finds recordings by them. Empty: no suffix is theirs alone."""

    beside: ClassVar[bool] = False
    """Whether such files often stand beside recordings of other formats: they count
    only where there are no others."""

    signals: ClassVar[tuple[str, ...]] = ()
    """Suffixes of files that hold the signals of a main file of the same name."""

    looked_at: ClassVar[int] = 24
    """Files that `biospike new-dataset` looks at: fewer where that takes long."""

    channels: Annotated[
        Channels,
        Field(
            description="channels in order: names, types (eeg: all of that type), or a "
            "name with the signals that can be it; null: all"
        ),
    ] = None
    channel_type: Annotated[
        ChannelType | None,
        Field(
            description="what the channels measure (stim: events, no voltages); "
            "null: as the file states"
        ),
    ] = None
    unit: Annotated[
        str | None,
        AfterValidator(_known_unit),
        Field(description="unit of the samples; null: as the file states"),
    ] = None
    sfreq: Annotated[
        float | None,
        Field(gt=0, description="samples per second; null: as the file states"),
    ] = None
    line_freq: Annotated[
        float | None,
        Field(gt=0, le=100, description="mains where it was recorded, Hz"),
    ] = None

    missing: Annotated[
        Literal["refuse", "pause"],
        Field(
            description="samples that are no numbers: refuse the recording, or leave "
            "them out as a pause"
        ),
    ] = "refuse"
    unchecked: Annotated[
        tuple[Check, ...],
        Field(description="checks that these files fail though they are right"),
    ] = ()

    @model_validator(mode="after")
    def _events_have_no_unit(self) -> Self:
        if self.channel_type == "stim" and self.unit is not None:
            raise ValueError("events (channel_type: stim) have no unit")
        return self

    def companions(
        self, folder: Path, main: str, files: Collection[str]
    ) -> tuple[str, ...]:
        """List the other files of a recording, of those that are there.

        Parameters
        ----------
        folder : Path
            Folder of the files.
        main : str
            Path of the recording's main file in it.
        files : collection of str
            Paths of all files of the data set.
        """
        return ()

    def identifying(self, path: Path) -> Sequence[str]:
        """List the kinds of a header's fields that may identify the person.

        Parameters
        ----------
        path : Path
            One of a recording's files.

        Returns
        -------
        kinds : sequence of str
            Such as `name` or `birth date`, of fields that are filled; never the values.
        """
        return ()

    @abstractmethod
    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        """Read one recording.

        Parameters
        ----------
        folder : Path
        files : sequence of str
            The main file, then its companions, relative to the folder.
        origins : collection of Origin
            The places whose texts are wanted; others need not be read.

        Raises
        ------
        DataError
            The files are cut short or damaged, contradict each other or the settings,
            or lack a channel or a place that is asked for.
        """
