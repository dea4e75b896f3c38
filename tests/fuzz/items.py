"""What is mutated, and what decoders make of files."""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Files = dict[str, bytes]
"""Contents by path."""


SPARE = 0.1
"""Share of a file that may stand behind the end its header states: padding."""


class FileError(Exception):
    """Files that a careful reader refuses, and why."""


@dataclass(frozen=True)
class Item:
    """A small data set of two recordings, `A` to be mutated and `B` beside it.

    Parameters
    ----------
    name : str
        Unique among the items.
    decoder : str
        Module of `tests.fuzz.decoders`.
    files : mapping of str to bytes
    entry : mapping
        `reader`, `values`, `labels` and `source` of the data set's entry.
    mains : mapping of str to str
        Main file of each recording, by the recording's name.
    facts : mapping
        What the decoder must know beside the entry.
    """

    name: str
    decoder: str
    files: Mapping[str, bytes]
    entry: Mapping[str, Any]
    mains: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The recording that is mutated."""
        return next(iter(self.mains))

    @property
    def reader(self) -> Mapping[str, Any]:
        """The reader's settings."""
        settings: Mapping[str, Any] = self.entry["reader"]
        return settings

    @property
    def label(self) -> Mapping[str, Any]:
        """Where the label stands."""
        rule: Mapping[str, Any] = self.entry["values"]["label"]
        return rule


@dataclass(frozen=True)
class Mark:
    """A text at a time on the recording's own clock, seconds."""

    onset_s: float
    duration_s: float
    text: str


@dataclass(frozen=True)
class Reading:
    """What a decoder makes of a recording.

    Parameters
    ----------
    names : sequence of str
        All signals.
    sfreq : float
    volts : array, shape (channel, time)
    marks : sequence of Mark
        Texts at times.
    texts : sequence of str
        Texts of all the recording.
    clock_s : array, shape (time,) or None
        When each sample was taken, from the first one; None: evenly.
    slack_s : float
        How exact that clock is.
    held : bool
        Samples were repeated: only their order counts, not their number.
    """

    names: Sequence[str]
    sfreq: float
    volts: np.ndarray
    marks: Sequence[Mark] = ()
    texts: Sequence[str] = ()
    clock_s: np.ndarray | None = None
    slack_s: float = 0.0
    held: bool = False

    @property
    def times_s(self) -> np.ndarray:
        """The clock, even if it is not stated."""
        if self.clock_s is not None:
            return self.clock_s
        times: np.ndarray = np.arange(self.volts.shape[1]) / self.sfreq
        return times


FLOAT = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
INTEGER = r"[-+]?\d+"
VOLTS = {"v": 1.0, "mv": 1e-3, "uv": 1e-6, "µv": 1e-6, "μv": 1e-6, "nv": 1e-9}
VOLTS |= {"microv": 1e-6, "volt": 1.0, "volts": 1.0, "millivolt": 1e-3}
VOLTS |= {"microvolt": 1e-6, "microvolts": 1e-6, "millivolts": 1e-3, "nanovolt": 1e-9}


def volts_of(unit: str, stated: str | None) -> float:
    """Give a unit's volts; a fault if it is none or not the stated one."""
    with suppress(UnicodeError):  # UTF-8 that was read as Latin-1
        unit = unit.encode("latin-1").decode("utf-8")
    own = VOLTS.get(unit.strip().lower())
    asked = VOLTS[stated.lower()] if stated else None
    if unit.strip() and own is None and asked is None:
        raise FileError(f"'{unit}' is no unit of voltage")
    if own and asked and own != asked:
        raise FileError(f"'{unit}' by the file, '{stated}' by the settings")
    if not (own or asked):
        raise FileError("no unit")
    return own or asked or 0.0


def utf8(text: bytes) -> str:
    """Read UTF-8, else Latin-1."""
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def chosen(item: Item, names: Sequence[str]) -> list[str]:
    """List the signals that the settings name; a fault if one is not there once."""
    wanted = list(item.reader.get("channels") or names)
    for name in wanted:
        if list(names).count(name) != 1:
            raise FileError(f"{list(names).count(name)} signals are called '{name}'")
    return wanted


def number(text: str, what: str, pattern: str = FLOAT) -> float:
    """Read a number as a file should write it."""
    if not re.fullmatch(pattern, text.strip(), re.ASCII):
        raise FileError(f"{what} is '{text.strip()}'")
    value = float(text)
    if not math.isfinite(value):
        raise FileError(f"{what} is '{text.strip()}'")
    return value
