"""A dry run of prepare: windows and folds in memory, without filtering a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline import secret
from pipeline.axes import Precise
from pipeline.errors import DataError, PipelineError
from pipeline.ingestion import catalogue
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.lazy import LazyRaw, Pieces, annotate
from pipeline.ingestion.leaving import Naming
from pipeline.inspection.asked import Asked
from pipeline.inspection.findings import Finding, of_error
from pipeline.inspection.measuring import Seen
from pipeline.listed import listed
from pipeline.preparation import beats
from pipeline.preparation.folds import FoldSettings, make_folds
from pipeline.preparation.prepare import beat_channel, place
from pipeline.preparation.prepared import Prepared, check_alike, join
from pipeline.preparation.schemes import Predefined
from pipeline.preparation.segments import annotations_of
from pipeline.preparation.streaming import plan_recording
from pipeline.preparation.windows import Beats
from pipeline.readers.base import Content
from pipeline.secret import PSEUDONYM


@dataclass(frozen=True)
class Trial:
    """The outputs that prepare would make.

    Parameters
    ----------
    windows, folds : DataFrame or None
        As `windows.parquet` and `folds.parquet`; None where they cannot be made.
    sfreq : float
        Prepared samples per second.
    channels : tuple of str
        Prepared channels.
    problems : tuple of Finding
        What would end ingest or prepare.
    """

    windows: pd.DataFrame | None = None
    folds: pd.DataFrame | None = None
    sfreq: float = float("nan")
    channels: tuple[str, ...] = ()
    problems: tuple[Finding, ...] = ()

    @property
    def used(self) -> pd.DataFrame:
        """The windows in use; none where there are no windows at all."""
        if self.windows is None:
            return pd.DataFrame({"window": [], "subject": [], "label": []})
        return self.windows[self.windows["reason"] == ""]


def run(asked: Asked, rows: Sequence[Row], seen: Mapping[str, Seen]) -> Trial:
    """Cut the windows of all recordings in use and deal them to folds.

    Windows around detected beats lie around the annotated ones here.

    Parameters
    ----------
    asked : Asked
    rows : sequence of Row
    seen : mapping of str to Seen
    """
    step = "Ingest would end"
    try:
        catalogue.check(list(rows), list(asked.labels), asked.dataset)
        step = "Prepare would end"
        table = catalogue.table(list(rows))
        used = table[table["status"] == "used"].reset_index(drop=True)
        prepared = [_prepared(asked, name, seen[name]) for name in used["recording"]]
        check_alike(asked.dataset, prepared)
        windows = join(used, prepared)
        scheme = _scheme(asked.folds, list(used["recording"]))
    except PipelineError as error:
        return Trial(problems=(of_error(step, error),))
    first = prepared[0]
    try:
        folds = make_folds(
            windows,
            scheme,
            list(asked.labels),
            sfreq=first.sfreq,
            seed=asked.seed,
            where=asked.dataset,
        )
    except DataError as error:
        problems = (of_error("No folds can be made", error),)
        return Trial(windows, None, first.sfreq, first.channels, problems)
    return Trial(windows, folds, first.sfreq, first.channels)


def _scheme(folds: FoldSettings, recordings: Sequence[str]) -> FoldSettings:
    """Take the lists of folds from their files, with the names that recordings have."""
    if not isinstance(folds, Predefined):
        return folds
    names: dict[str, str] = {}
    if any(PSEUDONYM.fullmatch(name) for name in listed(folds.listed_names)):
        naming = Naming(secret.load())
        names = {naming.recording(name): name for name in recordings}
    return folds.named(lambda name: names.get(name, name))


def _prepared(asked: Asked, recording: str, seen: Seen) -> Prepared:
    """Cut the windows of one recording."""
    raw = _without_samples(seen)
    where = f"{asked.dataset}, recording {recording}"
    starts = tuple(segment.start for segment in seen.segments)
    preparation = plan_recording(raw, asked.signal, starts, where=where)
    if isinstance(asked.windows, Beats):
        beat_channel(asked.windows, seen.channels, where)
        beats.detect(np.zeros(1), seen.sfreq)  # refuses a rate that is too low
    nothing: list[beats.Onsets | None] = [None] * len(starts)
    labels = list(asked.labels)
    marks = annotations_of(raw, seen.segments)
    windows = place(asked.windows, marks, preparation, seen.segments, labels, nothing)
    about = preparation.about
    return Prepared(recording, about.sfreq, about.channels, windows, None, made=False)


def _without_samples(seen: Seen) -> LazyRaw:
    """Make a recording that has all but its samples, which nobody asks for."""
    content = Content(seen.channels, seen.types, seen.sfreq, seen.n_samples, _nothing)
    raw = LazyRaw(content, Pieces(content))
    labels, none = seen.labels, np.empty(0)  # no marks of borders: seen has them
    annotate(raw, labels.onset_s, labels.duration_s, labels.classes, none)
    return raw


def _nothing(start: int, stop: int) -> Precise:
    """Read no samples: they were read already."""
    raise NotImplementedError("a dry run reads no samples")
