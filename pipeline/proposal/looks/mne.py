"""Files that MNE reads, with the sidecars of BIDS trees."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from pipeline.errors import DataError
from pipeline.proposal import common
from pipeline.proposal.facts import Labels, Looked
from pipeline.readers.base import Marks
from pipeline.readers.mne import Mne
from pipeline.readers.parts.mne.bids import Sidecars, read_sidecars
from pipeline.readers.parts.mne.edf import SUFFIXES, open_edf
from pipeline.readers.parts.mne.foreign import open_foreign
from pipeline.readers.parts.mne.opened import Opened
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.select import FileSignal

NO_LABELS = ("boundary", "new segment", "bad", "edge", "recording", "start", "end")
"""Beginnings of texts that mark no class, in lower case."""
LEAST_S = 0.25
"""What lasts less is an instant: some writers state a sample as its duration."""


def look(
    folder: Path, mains: Sequence[str], names: Sequence[str], stated: dict[str, object]
) -> Looked:
    """Open files, without reading samples; see `looking.look`."""
    opened = [_opened(folder, main, names, stated) for main in mains]
    files = [_signals(one, side) for one, side in opened]
    channels, dropped = common.shared(files)
    usable = {name: kind for name, kind in channels.items() if kind != "other"}
    lines = {side.line_freq for _, side in opened if side and side.line_freq}
    return Looked(
        {},
        usable,
        dropped,
        common.rates(files, list(usable)),
        common.units(files),
        lines.pop() if len(lines) == 1 else None,
        labels=tuple(_labels([_marks(one, side) for one, side in opened])),
    )


def _opened(
    folder: Path, main: str, names: Sequence[str], stated: dict[str, object]
) -> tuple[Opened, Sidecars | None]:
    reader = Mne.model_validate(
        {k: v for k, v in stated.items() if k in ("unit", "unchecked")}
    )
    files = [main, *reader.companions(folder, main, names)]
    present(folder, files)
    side = read_sidecars(folder, files)
    with opening(folder, main):
        if PurePosixPath(main).suffix.lower() in SUFFIXES:
            return open_edf(folder / main, main, reader.unchecked), side
        return open_foreign(folder, main, reader.unit, reader.unchecked), side


def _signals(opened: Opened, side: Sidecars | None) -> list[FileSignal]:
    """Name signals without what the format adds, and type them by the sidecars."""
    plain = [opened.plain(signal.name) for signal in opened.signals]
    signals = [
        signal if plain.count(name) > 1 else replace(signal, name=name)
        for name, signal in zip(plain, opened.signals, strict=True)
    ]
    if side is not None:
        signals = list(side.describe(signals, opened.signals))
    return signals


def _marks(opened: Opened, side: Sidecars | None) -> Marks:
    try:
        return side.events.marks(None)[0] if side and side.events else opened.marks
    except DataError:
        return opened.marks


def _labels(files: Sequence[Marks]) -> list[Labels]:
    """Propose the annotations: blocks where most last, else events."""
    kept = [_without_others(marks) for marks in files]
    lasting = [d for _, durations in kept for d in durations if not math.isnan(d)]
    blocks = bool(lasting) and float(np.median(lasting)) >= LEAST_S
    value = {"from": "annotation"} | ({"as": "blocks"} if blocks else {})
    what = "annotations that last" if blocks else "annotations"
    if blocks:
        last = {t for e, d in kept for t, s in zip(e, d, strict=True) if s >= LEAST_S}
        kept = [_only(each, last) for each in kept]
    texts = [list(each) for each, _ in kept]
    repeated = sum(map(len, texts)) >= 2 * len({t for each in texts for t in each})
    if not repeated:
        return []
    return common.texts(
        "annotation", value, texts, "blocks" if blocks else "events", what
    )


def _without_others(marks: Marks) -> tuple[list[str], list[float]]:
    kept = [
        (text, duration)
        for text, duration in zip(marks.texts, marks.duration_s.tolist(), strict=True)
        if not text.lower().startswith(NO_LABELS)
    ]
    return [text for text, _ in kept], [duration for _, duration in kept]


def _only(
    marks: tuple[list[str], list[float]], texts: set[str]
) -> tuple[list[str], list[float]]:
    """Keep some texts: a remark that lasts no time is no class of blocks."""
    kept = [(t, d) for t, d in zip(*marks, strict=True) if t in texts]
    return [text for text, _ in kept], [duration for _, duration in kept]
