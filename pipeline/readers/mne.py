"""EDF, BDF, BrainVision, EEGLAB, FIF and every other file that MNE reads."""

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from pipeline.errors import DataError
from pipeline.readers.base import Content, Origin, Reader
from pipeline.readers.parts.mne.bids import Sidecars, inherited, read_sidecars
from pipeline.readers.parts.mne.bids_check import check_sidecars
from pipeline.readers.parts.mne.edf import SUFFIXES, open_edf
from pipeline.readers.parts.mne.foreign import (
    UNSTATED,
    open_foreign,
    read_notes,
    referenced,
)
from pipeline.readers.parts.mne.identity import identifying
from pipeline.readers.parts.mne.offer import offer
from pipeline.readers.parts.mne.opened import Chosen, Opened
from pipeline.readers.parts.mne.places import look_up
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.select import Selected

STEM = re.compile(r"\{stem(?::(\d+))?\}")


def _check(template: str) -> str:
    """Refuse braces that are no stem."""
    rest = STEM.sub("", template)
    if "{" in rest or "}" in rest:
        raise ValueError("only {stem} or, for its first 6 characters, {stem:6}")
    return template


Template = Annotated[str, Field(min_length=1), AfterValidator(_check)]


class Mne(Reader):
    """Files that MNE reads, and what a BIDS tree states about them."""

    origins: ClassVar[frozenset[str]] = frozenset(
        {"annotation", "note", "column", "header"}
    )
    formats: ClassVar[Mapping[str, str]] = {
        ".edf": "EDF",
        ".bdf": "BDF",
        ".rec": "EDF",
        ".vhdr": "BrainVision",
        ".set": "EEGLAB",
        ".fif": "FIF",
        ".cnt": "CNT",
        ".gdf": "GDF",
    }
    renamed: ClassVar[Mapping[str, str]] = {
        "pattern": "source.pattern",
        "labels": "values: {label: {from: annotation, map: {...}}}, beside the reader",
        "datatype": "source.pattern, such as sub-{subject}/eeg/*_eeg.edf",
        "same_person": "values: {person: {from: field, key: subject, map: {...}}}",
    }

    annotations: Annotated[
        Template | None,
        Field(
            description="file of the annotations, seen from the recording's folder: "
            "{stem:6}*-Hypnogram.edf ({stem}: the recording's name); null: the "
            "recording itself, or events.tsv in a BIDS tree"
        ),
    ] = None

    def companions(
        self, folder: Path, main: str, files: Collection[str]
    ) -> tuple[str, ...]:
        """List the other files of a recording: signals, events, sidecars, notes.

        Parameters
        ----------
        folder : Path
        main : str
        files : collection of str
        """
        named = [file for file in referenced(folder, main) if file in files]
        found = [*named, *inherited(main, files), *self._notes(main, files)]
        return tuple(dict.fromkeys(file for file in found if file != main))

    def identifying(self, path: Path) -> list[str]:
        """List the kinds of fields that are filled in a file's header.

        Parameters
        ----------
        path : Path
        """
        return identifying(path)

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        """Read one recording.

        Parameters
        ----------
        folder : Path
        files : sequence of str
        origins : collection of Origin

        Raises
        ------
        DataError
            A file is missing, empty, cut short or damaged, lacks a channel or place, or
            the files contradict each other or the settings.
        """
        present(folder, files)
        main = files[0]
        side = read_sidecars(folder, files)
        with opening(folder, main) as noted:
            opened = self._open(folder, files)
        selected, remarks = offer(self, main, opened, side)
        chosen = opened.choose(selected)
        events = side.events if side else None
        own = self.annotations is None
        found = look_up(main, origins, opened, events, from_events=own)
        differs = self._compare(main, opened, selected, chosen, side) if side else ()
        return Content(
            channels=selected.names,
            types=selected.types,
            sfreq=selected.sfreq,
            n_samples=chosen.n_samples,
            read=chosen.read,
            marks=found.marks,
            texts=found.texts,
            segments=chosen.segments,
            end=chosen.end,
            line_freq=self.line_freq or (side and side.line_freq) or opened.line_freq,
            remarks=(
                *opened.remarks,
                *noted,
                *remarks,
                *chosen.remarks,
                *differs,
                *found.remarks,
            ),
            counted=chosen.counted,
        )

    def _compare(
        self,
        main: str,
        opened: Opened,
        selected: Selected,
        chosen: Chosen,
        side: Sidecars,
    ) -> tuple[str, ...]:
        """Hold what a BIDS tree states against the file."""
        last = chosen.segments[-1]
        length_s = chosen.n_samples / selected.sfreq
        until_s = last.onset_s + (chosen.n_samples - last.start) / selected.sfreq
        assumed = PurePosixPath(main).suffix in UNSTATED
        signals = [
            replace(
                opened.signals[place],
                name=name,
                sfreq=selected.sfreq,
                unit="" if assumed else opened.signals[place].unit,
            )
            for name, place in zip(selected.names, selected.places, strict=True)
        ]
        return check_sidecars(side, main, signals, (length_s, until_s), self.unchecked)

    def _open(self, folder: Path, files: Sequence[str]) -> Opened:
        path = folder / files[0]
        if path.suffix.lower() in SUFFIXES:
            opened = open_edf(path, files[0], self.unchecked)
        else:
            opened = open_foreign(folder, files[0], self.unit, self.unchecked)
        if self.annotations is None:
            return opened
        found = self._notes(files[0], files[1:])
        if len(found) != 1:
            raise DataError(
                files[0],
                f"{len(found)} files fit '{self.annotations}'"
                + (": " + ", ".join(found) if found else ""),
                expected="one file of annotations",
                remedy="correct the reader's annotations in params.yaml",
            )
        marks = read_notes(folder / found[0], found[0], opened.begin)
        return replace(opened, marks=marks)

    def _notes(self, main: str, files: Collection[str]) -> list[str]:
        """List the files that can hold the annotations of a recording."""
        if self.annotations is None:
            return []
        path = PurePosixPath(main)
        parts = re.split(r"(\*|\{stem(?::\d+)?\})", self.annotations)
        name = "".join(
            "\0" if part == "*" else STEM.sub(lambda m: path.stem[: _width(m)], part)
            for part in parts
        )
        wanted = posixpath.normpath(posixpath.join(path.parent.as_posix(), name))
        fitting = re.compile(re.escape(wanted).replace(re.escape("\0"), "[^/]*"))
        return [file for file in files if fitting.fullmatch(file)]


def _width(stem: re.Match[str]) -> int | None:
    return int(stem[1]) if stem[1] else None
