"""Rhythm: how long each interval is for this person, and how late the next beat is."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.parts.beats import BeatCode, Clock, Finder
from pipeline.encoders.parts.intervals import Deviation, Intervals
from pipeline.encoders.parts.octaves import MEAN_BITS, OCTAVE
from pipeline.qrs import Detector

LONGEST_S = 3.0
"""An interval longer than this is a pause."""

PARTS = 256
"""Fractions of the expected interval are so fine."""


@dataclass(frozen=True)
class RhythmState:
    """What is remembered between two chunks: each channel's clock and intervals."""

    settings: object
    finder: Finder
    channels: tuple[tuple[Clock, Intervals], ...]

    @property
    def n_channels(self) -> int:
        """The channels that it knows."""
        return len(self.channels)


class Rhythm(BeatCode[RhythmState]):
    """Population code of the intervals between beats, in integers.

    At a beat whose interval to the one before is r, every number fires the one cell
    that it falls into::

        a_i = log2 r − m_i,   m_i += (log2 r − m_i) / 2^shift_i
        c = log2 d,           d += (|log2 r − m| − d) / 8,   m over 16 intervals

    with the means from before this beat. Between beats, time cell j fires when f_j · e
    have passed since the last beat and no other has come; e is the mean of r over 16.
    Every channel has a detector of its own: give the code one channel, as a part of
    `joined`.

    There is silence until the second interval. One of more than 3 s is a pause: it is
    not coded, and changes no mean. Without beats there is silence. All spikes come as
    late as the slowest detection, 0.35 s after what they stand for.

    Intervals are counted in samples, logarithms cut to 1/256 octave by a table of 256
    bytes, means moved by shifts, with larger gains at first. Nothing here is floating
    point but the detector; equal beats give equal bits on any machine.

    References
    ----------
    The numbers are those of de Chazal, O'Dwyer and Reilly (2004), Automatic
    classification of heartbeats using ECG morphology and heartbeat interval features,
    IEEE Trans. Biomed. Eng. 51(7), with causal means.
    """

    shifts: Annotated[
        tuple[Annotated[int, Field(ge=0, le=16)], ...],
        Field(
            min_length=1,
            max_length=8,
            description="References: means over about 2^shift intervals.",
        ),
    ] = (0, 4, 8)
    cells: Annotated[
        int, Field(ge=2, le=64, description="Cells of each reference.")
    ] = 13
    width_octaves: Annotated[
        float, Field(ge=1 / 256, le=4, description="Width of such a cell, octaves.")
    ] = 0.09375
    spread_cells: Annotated[
        int,
        Field(ge=1, le=16, description="Cells of c, an octave each; the last: d > ¼."),
    ] = 6
    fractions: Annotated[
        tuple[Annotated[float, Field(gt=0, le=8)], ...],
        Field(max_length=16, description="f, shares of the expected interval."),
    ] = (0.75, 1.0, 1.25, 1.5, 2.0)

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name each channel's cells: `MLII 16/0`, `MLII spread/0`, `MLII time/0`."""
        cells = [
            *(f"{1 << s}/{cell}" for s in self.shifts for cell in range(self.cells)),
            *(f"spread/{cell}" for cell in range(self.spread_cells)),
            *(f"time/{place}" for place in range(len(self.fractions))),
        ]
        return tuple(f"{channel} {cell}" for channel in channels for cell in cells)

    def begin(self, finder: Finder, n_channels: int) -> RhythmState:
        """Make a state in which no beat is known."""
        clock = Clock(finder.start(), (), -finder.delay)
        intervals = Intervals((0,) * len(self.shifts))
        return RhythmState(self, finder, ((clock, intervals),) * n_channels)

    def encode(
        self, chunk: Samples, state: RhythmState
    ) -> tuple[SpikeBits, RhythmState]:
        """Encode one chunk.

        Raises
        ------
        DataError
            The state is that of other settings, or of other channels.
        """
        n_channels, n_samples = chunk.shape
        self.refuse_foreign(state, n_channels)
        spikes = np.zeros((n_channels * self._n_cells, n_samples), np.bool_)
        rows = np.split(spikes, n_channels)
        each = zip(chunk, state.channels, rows, strict=True)
        channels = tuple(
            self._encode_channel(samples, *own, state.finder, cells)
            for samples, own, cells in each
        )
        return spikes, RhythmState(self, state.finder, channels)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Give zeros: the code holds nothing of the waveform."""
        shape = len(spikes) // self._n_cells, spikes.shape[1]
        return np.zeros(shape, np.float32)

    def delay_s(self, sfreq: float) -> float:
        """Give the delay of the slowest detection."""
        return Detector(sfreq).delay / sfreq

    def operations(self) -> dict[str, int]:
        """Count the detector's, and those of a beat as if every sample were one."""
        references, fractions = len(self.shifts), len(self.fractions)
        return {"multiplication": 6 + fractions, "addition": 30 + 5 * references}

    @property
    def _n_cells(self) -> int:
        n_references = len(self.shifts)
        return n_references * self.cells + self.spread_cells + len(self.fractions)

    def _encode_channel(
        self,
        samples: np.ndarray,
        clock: Clock,
        intervals: Intervals,
        finder: Finder,
        cells: SpikeBits,
    ) -> tuple[Clock, Intervals]:
        """Mark the spikes of a channel in its cells; give its state."""
        first, longest = clock.time, round(LONGEST_S * finder.sfreq)
        beats, clock = clock.advance(finder, samples)
        for beat in beats:
            self._wait(intervals, range(first, beat), longest, cells, first)
            deviation, intervals = intervals.beat(
                beat, longest=longest, shifts=self.shifts
            )
            if deviation is not None:
                cells[self._fired(deviation), beat - first] = True
        self._wait(intervals, range(first, clock.time), longest, cells, first)
        return clock, intervals

    def _fired(self, deviation: Deviation) -> list[int]:
        """Find the cell of each number."""
        ratios = enumerate(deviation.ratios)
        above = deviation.spread // OCTAVE + self.spread_cells + 1
        return [
            *(place * self.cells + self._cell(ratio) for place, ratio in ratios),
            len(self.shifts) * self.cells + min(max(above, 0), self.spread_cells - 1),
        ]

    def _cell(self, number: int) -> int:
        """Find the cell of a number; 0 is in the middle, and the ends are open."""
        width = round(self.width_octaves * OCTAVE)
        cell = (2 * number + self.cells * width) // (2 * width)
        return min(max(cell, 0), self.cells - 1)

    def _wait(
        self,
        intervals: Intervals,
        times: range,
        longest: int,
        cells: SpikeBits,
        first: int,
    ) -> None:
        """Mark the time cells that fire in a stretch of time without a beat."""
        if intervals.last is None or not intervals.n:
            return
        for place, fraction in enumerate(self.fractions, -len(self.fractions)):
            parts = round(fraction * PARTS) * intervals.expected
            late = max(1, -(-parts // (PARTS << MEAN_BITS)))
            if late <= longest and intervals.last + late in times:
                cells[place, intervals.last + late - first] = True
