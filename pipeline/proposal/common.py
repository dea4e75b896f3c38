"""The channels, rates and units that several files have in common, and their labels."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.proposal.facts import Labels
from pipeline.readers.parts.select import TYPES, FileSignal
from pipeline.readers.parts.units import volts

MOST_CLASSES = 20
SHOWN = 8
"""Names that a text lists."""
KIND = {
    "ecg": re.compile(r"(?i)(.*(ecg|ekg).*|m?l?i{1,3}|av[rlf]|v[1-9]|mcl\d|mv\d)"),
    "emg": re.compile(r"(?i).*(emg|biceps|triceps|flexor|extensor|deltoid|tibialis).*"),
    "eeg": re.compile(
        r"(?i)(eeg.*|(fp|af|f|ft|fc|t|tp|c|cp|p|po|o)(z|\d{1,2})(-.*)?|[am][12])"
    ),
}
"""Names of channels, in the order in which they are tried."""
OTHER = re.compile(
    r"(?i).*(eog|resp|temp|status|trig|marker|gsr|eda|accel?|acc|gyro|spo2|pleth)\d*"
)
"""Signals of none of the three kinds."""
EARLOBES = re.compile(r"(?i)[am][12](-[am][12])?")
"""References at the ears and mastoids, no signal of the brain alone."""


def kind_of(signal: FileSignal) -> str:
    """Give what a channel measures, as stated or by its name; "" if neither shows it.

    MNE takes a signal of no stated type for EEG: another kind in the name counts more.
    """
    if signal.unit and volts(signal.unit) is None:
        return "other"
    if signal.type and signal.type not in TYPES:
        return "other"
    if OTHER.fullmatch(signal.name):
        return "other"
    named = [kind for kind, names in KIND.items() if names.fullmatch(signal.name)]
    if signal.type in ("ecg", "emg"):
        return str(signal.type)
    return next(iter(named), signal.type or "")


def shared(
    files: Sequence[Sequence[FileSignal]],
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Find the channels of every file, with their kinds, and those that some lack."""
    count = Counter(name for each in files for name in {s.name for s in each})
    first = {signal.name: kind_of(signal) for signal in files[0]}
    common = {n: kind for n, kind in first.items() if count[n] == len(files)}
    return common, tuple(sorted(set(count) - set(common)))


def rates(
    files: Sequence[Sequence[FileSignal]], names: Sequence[str]
) -> tuple[float, ...]:
    """List the rates of some channels, each once."""
    found = {s.sfreq for each in files for s in each if s.sfreq and s.name in names}
    return tuple(sorted(found))


def units(files: Sequence[Sequence[FileSignal]]) -> tuple[str, ...]:
    """List the units of voltage that files state, each once."""
    found = {s.unit for each in files for s in each if volts(s.unit)}
    return tuple(sorted(found))


def texts(
    where: str,
    value: dict[str, Any],
    by_file: Sequence[Sequence[str]],
    lasting: str,
    what: str,
) -> list[Labels]:
    """Propose the texts of a place as classes, if most files have two or more.

    Parameters
    ----------
    where : str
        As `--label` writes the place.
    value : mapping
        The setting `values.label`.
    by_file : sequence of sequence of str
        The texts of each file.
    lasting : str
    what : str
        The place, in words.
    """
    count = Counter(text for each in by_file for text in set(each))
    usual = [text for text, n in count.items() if 2 * n >= len(by_file)]
    if lasting == "recording":
        usual = list(count)
    classes = tuple(sorted((t for t in usual if t and len(t) <= 60), key=in_order))
    if not 2 <= len(classes) <= MOST_CLASSES:
        return []
    rare = len(count) - len(classes)
    why = f"{what}: {', '.join(classes)}" + f"; {rare} rare texts are none" * bool(rare)
    return [Labels(where, value, classes, lasting, why)]


def some(names: Sequence[str]) -> str:
    """List the first few names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def asked_key(stated: Mapping[str, object], place: str) -> str | None:
    """Give the key that `--label PLACE:KEY` names; None if it names another place."""
    before, _, key = str(stated.get("label", "")).partition(":")
    return key if key and before == place else None


def in_order(text: str) -> tuple[float, str]:
    """Order numbers by value, before words."""
    try:
        number = float(text)
    except ValueError:
        number = math.inf
    return (number if math.isfinite(number) else math.inf), text
