"""What reading recordings needs: the modality, the mains frequency and the reader."""

from collections import Counter
from typing import get_args

from pipeline.proposal.asking import Asking, Question, positive
from pipeline.proposal.common import EARLOBES, some
from pipeline.proposal.facts import Chosen, Looked
from pipeline.proposal.files import Recordings, format_of, reader_of
from pipeline.readers.base import Check
from pipeline.readers.parts.mne.bids import datatype_of
from pipeline.readers.parts.select import TYPES
from pipeline.readers.parts.units import volts

CLEAR = 2
"""A kind of channels that is so many times more frequent than the next is meant."""


SFREQ = Question("sfreq", "samples per second", convert=positive)


def _unit(text: str) -> str:
    """Refuse what is no unit of voltage."""
    if volts(text) is None:
        raise ValueError(text)
    return text


def _checks(text: str) -> list[str]:
    """Read the names of checks."""
    names = text.split(",")
    if not set(names) <= set(get_args(Check)):
        raise ValueError(text)
    return names


UNIT = Question("unit", "unit of the samples: V, mV, uV, nV", convert=_unit)
UNCHECKED = Question(
    "unchecked", "checks to leave out: " + ", ".join(get_args(Check)), convert=_checks
)


def stated(asking: Asking) -> dict[str, object]:
    """Collect the reader's settings that flags give."""
    found: dict[str, object] = {}
    for question in (SFREQ, UNIT, UNCHECKED):
        given = question.flag in asking.flags
        if answer := asking.answer(question) if given else None:
            found[question.flag] = answer.value
    for flag in ("label", "modality"):
        if given_text := asking.flags.get(flag):
            found[flag] = given_text
    return found


def find_modality(
    recordings: Recordings, looked: Looked, asking: Asking
) -> Chosen | None:
    """Find the modality by datatype or channels, else ask.

    None where nobody can answer.
    """
    datatype = datatype_of(recordings.mains[0])
    if datatype and not asking.flags.get("modality"):
        return Chosen(datatype, "found", "the BIDS datatype of the files")
    count = Counter(kind for kind in looked.channels.values() if kind in TYPES)
    ((first, n), (_, other)) = [*count.most_common(2), ("", 0), ("", 0)][:2]
    if n >= CLEAR * other and n and not asking.flags.get("modality"):
        return Chosen(
            first, "found", f"{n} of {count.total()} channels by name or type"
        )
    shown = ", ".join(list(looked.channels)[:5]) or "no names"
    text = f"what the channels measure ({shown})"
    return asking.answer(Question("modality", text, TYPES))


def find_line_freq(looked: Looked, asking: Asking) -> Chosen:
    """Take the mains frequency that the files state, else ask; 50 Hz by default."""
    if looked.line_freq and not asking.flags.get("line-freq"):
        return Chosen(looked.line_freq, "found", "the files state it")
    text = "mains frequency where it was recorded, Hz"
    answered = asking.answer(Question("line-freq", text, ("50", "60"), "50", positive))
    assert answered is not None  # it has a default
    return answered


def choose_reader(
    recordings: Recordings,
    looked: Looked,
    modality: Chosen | None,
    line_freq: Chosen,
    asking: Asking,
) -> dict[str, Chosen]:
    """Choose the reader, and state what the files do not."""
    named = f"the files are {format_of(recordings.suffix)}"
    reader = {"name": Chosen(recordings.reader, "found", named), **looked.reader}
    kind = str(modality.value) if modality else ""
    reader |= _channels(recordings, looked, kind)
    if not looked.units or asking.flags.get("unit"):
        unit = asking.answer(UNIT)
        reader |= {"unit": unit} if unit else {}
    if not looked.rates or asking.flags.get("sfreq"):
        rate = asking.answer(SFREQ)
        reader |= {"sfreq": rate} if rate else {}
    if asking.flags.get("unchecked"):
        unchecked = asking.answer(UNCHECKED)
        reader |= {"unchecked": unchecked} if unchecked else {}
    return {**reader, "line_freq": line_freq}


def _channels(
    recordings: Recordings, looked: Looked, modality: str
) -> dict[str, Chosen]:
    """Choose the channels of the modality that every file has."""
    kinds = {n: kind for n, kind in looked.channels.items() if kind in (modality, "")}
    kept = [n for n in kinds if modality != "eeg" or not EARLOBES.fullmatch(n)]
    kept = kept or [n for n, kind in looked.channels.items() if kind != "other"]
    left = [*(n for n in looked.channels if n not in kept), *looked.dropped]
    why = f"in all files, {modality} by type or name"
    why += f"; left out: {some(left)}" if left else ""
    chosen = {"channels": Chosen(kept, "found", why)} if kept else {}
    fields = reader_of(recordings.suffix).model_fields
    usual = fields["channel_type"].default == modality
    typed = recordings.reader == "mne" and datatype_of(recordings.mains[0])
    if not (usual or typed):
        kind = Chosen(modality, "found", "as the modality: types are often not stated")
        chosen["channel_type"] = kind
    return chosen
