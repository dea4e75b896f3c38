"""A stream followed through whatever happens to it, and what was done about it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.axes import Precise
from pipeline.errors import DataError
from pipeline.live.decider import Decision, LiveDecider
from pipeline.live.guarding import Guard
from pipeline.live.streams import About, Chunk, GoneError, Inlet, Source
from pipeline.training.cell import TrainedFold
from pipeline.wording import did_you_mean

STALLED_S, LOST_S = 2.0, 30.0
"""Silence that is reported, and silence that ends a session."""


@dataclass(frozen=True)
class Notice:
    """Something that happened, and what was done."""

    text: str


@dataclass(frozen=True)
class Decided:
    """A decision and what it took.

    Parameters
    ----------
    decision : Decision
    compute_s : float
        From its last sample's arrival: filter, code, network and read-out.
    delay_s : float
        That these lag behind the signal.
    """

    decision: Decision
    compute_s: float
    delay_s: float


@dataclass(frozen=True)
class Asked:
    """What a session follows, and how.

    Parameters
    ----------
    fold : TrainedFold
    channels : tuple of str
        That the cell takes, in their order.
    picked : tuple of str
        The stream's names of these; empty: the same.
    every_s : float
        Seconds of signal between decisions.
    """

    fold: TrainedFold
    channels: tuple[str, ...]
    picked: tuple[str, ...]
    every_s: float


class Session:
    """Follows one stream.

    Parameters
    ----------
    source : Source
    asked : Asked
    clock : callable
        Seconds.
    """

    def __init__(
        self, source: Source, asked: Asked, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.source, self.asked, self.clock = source, asked, clock
        self._decider: LiveDecider | None = None

    def events(self) -> Iterator[Notice | Decided]:
        """Give what happens, until the stream is over.

        Raises
        ------
        DataError
            There is no such stream, it lacks a channel, or it stays silent.
        """
        inlet = self.source.open()
        yield from self._opened(inlet)
        last_s, is_stalled = self.clock(), False
        while True:
            try:
                chunk = inlet.pull()
            except GoneError:
                yield Notice(f"the stream is gone: looking for it for {LOST_S:g} s")
                inlet = self.source.open()
                yield from self._opened(inlet)
                last_s, is_stalled = self.clock(), False
                continue
            if chunk is None:
                return
            silent_s = self.clock() - last_s
            if not chunk.samples.shape[1]:
                if silent_s > LOST_S:
                    raise _silent(inlet.about, silent_s)
                if silent_s > STALLED_S and not is_stalled:
                    is_stalled = True
                    yield Notice(f"no samples for {silent_s:.1f} s: waiting")
                continue
            if is_stalled:
                yield Notice(f"it goes on after {silent_s:.1f} s")
            last_s, is_stalled = self.clock(), False
            yield from self._taken(chunk)

    def _opened(self, inlet: Inlet) -> Iterator[Notice]:
        """Fit to a stream that has been opened, or opened again."""
        about, before = inlet.about, self._decider
        self._rows, note = rows(about, self.asked)
        self._fit(about.sfreq)
        text = f"{about.name}: {about.n_channels} channels, {about.sfreq:g} Hz"
        if before is not None:
            text += "; everything begins anew"
            if before.sfreq != about.sfreq:
                text += f", with filters for {about.sfreq:g} instead of "
                text += f"{before.sfreq:g} Hz"
        yield Notice(text + note)

    def _fit(self, sfreq: float) -> None:
        asked = self.asked
        self._decider = LiveDecider(asked.fold, asked.channels, sfreq, asked.every_s)
        self._guard = Guard(sfreq)

    def _taken(self, chunk: Chunk) -> Iterator[Notice | Decided]:
        """Decide about a chunk."""
        picked = Chunk(chunk.samples[self._rows], chunk.stamps)
        for part in self._guard.parts(picked):
            if part.anew:
                yield Notice(f"{part.anew}: everything begins anew")
                self.decider.reset()
            yield from self._decided(part.samples)
        if rate := self._guard.measured_rate():
            stated = self._guard.sfreq
            self._fit(rate)
            yield Notice(
                f"samples come at {rate:g} Hz, not at the stated {stated:g}: filters "
                "are made anew, and everything begins anew"
            )

    def _decided(self, samples: Precise) -> Iterator[Decided]:
        begun = time.perf_counter()
        decisions = self.decider.push(samples)
        taken_s = time.perf_counter() - begun
        for decision in decisions:
            yield Decided(decision, taken_s, self.decider.delay_s)

    @property
    def decider(self) -> LiveDecider:
        """Who decides, fitted to the stream."""
        assert self._decider is not None
        return self._decider


def rows(about: About, asked: Asked) -> tuple[list[int], str]:
    """Find the stream's channels that a cell takes; and what to say about it.

    Raises
    ------
    DataError
        One is not there.
    """
    wanted = asked.picked or asked.channels
    if not about.channels:
        if about.n_channels != len(wanted) or asked.picked:
            raise DataError(
                about.name,
                f"{about.n_channels} channels without names",
                expected=f"{len(wanted)}: {', '.join(wanted)}",
                remedy="let the sender name its channels",
            )
        return list(range(len(wanted))), f"; taken for {', '.join(wanted)} in order"
    missing = [name for name in wanted if name not in about.channels]
    if missing:
        raise DataError(
            about.name,
            f"there is no channel {', '.join(missing)}",
            expected=did_you_mean(missing[0], list(about.channels)),
            remedy="name the stream's channels by --channels, in the order of "
            + ", ".join(asked.channels),
        )
    return [about.channels.index(name) for name in wanted], ""


def _silent(about: About, silent_s: float) -> DataError:
    return DataError(
        about.name,
        f"no samples for {silent_s:.0f} s",
        expected="samples",
        remedy="look at its sender, and start again",
    )
