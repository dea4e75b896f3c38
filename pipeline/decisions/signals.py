"""The signal of a decision, as it was recorded and as it was filtered."""

from dataclasses import dataclass

import numpy as np

from pipeline import files
from pipeline.axes import Segment
from pipeline.decisions.series import Series
from pipeline.preparation.segments import segments_of

MOST_CHANNELS = 6
"""Channels that a trace holds."""


@dataclass(frozen=True)
class Clock:
    """The time of prepared samples in a segment, on the recording's clock.

    Parameters
    ----------
    first : int
        The segment's first sample of the prepared signal.
    segment : Segment
    sfreq : float
        Prepared samples a second.
    delay_s : float
        How much the prepared signal lags behind the recorded one.
    """

    first: int
    segment: Segment
    sfreq: float
    delay_s: float

    def at(self, sample: float) -> float:
        """Give the moment that a sample describes, seconds."""
        in_segment = (sample - self.first) / self.sfreq - self.delay_s
        return in_segment + self.segment.onset_s


def filtered(
    dataset: str, recording: str, number: int, first: int, stop: int
) -> tuple[Series, Clock]:
    """Cut samples [first, stop) out of the prepared signal of a recording's segment.

    What lies outside the segment is left out.
    """
    path = files.folder("signals", dataset) / f"{recording}.h5"
    table = files.load_table(files.folder("recordings", dataset) / "recordings.parquet")
    with files.open_signal(path) as signal:
        border = signal.segments[number]
        ends = (*signal.segments[1:], signal.samples.shape[1])
        first, stop = max(first, border), min(stop, ends[number])
        samples = np.asarray(signal.samples[:MOST_CHANNELS, first:stop])
        clock = Clock(
            border, segments_of(table)[recording][number], signal.sfreq, signal.delay_s
        )
        unit = signal.units[0].removeprefix("1")
        rows = signal.channels[:MOST_CHANNELS]
    return Series(samples, rows, clock.at(first), 1 / clock.sfreq, unit), clock


def recorded(dataset: str, recording: str, like: Series, segment: Segment) -> Series:
    """Cut the recorded signal of the time that a prepared one describes.

    Its channels are those of the same names; if none is, the first ones.
    """
    path = files.folder("recordings", dataset) / f"{recording}_raw.fif"
    raw = files.load_recording(path)
    picks = [name for name in like.rows if name in raw.ch_names]
    picks = picks or raw.ch_names[:MOST_CHANNELS]
    sfreq = float(raw.info["sfreq"])
    edges = like.start_s, like.start_s + like.dt * like.values.shape[1]
    first, stop = (
        segment.start + round((edge - segment.onset_s) * sfreq) for edge in edges
    )
    first, stop = max(first, segment.start), min(stop, raw.n_times)
    values = raw.get_data(picks=picks, start=first, stop=stop)
    start_s = segment.onset_s + (first - segment.start) / sfreq
    return Series(values, tuple(picks), start_s, 1 / sfreq, "V")
