"""Observers of recordings while they are read, so that nothing is read twice."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from pipeline.axes import Precise
from pipeline.ingestion.archives import View
from pipeline.ingestion.found import Entry
from pipeline.ingestion.labelling import Labels
from pipeline.quality import Measured
from pipeline.readers.base import Content


class Watch(Protocol):
    """The measurements of one recording beside its quality, while it is read."""

    def add(self, piece: Precise) -> None:
        """Take the next samples, shape (channel, time)."""

    def finish(self, measured: Measured, labels: Labels) -> Any:
        """Give what was measured; it is sent to another process."""


class Observer(Protocol):
    """An observer of recordings while they are read."""

    def watch(self, view: View, entry: Entry, content: Content) -> Watch:
        """Begin with a recording."""

    def survey(self, view: View) -> Any:
        """Look at the files of the data set, all recordings read."""


def watching(pieces: Iterable[Precise], watch: Watch) -> Iterator[Precise]:
    """Show a watch each piece on its way."""
    for piece in pieces:
        watch.add(piece)
        yield piece
