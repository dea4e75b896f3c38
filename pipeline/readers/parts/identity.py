"""Fields that may identify the person: their kinds, by the words of their names."""

import re
from collections.abc import Iterable
from pathlib import Path

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
MOST_BYTES = 1 << 16
"""The most bytes of a table or header that are searched."""


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


def beginning(path: Path) -> str:
    """Read the beginning of a text, whatever bytes are in it."""
    with path.open("rb") as stream:
        return stream.read(MOST_BYTES).decode("utf-8-sig", errors="replace")
