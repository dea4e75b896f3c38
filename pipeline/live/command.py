"""The command `biospike stream`: decisions in the terminal while a signal comes."""

import math
from collections.abc import Iterable

import numpy as np
from rich.console import Console

from pipeline.decisions.example import recorded_input
from pipeline.errors import ConfigError
from pipeline.live.session import Asked, Decided, Notice, Session
from pipeline.live.streams import About, Replay, Source
from pipeline.readers.base import Content
from pipeline.training.cell import TrainedCell


def asked(
    cell: TrainedCell, fold: int | None, channels: str | None, every_s: float
) -> Asked:
    """Gather what a session follows.

    Raises
    ------
    ConfigError
        The names are not as many as the cell's channels.
    DataError
        There is no such fold.
    """
    takes = recorded_input(cell)
    picked = tuple(filter(None, (name.strip() for name in (channels or "").split(","))))
    if picked and len(picked) != len(takes.channels):
        raise ConfigError(
            "--channels",
            f"{len(picked)} names",
            expected=f"one for each of {', '.join(takes.channels)}, in this order",
            remedy="correct the flag, or leave it out where the names are the same",
        )
    if not 0 < every_s < math.inf:
        raise ConfigError("--every", f"{every_s:g} s", expected="seconds, more than 0")
    return Asked(cell.fold(fold), takes.channels, picked, every_s)


def live(name: str | None, unit: str | None) -> Source:
    """Find a stream of the Lab Streaming Layer."""
    from pipeline.live.lsl import LslSource

    return LslSource(name, unit)


def replayed(content: Content, name: str, speed: float) -> Replay:
    """Make a stream of a recording that was read.

    Raises
    ------
    ConfigError
        The speed is none.
    """
    if not speed > 0:
        raise ConfigError("--speed", f"{speed:g}", expected="a number above 0, or inf")
    starts = [segment.start for segment in content.segments]
    ends = [*starts[1:], content.n_samples]
    pieces = [content.read(*bounds) for bounds in zip(starts, ends, strict=True)]
    onsets_s = [segment.onset_s for segment in content.segments]
    about = About(name, content.channels, len(content.channels), content.sfreq)
    return Replay(about, pieces, onsets_s, speed)


def follow(source: Source, what: Asked, out: Console) -> None:
    """Print decisions and what happens until the stream is over, or Ctrl-C."""
    events = Session(source, what).events()
    labels = what.fold.cell.labels
    width = max(map(len, labels))
    computed: list[float] = []
    ended = False
    try:
        for event in events:
            if isinstance(event, Notice):
                out.print(f"— {event.text}", markup=False)
                continue
            computed.append(event.compute_s)
            out.print(line(event, width), markup=False)
        ended = True
    finally:
        if ended or computed:  # after an error at the beginning, that alone
            out.print(ending(computed), markup=False)


def line(event: Decided, width: int) -> str:
    """Write a decision: when, what, how likely, and how late."""
    decision = event.decision
    return (
        f"{decision.at_s:9.2f} s  {decision.label:<{width}}  "
        f"{decision.probability:6.1%}  {1e3 * event.compute_s:6.2f} ms computing, "
        f"{1e3 * event.delay_s:.0f} ms delay"
    )


def ending(computed: Iterable[float]) -> str:
    """Sum a session up."""
    taken = 1e3 * np.array(list(computed))
    if not len(taken):
        return "no decision was due"
    middle, late = np.percentile(taken, [50, 99])
    return (
        f"{len(taken)} decisions, computing: median {middle:.2f} ms, 99 % within "
        f"{late:.2f} ms"
    )
