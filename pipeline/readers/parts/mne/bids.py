"""Statements of a BIDS tree about a recording, outside its file.

Source: https://bids-specification.readthedocs.io, "The Inheritance Principle".
"""

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from pipeline.readers.parts.mne.bids_tables import (
    NO_VALUE,
    Events,
    read_table,
    unreadable,
)
from pipeline.readers.parts.select import FileSignal

DATATYPES = ("eeg", "emg")


@dataclass(frozen=True)
class Sidecars:
    """The files of a BIDS tree that describe one recording.

    Parameters
    ----------
    datatype : str
        eeg or emg.
    facts : dict
        The JSON files; of equal keys, the nearest file's counts.
    channels : DataFrame or None
        All cells are text.
    events : Events or None
    """

    datatype: str
    facts: dict[str, Any]
    channels: pd.DataFrame | None
    events: Events | None

    @property
    def line_freq(self) -> float | None:
        """Mains frequency, Hz; None if it is not stated."""
        return positive(self.facts.get("PowerLineFrequency"))

    @cached_property
    def _rows(self) -> dict[str, dict[Any, str]]:
        rows = [] if self.channels is None else self.channels.to_dict("records")
        return {row["name"]: row for row in rows}

    def row(self, name: str) -> dict[Any, str] | None:
        """Give a channel's row of the table; None if there is none."""
        return self._rows.get(name)

    def describe(
        self, signals: Sequence[FileSignal], written: Sequence[FileSignal]
    ) -> tuple[FileSignal, ...]:
        """Give signals their types, and units where the file states none.

        Parameters
        ----------
        signals : sequence of FileSignal
        written : sequence of FileSignal
            The same ones with the names that stand in the file.
        """
        if self.channels is None:
            return tuple(replace(s, type=s.type or self.datatype) for s in signals)
        return tuple(
            _described(signal, self.row(signal.name) or self.row(original.name))
            for signal, original in zip(signals, written, strict=True)
        )


def datatype_of(main: str) -> str | None:
    """Give the datatype by a name such as `sub-01_task-rest_eeg.edf`; None: no BIDS."""
    stem = PurePosixPath(main).stem
    suffix = stem.rpartition("_")[2]
    return suffix if stem.startswith("sub-") and suffix in DATATYPES else None


def inherited(main: str, files: Collection[str]) -> list[str]:
    """List the files that describe a recording, the nearest one last.

    They lie beside it or above it, describe the signal, its channels or its events, and
    every entity in their names is one of the recording's.
    """
    datatype = datatype_of(main)
    if datatype is None:
        return []
    entities = set(PurePosixPath(main).stem.split("_")[:-1])
    above = PurePosixPath(main).parents
    found = []
    for file in files:
        path = PurePosixPath(file)
        *theirs, suffix = path.stem.split("_")
        if (
            path.suffix in (".json", ".tsv")
            and suffix in (datatype, "channels", "events")
            and path.parent in above
            and entities.issuperset(theirs)
        ):
            found.append((len(path.parts), len(theirs), file))
    return [file for _, _, file in sorted(found)]


def read_sidecars(folder: Path, files: Sequence[str]) -> Sidecars | None:
    """Read what a BIDS tree states about a recording; None outside such a tree.

    Parameters
    ----------
    folder : Path
    files : sequence of str
        The main file, then the others.

    Raises
    ------
    DataError
        A file is not as BIDS describes it.
    """
    datatype = datatype_of(files[0])
    near = inherited(files[0], files[1:])
    if datatype is None or not near:
        return None
    facts: dict[str, Any] = {}
    for file in near:
        if file.endswith(f"{datatype}.json"):
            facts |= _facts(folder, file)
    channels, events = (
        next((file for file in reversed(near) if file.endswith(ending)), None)
        for ending in ("channels.tsv", "events.tsv")
    )
    return Sidecars(
        datatype,
        facts,
        read_table(folder, channels, ["name"]) if channels else None,
        Events(read_table(folder, events, ["onset"]), events) if events else None,
    )


def _facts(folder: Path, file: str) -> dict[str, Any]:
    try:
        facts = json.loads((folder / file).read_text("utf-8-sig"))
    except ValueError as error:
        raise unreadable(file, f"is no JSON ({error})") from None
    if not isinstance(facts, dict):
        raise unreadable(file, "holds no keys")
    return facts


def _described(signal: FileSignal, row: dict[Any, str] | None) -> FileSignal:
    if row is None:
        return signal
    unit, kind = (
        "" if row.get(k) in NO_VALUE else row.get(k) for k in ("units", "type")
    )
    return replace(
        signal,
        unit=signal.unit.strip() or unit or "",
        type=kind.lower() if kind else signal.type,
    )


def positive(value: object) -> float | None:
    """Give a stated number above 0; None for "n/a" and the like."""
    try:
        stated = float(str(value))
    except ValueError:
        return None
    return stated if 0 < stated < math.inf else None
