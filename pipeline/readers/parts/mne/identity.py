"""Fields of EDF, BDF, BrainVision and FIF that may identify the person: their kinds."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.readers.parts.identity import beginning

ANONYMOUS = frozenset({"", "X", "x", "0", "anonymous", "anonymized"})
EDF_PATIENT = ("patient number", "sex", "birth date", "name")
"""The parts of an EDF+ patient field."""
EDF_RECORDING = ("date", "hospital number", "staff", "device")
"""The parts after `Startdate` in an EDF+ recording field."""


def identifying(path: Path) -> list[str]:
    """List the kinds of fields that are filled in a file's header."""
    look = LOOKS.get(path.suffix.lower())
    return look(path) if look else []


def _edf(path: Path) -> list[str]:
    """Read the patient and the recording in the header of an EDF or BDF file."""
    with path.open("rb") as stream:
        header = stream.read(256).decode("latin-1")
    patient, recording = header[8:88].strip(), header[88:168].strip()
    kinds = []
    if header[192:197] in ("EDF+C", "EDF+D", "BDF+C", "BDF+D"):
        kinds += _filled(patient.split(), EDF_PATIENT)
        if recording.startswith("Startdate"):
            kinds += _filled(recording.split()[1:], EDF_RECORDING)
    else:
        kinds += ["patient"] * _is_filled(patient)
        kinds += ["recording"] * _is_filled(recording)
    return kinds


def _filled(parts: Sequence[str], kinds: Sequence[str]) -> list[str]:
    pairs = zip(parts, kinds, strict=False)
    return [kind for part, kind in pairs if _is_filled(part)]


def _is_filled(text: str) -> bool:
    return not set(text.split()) <= ANONYMOUS


def _brainvision(path: Path) -> list[str]:
    """Read whether the marks of a BrainVision file begin with a date."""
    dated = re.search(r"=New Segment,.*,\d{20}", beginning(path))
    return ["date"] if dated and not dated[0].endswith("0" * 20) else []


def _fif(path: Path) -> list[str]:
    """Read the subject, the date and the staff of a FIF file."""
    import mne

    info = mne.io.read_info(path, verbose="error")
    subject: Mapping[str, Any] = info["subject_info"] or {}
    kinds = {
        "patient number": subject.get("his_id"),
        "name": subject.get("last_name") or subject.get("first_name"),
        "birth date": subject.get("birthday"),
        "sex": subject.get("sex"),
        "date": info["meas_date"],
        "staff": info["experimenter"],
    }
    return [kind for kind, value in kinds.items() if value]


LOOKS: Mapping[str, Callable[[Path], list[str]]] = {
    ".edf": _edf,
    ".bdf": _edf,
    ".vmrk": _brainvision,
    ".fif": _fif,
}
"""The function that inspects a file, by the end of its name."""
