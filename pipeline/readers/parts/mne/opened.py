"""A file that is open, before its channels are chosen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.axes import Precise, Segment
from pipeline.readers.base import Marks
from pipeline.readers.parts.select import FileSignal, Selected


@dataclass(frozen=True)
class Chosen:
    """The samples of the chosen channels.

    Parameters
    ----------
    n_samples : int
    read : callable
        As in `Content`.
    segments : tuple of Segment
    end : int
        As in `Content`.
    remarks : tuple of str
    counted : callable
        As in `Content`.
    """

    n_samples: int
    read: Callable[[int, int], Precise]
    segments: tuple[Segment, ...]
    end: int
    remarks: tuple[str, ...] = ()
    counted: Callable[[], tuple[str, ...]] = tuple


@dataclass(frozen=True)
class Opened:
    """The statements of a file about itself.

    Parameters
    ----------
    signals : tuple of FileSignal
        Their names are those in the file, their types None if the file states none.
    choose : callable
        Gives the samples of the channels that were selected among the signals.
    marks : Marks
        The annotations.
    identity : mapping of str to str
        Fields of the header that describe the person or the recording.
    begin : datetime or None
        When the first sample was recorded.
    line_freq : float or None
        Hz.
    plain : callable
        Gives a signal's name without what the format adds to it.
    remarks : tuple of str
    """

    signals: tuple[FileSignal, ...]
    choose: Callable[[Selected], Chosen]
    marks: Marks
    identity: Mapping[str, str] = field(default_factory=dict)
    begin: datetime | None = None
    line_freq: float | None = None
    plain: Callable[[str], str] = str
    remarks: tuple[str, ...] = ()
