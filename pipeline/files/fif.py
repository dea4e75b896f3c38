"""FIF files as MNE writes them: their parts, their end, and who wrote them."""

import os
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import mne

PART_SIZE = "2GB"
"""A longer recording goes into several files: a FIF file ends at 2 GiB."""
BUFFER_VALUES = 1 << 19
"""Values (channels times samples) in a buffer, which MNE reads and writes at once."""
INSTANT_SAMPLES, BLOCK_SAMPLES = 0.1, 1e-6
"""MNE rounds times to float32; where that moves one further, they are kept beside it.

How many windows fit into a block hangs on the last bit of its length.
"""
TAG = ">4i"
"""A FIF file is a row of tags: kind, type, size and next; then so many bytes."""
FIFF_ID = 31
"""Type of the FIF tags that name a machine and a moment."""
FIFF_REF_FILE_NAME = 118
"""Kind of the FIF tags that name a file; the first names the one before this."""
COPIED_BYTES = 1 << 20
NOBODY = struct.pack(">4i", 0, 0, 0, 2**31 - 1)
"""No machine, two numbers, and MNE's mark for no date: seconds and microseconds."""
FIF_END = struct.pack(">4i", 108, 0, 0, -1)
"""The tag that ends a FIF file: no meaning, no type, no size, and none comes next."""


def parts(path: Path) -> list[Path]:
    """List the files of a recording: the main one, then those that continue it."""
    found = [path]
    while (part := path.with_stem(f"{path.stem}-{len(found)}")).exists():
        found.append(part)
    return found


def write(path: Path, raw: "mne.io.BaseRaw") -> list[Path]:
    """Write a recording of any length as float32, read piece by piece; list its files.

    The name of the next file stands in each, so they must keep their names.
    """
    _keep_exact_times(raw)
    buffer = max(1, BUFFER_VALUES // len(raw.ch_names))
    written: list[Path] = raw.save(
        path,
        fmt="single",
        buffer_size_sec=buffer / raw.info["sfreq"],
        split_size=PART_SIZE,
        split_naming="neuromag",
        verbose="error",
    )
    for part in written[1:]:
        _erase_folder(part)
    for part in written:
        _erase_ids(part)
    return written


def read(path: Path) -> "mne.io.BaseRaw":
    """Open a recording; its samples are read when asked for.

    Raises
    ------
    OSError, ValueError, RuntimeError
        A file was cut, damaged or is missing.
    """
    import mne

    for part in parts(path):
        _check_end(part)
    raw = mne.io.read_raw_fif(path, preload=False, verbose="error")
    if any(raw.annotations.extras):
        _restore_times(path, raw)
    return raw


def _keep_exact_times(raw: "mne.io.BaseRaw") -> None:
    """Note onsets and durations beside the annotations where float32 is too coarse."""
    import mne

    marks = raw.annotations
    edges = np.stack([marks.onset, marks.onset + marks.duration])
    moved = np.abs(edges.astype(np.float32) - edges).max(axis=0) * raw.info["sfreq"]
    allowed = np.where(marks.duration > 0, BLOCK_SAMPLES, INSTANT_SAMPLES)
    if not (moved > allowed).any():
        return
    times = zip(marks.onset.tolist(), marks.duration.tolist(), strict=True)
    extras = [{"onset_s": onset, "duration_s": lasts} for onset, lasts in times]
    exact = mne.Annotations(
        marks.onset, marks.duration, marks.description, extras=extras
    )
    raw.set_annotations(exact, verbose="error")


def _restore_times(path: Path, raw: "mne.io.BaseRaw") -> None:
    """Take the times that were noted, also of marks that rounding moved off the end."""
    import mne

    marks = mne.read_annotations(path)
    onset, duration = (
        [extra[key] for extra in marks.extras] for key in ("onset_s", "duration_s")
    )
    exact = mne.Annotations(onset, duration, marks.description)
    raw.set_annotations(exact, verbose="error")


def _erase_folder(path: Path) -> None:
    """Take the folder out of the name of the file before, which MNE writes with it."""
    with_folder = path.with_name(f"{path.name}-with-folder")
    path.replace(with_folder)
    with with_folder.open("rb") as old, path.open("wb") as new:
        kind = 0
        while kind != FIFF_REF_FILE_NAME:
            kind, data_type, size, following = struct.unpack(TAG, old.read(16))
            data = old.read(size)
            if kind == FIFF_REF_FILE_NAME:
                data = data.rpartition(os.sep.encode())[2]
            new.write(struct.pack(TAG, kind, data_type, len(data), following) + data)
        shutil.copyfileobj(old, new, COPIED_BYTES)
    with_folder.unlink()


def _erase_ids(path: Path) -> None:
    """Take the machine's network address and the time out of all ids of a FIF file.

    MNE writes the two into every tag of the id type, after a version.
    """
    with path.open("r+b") as file:
        while len(tag := file.read(16)) == 16:
            _, data_type, size, _ = struct.unpack(TAG, tag)
            if data_type == FIFF_ID:
                file.seek(4, os.SEEK_CUR)
                file.write(NOBODY)
            else:
                file.seek(size, os.SEEK_CUR)


def _check_end(path: Path) -> None:
    """Refuse a FIF file that was cut: MNE reads one cut between two tags as shorter."""
    with path.open("rb") as file:
        file.seek(-len(FIF_END), os.SEEK_END)
        if file.read() != FIF_END:
            raise ValueError(f"the end of {path.name} is missing")
