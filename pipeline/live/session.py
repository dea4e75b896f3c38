"""A stream followed through whatever happens to it, and what was done about it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pipeline.axes import Precise
from pipeline.errors import ConfigError, DataError
from pipeline.live.decider import Decision, LiveDecider
from pipeline.live.guarding import Guard
from pipeline.live.pace import JUMP_S
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
        self._is_blind = False

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
                yield from self._unreported()
                yield Notice(f"the stream is gone: looking for it for {LOST_S:g} s")
                inlet = self.source.open()
                yield from self._opened(inlet)
                last_s, is_stalled = self.clock(), False
                continue
            if chunk is None:
                yield from self._unreported()
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

    def _fit(self, sfreq: float, jump_s: float = JUMP_S) -> None:
        asked = self.asked
        self._decider = LiveDecider(asked.fold, asked.channels, sfreq, asked.every_s)
        self._guard = Guard(sfreq, jump_s)

    def _unreported(self) -> Iterator[Notice]:
        """Report what a guard has only counted so far."""
        if text := self._guard.unreported():
            yield Notice(text)

    def _taken(self, chunk: Chunk) -> Iterator[Notice | Decided]:
        """Decide about a chunk."""
        picked = replace(chunk, samples=chunk.samples[self._rows])
        for part in self._guard.parts(picked):
            if part.why:
                yield Notice(f"{part.why}: everything begins anew")
            if part.anew:
                self.decider.reset()
            yield from self._decided(part.samples)
        yield from self._blinded()
        if measured := self._guard.measured_rate():
            found = (
                f"samples come at {measured.sfreq:g} Hz, not at the stated "
                f"{self._guard.sfreq:g}"
            )
            try:
                self._fit(*measured)
            except ConfigError as error:
                raise _too_slow(found, error) from error
            yield Notice(f"{found}: filters are made anew, and everything begins anew")

    def _blinded(self) -> Iterator[Notice]:
        """Report once that no numbers come, as from an electrode that is off."""
        before, self._is_blind = self._is_blind, self._guard.blind_s > STALLED_S
        if self._is_blind and not before:
            text = (
                f"no numbers for {self._guard.blind_s:.1f} s, in some channel: waiting"
            )
            yield Notice(text)

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
    """Find the stream's channels that a cell takes, and give the remarks on it.

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


def _too_slow(found: str, error: ConfigError) -> DataError:
    return DataError(
        "the stream",
        found,
        expected=f"a rate that the cell's filters can have; {error.where} is "
        f"{error.found}",
        remedy="correct the sender's rate, or look whether it loses samples",
    )


def _silent(about: About, silent_s: float) -> DataError:
    return DataError(
        about.name,
        f"no samples for {silent_s:.0f} s",
        expected="samples",
        remedy="look at its sender, and start again",
    )
