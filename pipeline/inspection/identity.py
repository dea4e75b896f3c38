"""Files that may identify the person: the kinds of their fields, never the values.

Ingest builds recordings anew without any of these; a copy of the raw files holds them.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

Kinds = tuple[str, ...]

WORDS = {
    "name": {"surname", "firstname", "lastname", "initials", "patientname"},
    "birth date": {"birth", "birthday", "birthdate", "dob", "born", "geburtsdatum"},
    "age": {"age", "alter"},
    "sex": {"sex", "gender", "geschlecht"},
    "patient number": {"mrn", "patientid", "patient", "ssn", "insurance"},
    "place": {"hospital", "clinic", "institution", "address", "zip", "city"},
    "contact": {"email", "phone", "telephone"},
    "staff": {"physician", "doctor", "technician", "operator", "experimenter"},
}
"""The meaning of words in the name of a column or field."""
TABLES = (".csv", ".tsv", ".json")
OF_SIGNALS = ("channels", "electrodes", "events", "coordsystem", "description")
"""Last words of the names of BIDS files that describe no person."""
MOST_BYTES = 1 << 16
"""Of a table or header so much is looked at."""
ANONYMOUS = frozenset({"", "X", "x", "0", "anonymous", "anonymized"})
EDF_PATIENT = ("patient number", "sex", "birth date", "name")
"""The parts of an EDF+ patient field."""
EDF_RECORDING = ("date", "hospital number", "staff", "device")
"""The parts after `Startdate` in an EDF+ recording field."""


def of_recording(folder: Path, names: Sequence[str]) -> dict[str, Kinds]:
    """Look into the headers of a recording's files.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        Paths of the files in it.

    Returns
    -------
    kinds : dict of str to tuple of str
        By file, the kinds of fields that are filled; only files that have any.
    """
    found = {}
    for name in names:
        look = READERS.get(PurePosixPath(name).suffix.lower())
        if look and (kinds := look(folder / name)):
            found[name] = tuple(dict.fromkeys(kinds))
    return found


def of_tables(folder: Path, names: Iterable[str]) -> dict[str, Kinds]:
    """Look at the columns of the tables, and at the keys of JSON files.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        Paths of all files of the data set.
    """
    found = {}
    for name in sorted(names):
        path = PurePosixPath(name)
        suffix = path.stem.rpartition("_")[2]
        if path.suffix.lower() not in TABLES or suffix in OF_SIGNALS:
            continue
        if kinds := kinds_of(_columns(folder / name)):
            found[name] = kinds
    return found


def kinds_of(titles: Iterable[str]) -> Kinds:
    """List what the names of columns or fields stand for."""
    kinds: dict[str, None] = {}
    for title in titles:
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title)
        words = set(re.findall(r"[a-z]+", spaced.lower()))
        words.add("".join(re.findall(r"[a-z]+", title.lower())))
        if words == {"name"}:  # and not that of a task or a maker
            words = {"surname"}
        kinds |= dict.fromkeys(kind for kind, own in WORDS.items() if words & own)
    return tuple(kinds)


def _columns(path: Path) -> list[str]:
    """List the columns of a table, or the keys of a JSON object."""
    text = _beginning(path)
    if path.suffix.lower() == ".json":
        return re.findall(r'"(\w+)"\s*:\s*+(?!""|null)', text)
    first = text.partition("\n")[0]
    try:
        dialect: Any = csv.Sniffer().sniff(first, ",;\t")
    except csv.Error:
        dialect = csv.excel
    return next(csv.reader([first], dialect), [])


def _beginning(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(MOST_BYTES).decode("utf-8-sig", errors="replace")


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


def _wfdb(path: Path) -> list[str]:
    """Read the comments of a WFDB header, and whether it states a date."""
    lines = [line.strip() for line in _beginning(path).splitlines()]
    kinds = ["comments"] * any(line.strip("# ") for line in lines if line[:1] == "#")
    comments = [line for line in lines if line[:1] == "#"]
    titles = [part for line in comments for part in re.findall(r"(\w+)\s*:", line)]
    kinds += kinds_of(titles)
    record = next((line for line in lines if line and line[0] != "#"), "")
    if re.search(r"\s\d{1,2}/\d{1,2}/\d{4}$", record):
        kinds.append("date")
    return kinds


def _brainvision(path: Path) -> list[str]:
    """Read whether the marks of a BrainVision file begin with a date."""
    dated = re.search(r"=New Segment,.*,\d{20}", _beginning(path))
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


READERS: Mapping[str, Callable[[Path], list[str]]] = {
    ".edf": _edf,
    ".bdf": _edf,
    ".hea": _wfdb,
    ".vmrk": _brainvision,
    ".fif": _fif,
}
"""The function that inspects a file, by the end of its name."""
