"""XDF files of the Lab Streaming Layer: streams of several devices, by pyxdf.

A stream of numbers holds the signals, one of markers their labels. Each has the clock
of its computer; the file's measured clock offsets bring them to one, and a straight
line through the time stamps of a stretch without a break takes the jitter out. Samples
then count at the stated rate, and a marker lies on the sample that has its time: so a
clock that drifts moves no label. pyxdf is the extra `biospike[xdf]`.

Format: https://github.com/sccn/xdf/wiki/Specifications
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from pipeline.errors import DataError
from pipeline.readers.base import (
    REPLACE,
    Content,
    Marks,
    Origin,
    Reader,
    either,
    unchecked_if,
)
from pipeline.readers.parts.identity import kinds_of
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.select import select
from pipeline.readers.parts.xdf.clock import Clock
from pipeline.readers.parts.xdf.streams import (
    FILE_HEADER,
    FOOTER,
    Stream,
    choose,
    described,
    headers,
    load,
    streams_of,
)


class Xdf(Reader):
    """Files of LabRecorder and others that record the Lab Streaming Layer."""

    origins: ClassVar[frozenset[str]] = frozenset({"annotation"})
    formats: ClassVar[Mapping[str, str]] = {".xdf": "XDF"}

    stream: Annotated[
        str | None,
        Field(
            description="name or type of the stream with the signals; null: the only "
            "one of numbers that has a rate"
        ),
    ] = None
    markers: Annotated[
        str | None,
        Field(
            description="name or type of the stream with the labels; null: the only "
            "one without a rate"
        ),
    ] = None

    def identifying(self, path: Path) -> list[str]:
        """List the kinds of fields that are filled in the headers.

        Parameters
        ----------
        path : Path
        """
        described = [
            xml if tag == FILE_HEADER else xml.find("desc")
            for tag, xml in headers(path)
            if tag != FOOTER
        ]
        elements = [each for xml in described if xml is not None for each in xml.iter()]
        fields = [each for each in elements if (each.text or "").strip()]
        dated = ["date"] if any(each.tag == "datetime" for each in fields) else []
        return [*kinds_of(each.tag for each in fields), *dated]

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        """Read one file; annotations are the markers, which are instants.

        Parameters
        ----------
        folder : Path
        files : sequence of str
        origins : collection of Origin

        Raises
        ------
        DataError
            The file is cut short or damaged, a stream is not there or not the only one,
            its clock goes back or contradicts its rate, or a setting contradicts it.
        MachineError
            pyxdf is not installed.
        """
        (where,) = files
        present(folder, files)
        with opening(folder, where):
            streams = streams_of(folder / where, where)
            signals = choose(where, streams, self.stream, "stream", regular=True)
            markers = None
            if origins:
                markers = choose(where, streams, self.markers, "markers", regular=False)
            wanted = [each for each in (signals, markers) if each]
            loaded = load(folder / where, where, [each.number for each in wanted])
            self._refuse_unfinished(where, wanted, loaded)
        selected = select(self, where, described(signals, self.sfreq))
        clock = Clock.of(where, loaded[signals.number], selected.sfreq, self.unchecked)
        values = np.asarray(loaded[signals.number]["time_series"])
        factors = np.reshape(selected.factors, (-1, 1))
        places = list(selected.places)
        marks: dict[Origin, Marks] = {}
        if markers:
            self._refuse_unrelated(where, wanted, loaded)
            marks = dict.fromkeys(origins, clock.marks(where, loaded[markers.number]))
        return Content(
            selected.names,
            selected.types,
            selected.sfreq,
            len(values),
            lambda start, stop: values[start:stop, places].T.astype(float) * factors,
            marks=marks,
            segments=clock.segments,
            line_freq=self.line_freq,
            remarks=clock.remarks,
        )

    def _refuse_unfinished(
        self, where: str, streams: Sequence[Stream], loaded: Mapping[int, Any]
    ) -> None:
        """Refuse a stream whose end the recorder did not write, or that lacks some."""
        if "end" in self.unchecked:
            return
        for stream in streams:
            n_samples = len(loaded[stream.number]["time_stamps"])
            stated = stream.footer and stream.footer.findtext("sample_count")
            if stream.footer is None:
                found = f"stream '{stream.name}' has no end: it was not closed"
            elif stated and int(stated) != n_samples:
                found = f"stream '{stream.name}' has {n_samples} of {stated} samples"
            else:
                continue
            raise DataError(
                where,
                found,
                expected="a file that its recorder finished",
                remedy=either(REPLACE, unchecked_if("what is there is enough", "end")),
            )

    def _refuse_unrelated(
        self, where: str, streams: Sequence[Stream], loaded: Mapping[int, Any]
    ) -> None:
        """Refuse markers of another computer if nothing relates the two clocks."""
        hosts = {stream.stated("hostname") for stream in streams}
        related = all(loaded[stream.number]["clock_times"] for stream in streams)
        if len(hosts) > 1 and not related and "rate" not in self.unchecked:
            raise DataError(
                where,
                "signals and markers come from two computers, and their clock offsets "
                "were not recorded",
                expected="clock offsets of both streams",
                remedy=unchecked_if("both clocks agree", "rate"),
            )
