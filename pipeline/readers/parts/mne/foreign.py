"""Files that MNE opens: BrainVision, EEGLAB, FIF, GDF and others."""

import os
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pipeline.axes import Precise, Segment
from pipeline.errors import DataError
from pipeline.readers.base import Check, Marks
from pipeline.readers.parts.lengths import spare
from pipeline.readers.parts.mne import brainvision
from pipeline.readers.parts.mne.edf import SUFFIXES, open_edf
from pipeline.readers.parts.mne.eeglab import check_set
from pipeline.readers.parts.mne.fif import check_fif
from pipeline.readers.parts.mne.opened import Chosen, Opened
from pipeline.readers.parts.opening import opening
from pipeline.readers.parts.select import FileSignal, Selected
from pipeline.readers.parts.units import volts

BORDERS = re.compile("(BAD |EDGE )?boundary")
"""Annotations where something was cut out."""
EEGLAB, FDT, FIF = ".set", ".fdt", ".fif"
FLOAT_BYTES = 4
"""Bytes of a sample in the file beside an EEGLAB set."""
UNSTATED = {EEGLAB: "uV"}
"""Formats that state no unit, and what MNE takes their samples for."""
VOLT = 107
"""FIF's code of the unit."""


def open_foreign(
    folder: Path, main: str, unit: str | None, unchecked: Collection[Check] = ()
) -> Opened:
    """Open a file with MNE, without reading its samples.

    Parameters
    ----------
    folder : Path
    main : str
        The file.
    unit : str or None
        Unit of the samples if the format states none; None: as MNE takes them.
    unchecked : collection of str
        The reader's setting.
    """
    import mne

    path = folder / main
    is_brainvision = path.suffix in brainvision.SUFFIXES
    remarks: tuple[str, ...] = ()
    if is_brainvision:
        brainvision.refuse_elsewhere(folder, main)
        remarks = brainvision.check_files(folder, main, unchecked)
    elif path.suffix == EEGLAB:
        check_set(path, main, unchecked)
    elif path.suffix == FIF:
        remarks = check_fif(path, main, unchecked)
    raw = mne.io.read_raw(path, preload=False, verbose="warning")
    _refuse_elsewhere(path, main, raw.filenames)
    assumed = UNSTATED.get(path.suffix)
    units = [volts(assumed or text) or 1.0 for text in _units(raw)]
    stated = [(unit or assumed) if assumed else text for text in _units(raw)]
    if path.suffix == EEGLAB:
        remarks = _check_fdt(folder, main, raw, unchecked)
    sfreq = float(raw.info["sfreq"])
    parts, marks = _borders(raw), _marks(raw.annotations, -raw.first_time)
    if is_brainvision:
        parts = brainvision.segments(folder, main, sfreq)
        marks = brainvision.on_clock(marks, parts, sfreq)

    return Opened(
        signals=tuple(
            FileSignal(name, sfreq, text or "", kind)
            for name, text, kind in zip(
                raw.ch_names, stated, raw.get_channel_types(), strict=True
            )
        ),
        choose=partial(_choose, folder, main, raw, units, parts),
        marks=marks,
        identity=_identity(raw.info),
        begin=_begin(raw),
        line_freq=raw.info["line_freq"],
        remarks=remarks,
    )


def _check_fdt(
    folder: Path, main: str, raw: Any, unchecked: Collection[Check]
) -> tuple[str, ...]:
    """Hold the file of samples beside an EEGLAB set, if it has one, against the set."""
    path = Path(raw.filenames[0])
    if path.suffix != FDT:
        return ()
    stated = raw.n_times * len(raw.ch_names) * FLOAT_BYTES
    where = str(PurePosixPath(main).with_name(path.name))
    header = PurePosixPath(main).name
    return spare(where, path.stat().st_size, stated, header, unchecked)


def _refuse_elsewhere(path: Path, main: str, opened: Sequence[Any]) -> None:
    """Refuse a file whose samples lie in another folder: nobody has checked them.

    Raises
    ------
    DataError
        So they do.
    """
    beside = os.path.abspath(path.parent)  # noqa: PTH100 - links stay, `..` does not
    for each in filter(None, opened):
        lies = os.path.abspath(each)  # noqa: PTH100
        if not Path(lies).is_relative_to(beside) and Path(each).resolve() != (
            path.resolve()
        ):
            raise DataError(
                main,
                f"its samples are in '{each}'",
                expected="a file beside it",
                remedy="put the file there, or leave the recording out by `except`",
            )


def read_notes(path: Path, where: str, begin: datetime | None) -> Marks:
    """Read a file of annotations on the clock of a recording.

    Parameters
    ----------
    path : Path
    where : str
        The file.
    begin : datetime or None
        When the first sample was recorded; onsets are moved by the difference if the
        file of the annotations states a beginning, too.
    """
    import mne

    if path.suffix.lower() in SUFFIXES:
        notes = open_edf(path, where)
        return _moved(notes.marks, notes.begin, begin)
    found = mne.read_annotations(path)
    return _moved(_marks(found, 0.0), found.orig_time, begin)


def referenced(folder: Path, main: str) -> list[str]:
    """List the files that a BrainVision header or an EEGLAB set refers to."""
    path = PurePosixPath(main)
    if path.suffix == ".set":
        return [str(path.with_suffix(".fdt"))]
    if path.suffix in brainvision.SUFFIXES:
        return brainvision.referenced(folder, main)
    return []


def _choose(
    folder: Path,
    main: str,
    raw: Any,
    units: Sequence[float],
    parts: Sequence[Segment],
    selected: Selected,
) -> Chosen:
    picks = list(selected.places)
    # What MNE gives is in volts by the unit that it found or took for granted.
    scales = np.array([[units[place]] for place in picks])
    factors = np.array(selected.factors)[:, None] / scales

    def read(start: int, stop: int) -> Precise:
        """Read samples in the channels' units."""
        with opening(folder, main):
            return np.asarray(raw.get_data(picks, start, stop) * factors)

    # A file that was cut short fails here, before anything is written.
    read(raw.n_times - 1, raw.n_times)
    there = (part for part in parts if part.start < raw.n_times)
    return Chosen(raw.n_times, read, tuple(there), raw.n_times)


def _units(raw: Any) -> list[str]:
    """List the units as the file has them, or that into which MNE brings samples."""
    written = getattr(raw, "_orig_units", None) or {}
    return [
        written.get(channel["ch_name"], "")
        if channel["unit"] != VOLT or volts(written.get(channel["ch_name"], ""))
        else "V"
        for channel in raw.info["chs"]
    ]


def _marks(found: Any, shift_s: float) -> Marks:
    order = np.argsort(found.onset, kind="stable")
    return Marks(
        found.onset[order] + shift_s,
        found.duration[order],
        tuple(str(found.description[k]) for k in order),
    )


def _moved(marks: Marks, theirs: datetime | None, begin: datetime | None) -> Marks:
    if theirs is None or begin is None:
        return marks
    shift_s = (theirs - begin).total_seconds()
    return Marks(marks.onset_s + shift_s, marks.duration_s, marks.texts)


def _borders(raw: Any) -> tuple[Segment, ...]:
    """Part a recording at its borders; how long the pauses lasted is not known."""
    sfreq = float(raw.info["sfreq"])
    marks = _marks(raw.annotations, -raw.first_time)
    borders = {
        round(onset * sfreq)
        for onset, text in zip(marks.onset_s, marks.texts, strict=True)
        if BORDERS.fullmatch(text)
    }
    starts = sorted({0} | {k for k in borders if 0 < k < raw.n_times})
    return tuple(Segment(start, start / sfreq) for start in starts)


def _identity(info: Any) -> dict[str, str]:
    person = dict(info["subject_info"] or {})
    rest = {key: info[key] for key in ("description", "experimenter") if info[key]}
    return {str(key): str(value) for key, value in {**person, **rest}.items()}


def _begin(raw: Any) -> datetime | None:
    begin: datetime | None = raw.info["meas_date"]
    return begin and begin + timedelta(seconds=float(raw.first_time))
