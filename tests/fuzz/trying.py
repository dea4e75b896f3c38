"""One mutant taken in as a user would: a folder, an entry, fetch and ingest."""

import json
import os
import traceback
import warnings
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import files as project_files
from pipeline.config import Params
from pipeline.errors import ConfigError, DataError
from stages import Stage, fetch, ingest
from tests.fuzz.items import Files, Item

STRAY = "strayed"
"""Hostile members have this word in their names: nothing of the name may be found."""
OUT_OF_MEMORY = ("MemoryError", "Unable to allocate", "Cannot allocate memory")


@dataclass(frozen=True)
class Taken:
    """A recording that was taken in.

    Parameters
    ----------
    subject : str
    names : tuple of str
    sfreq : float
    volts : array, shape (channel, time)
    marks : list of (float, float, str)
        Onset, duration and class, as if there were no pauses.
    segments : list of (int, float)
        First sample and time on the recording's own clock.
    """

    subject: str
    names: tuple[str, ...]
    sfreq: float
    volts: np.ndarray
    marks: list[tuple[float, float, str]]
    segments: list[tuple[int, float]]


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Parameters
    ----------
    kind : str
        accepted, refused or crashed.
    message : str
        Of a refusal, or the traceback of a crash.
    recordings : mapping of str to Taken
    strayed : tuple of str
        Files that an archive wrote where nothing of it belongs.
    """

    kind: str
    message: str = ""
    recordings: Mapping[str, Taken] = field(default_factory=dict)
    strayed: tuple[str, ...] = ()


def write(folder: Path, files: Files) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def take_in(item: Item, folder: Path) -> Outcome:
    """Write an item's files into an empty folder, and run fetch and ingest on them."""
    source, work = folder / "source", folder / "work"
    source.mkdir(parents=True)
    work.mkdir()
    write(source, dict(item.files))
    params = Params(_sections(item, source))
    os.environ["BIOSPIKE_WORKERS"] = "1"
    os.environ.pop("DVC_ROOT", None)
    try:
        with chdir(work), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for module in (fetch, ingest):
                name = module.__name__.rpartition(".")[2]
                module.main(Stage(name, {"dataset": "x"}, module.SECTIONS, params))
    except (DataError, ConfigError) as error:
        message = str(error)
        if any(sign in message for sign in OUT_OF_MEMORY):
            raise MemoryError(message) from error
        if not (error.where and error.found):
            return Outcome("crashed", f"a refusal without a reason: {error!r}")
        return Outcome("refused", message, strayed=_strayed(folder))
    except MemoryError:
        raise
    except Exception:
        return Outcome("crashed", traceback.format_exc())
    return Outcome("accepted", "", _recordings(work), _strayed(folder))


def _sections(item: Item, source: Path) -> dict[str, Any]:
    card = {"title": "x", "modality": "ecg", "licence": "none", "citation": "own"}
    entry = {"card": card, **item.entry}
    entry["source"] = {
        "name": "folder",
        "path": str(source),
        "pseudonyms": False,
        **item.entry["source"],
    }
    return {"seed": 1, "on_bad_recording": "raise", "datasets": {"x": entry}}


def _recordings(work: Path) -> dict[str, Taken]:
    folder = work / "data" / "recordings" / "x"
    table = project_files.load_table(folder / "recordings.parquet")
    found = {}
    for row in table[table.status == "used"].itertuples():
        raw = project_files.load_recording(folder / f"{row.recording}_raw.fif")
        notes = raw.annotations
        marks = [
            (float(onset), float(lasts), str(text))
            for onset, lasts, text in zip(
                notes.onset, notes.duration, notes.description, strict=True
            )
            if text != "EDGE boundary"
        ]
        found[row.recording] = Taken(
            row.subject,
            tuple(raw.ch_names),
            float(raw.info["sfreq"]),
            raw.get_data(),
            marks,
            [(int(a), float(b)) for a, b in json.loads(row.segments)],
        )
    return found


def _strayed(folder: Path) -> tuple[str, ...]:
    """List what an archive left outside the folder it belongs to."""
    places = [*folder.parent.glob(f"*{STRAY}*"), *folder.glob(f"*{STRAY}*")]
    places += (folder / "work").rglob(f"*{STRAY}*")
    places += Path("/").glob(f"*{STRAY}*")
    return tuple(
        str(path) for path in places if path.is_file() and not path.is_symlink()
    )
