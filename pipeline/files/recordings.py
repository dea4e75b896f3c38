"""Recordings as FIF."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.files import fif as _fif
from pipeline.files import schema as _schema
from pipeline.files.documents import dump_json
from pipeline.machine import writing

if TYPE_CHECKING:
    import mne


def recording_parts(path: Path) -> list[Path]:
    """List the files of a recording: of one over 2 GB, also those that continue it."""
    return _fif.parts(path)


def save_recording(path: Path, raw: "mne.io.BaseRaw") -> None:
    """Write a recording as FIF, float32, read piece by piece.

    One over 2 GB goes into several files (`recording_parts`), with `-1`, `-2` after the
    name. The main file appears last, so that what is found complete is complete.
    """
    raw.info["description"] = dump_json({"schema": _schema.SCHEMA})
    needed = len(raw.ch_names) * raw.n_times * np.dtype(np.float32).itemsize
    with writing(path, needed):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as folder:
            written = _fif.write(Path(folder) / path.name, raw)
            for old in _fif.parts(path):
                old.unlink(missing_ok=True)
            for part in reversed(written):
                part.replace(path.with_name(part.name))


def load_recording(path: Path) -> "mne.io.BaseRaw":
    """Open a recording; its samples are read when asked for."""
    with _schema.reading(path, OSError, ValueError, RuntimeError):
        raw = _fif.read(path)
        stated = _schema.parse_object(raw.info["description"] or "{}")
        _schema.check(path, stated.get("schema"))
        return raw
