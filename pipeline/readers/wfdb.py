"""WFDB records: headers, signal files and annotations, as on PhysioNet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from pipeline.errors import DataError
from pipeline.readers.base import ChannelType, Content, Origin, Reader
from pipeline.readers.parts.select import select
from pipeline.readers.parts.wfdb.beats import BEATS, check_alignment
from pipeline.readers.parts.wfdb.header import values
from pipeline.readers.parts.wfdb.identity import identifying
from pipeline.readers.parts.wfdb.marks import Annotations, read_annotations
from pipeline.readers.parts.wfdb.record import WfdbRecord, read_record, related_files
from pipeline.readers.parts.wfdb.samples import Samples, find_samples
from pipeline.readers.parts.wfdb.signals import file_signals, uncalibrated


class Wfdb(Reader):
    """WFDB records; the main file is the header, of several the one of the segments."""

    origins: ClassVar[frozenset[str]] = frozenset({"annotation", "note", "header"})
    formats: ClassVar[Mapping[str, str]] = {".hea": "WFDB"}
    signals: ClassVar[tuple[str, ...]] = (".mat",)
    looked_at: ClassVar[int] = 60
    renamed: ClassVar[Mapping[str, str]] = {
        "labels": "values: {label: {from: annotation, map: {...}}}, beside the reader",
        "check_beats": "unchecked: [beats]",
        "same_person": "values: {person: {from: field, key: subject, map: {...}}}",
    }

    annotations: Annotated[
        str | None,
        Field(
            pattern=r"^[^./\\]+$",
            description="extension of the annotation files; null: there are none",
        ),
    ] = "atr"
    channel_type: Annotated[
        ChannelType | None, Field(description="what the channels measure; null: ecg")
    ] = "ecg"

    def companions(
        self, folder: Path, main: str, files: Collection[str]
    ) -> tuple[str, ...]:
        """List the signal files, the segments' headers and the annotation file.

        Parameters
        ----------
        folder : Path
        main : str
            The header.
        files : collection of str
        """
        named = [*related_files(folder, main)]
        if self.annotations is not None:
            named.append(self._annotation_file(main))
        return tuple(name for name in dict.fromkeys(named) if name in files)

    def identifying(self, path: Path) -> list[str]:
        """List what a header's comments state of the person, and whether it is dated.

        Parameters
        ----------
        path : Path
        """
        return identifying(path)

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        """Read one record.

        Annotations give symbols at instants, notes what stands beside the symbols, and
        header the texts of a key in the header's comments, or all comments. A pause
        between segments splits the recording; skewed signals are aligned.

        Parameters
        ----------
        folder : Path
        files : sequence of str
        origins : collection of Origin

        Raises
        ------
        DataError
            A file is missing, cut short or damaged; the record lacks a channel, a rate,
            a gain or what is asked for; or the annotations are those of another record.
        """
        _refuse_other(files[0])
        record = read_record(folder, files[0])
        selected = select(self, record.where, file_signals(record, self))
        samples = find_samples(folder, record, selected, self)
        remarks = (uncalibrated(record, selected.names), *samples.remarks)
        content = Content(
            selected.names,
            selected.types,
            selected.sfreq,
            samples.n_samples,
            samples.read,
            texts=_header_texts(record, origins),
            segments=samples.segments(),
            line_freq=self.line_freq,
            remarks=tuple(remark for remark in remarks if remark),
        )
        asked = [origin for origin in origins if origin[0] in ("annotation", "note")]
        if not asked:
            return content
        found = self._annotations(folder, files[0], samples, content)
        marks = {key: found.marks(key[0]) for key in asked}
        return replace(content, marks=marks, remarks=(*content.remarks, *found.remarks))

    def _annotations(
        self, folder: Path, main: str, samples: Samples, content: Content
    ) -> Annotations:
        """Read the annotations and check that they belong to the signal."""
        where = self._asked_file(folder, main)
        check_end = "end" not in self.unchecked
        found = read_annotations(folder, where, samples.frame_rate, check_end=check_end)
        found = replace(found, onset_s=found.onset_s - samples.lead_s)
        if "beats" not in self.unchecked and set(content.types) == {"ecg"}:
            is_beat = [symbol in BEATS for symbol in found.symbols]
            beats = found.onset_s[np.array(is_beat, bool)]
            late = check_alignment(where, content, beats)
            found = replace(found, remarks=(*found.remarks, *late))
        return found

    def _asked_file(self, folder: Path, main: str) -> str:
        """Give the annotation file, or refuse a record without one."""
        where = self._annotation_file(main) if self.annotations is not None else ""
        if where and (folder / where).is_file():
            return where
        stem = PurePosixPath(main).stem
        beside = sorted(p.name for p in (folder / main).parent.glob(f"{stem}.*"))
        raise DataError(
            where or main,
            "there is no such file"
            if where
            else "has no annotations by the reader's settings",
            expected="an annotation file; of this record there are "
            + ", ".join(beside),
            remedy="set the reader's annotations to the extension of such a file, or "
            "take the labels from elsewhere",
        )

    def _annotation_file(self, main: str) -> str:
        return str(PurePosixPath(main).with_suffix(f".{self.annotations}"))


def _refuse_other(main: str) -> None:
    if not main.endswith(".hea"):
        raise DataError(
            main,
            "is no WFDB header",
            expected="a file that ends in .hea",
            remedy="let the source's pattern name the headers, such as "
            "{subject}/{run}.hea",
        )


def _header_texts(
    record: WfdbRecord, origins: Collection[Origin]
) -> dict[Origin, tuple[str, ...]]:
    """Find the texts that are asked of the header's comments."""
    return {
        (kind, key): values(record.where, record.comments, key)
        for kind, key in origins
        if kind == "header"
    }
