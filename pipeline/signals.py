"""Prepared signals: one row a channel, segment after segment."""

from dataclasses import dataclass

from pipeline.axes import Samples


@dataclass(frozen=True)
class Signal:
    """The prepared signal of one recording.

    Parameters
    ----------
    samples : array, shape (channel, time), float32
        In `units`, or dimensionless once scaled. Of a signal that `open_signal` gave,
        `samples[:, start:stop]` is read from the file.
    sfreq : float
        Samples per second.
    channels, units : tuple of str
        A name and a unit a row.
    delay_s : float
        Sample k of a segment describes the segment's time `k / sfreq - delay_s`.
    segments : tuple of int
        First sample of each segment; filter, scale and encoder start anew there.
    order : str
        Under pseudonyms, what order and draws go by instead of the recording's name.
    """

    samples: Samples
    sfreq: float
    channels: tuple[str, ...]
    units: tuple[str, ...]
    delay_s: float
    segments: tuple[int, ...] = (0,)
    order: str = ""
