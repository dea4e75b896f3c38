"""Tally files: a line of JSON about the recording, then a row of volts a sample."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pipeline.readers.base import Content, Marks, Origin, Reader
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.select import FileSignal, select

NOTES: Origin = ("annotation", "")


class Tally(Reader):
    """Files of a recorder of one's own."""

    origins: ClassVar[frozenset[str]] = frozenset({"annotation"})
    formats: ClassVar[Mapping[str, str]] = {".tly": "Tally"}

    def identifying(self, path: Path) -> tuple[str, ...]:
        """List what the first line states of the person."""
        with path.open(encoding="utf-8") as file:
            return ("name",) if json.loads(file.readline()).get("person") else ()

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        """Read one file."""
        (where,) = files
        present(folder, files)
        with opening(folder, where):
            lines = (folder / where).read_text(encoding="utf-8").splitlines()
            head = json.loads(lines[0])
            samples = np.loadtxt(lines[1:], ndmin=2).T
        have = [FileSignal(name, head["hz"], "V", "ecg") for name in head["channels"]]
        chosen = select(self, where, have)
        values = samples[list(chosen.places)] * np.reshape(chosen.factors, (-1, 1))
        onsets, durations, texts = zip(*head["notes"], strict=True)
        marks = Marks(np.array(onsets), np.array(durations), texts)
        return Content(
            chosen.names,
            chosen.types,
            chosen.sfreq,
            values.shape[1],
            lambda start, stop: values[:, start:stop],
            marks={NOTES: marks} if NOTES in origins else {},
        )
