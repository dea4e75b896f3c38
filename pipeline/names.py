"""Names that every tool on the way takes: YAML, DVC, the shell, MLflow, file systems.

Standard library only: the stage `inventory` starts at every run.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath, PureWindowsPath

LONGEST = 40
"""Characters of a name: three of them and a suffix make a file's name."""
ENTRY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
UNSEEN = frozenset(["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])
"""Categories of Unicode that no name needs: controls, and what nothing is drawn for."""
FORBIDDEN = "{COLON}"
"""MNE keeps `:` in names by this word."""
FORM = f"a letter, then letters, digits and _, at most {LONGEST} characters"
WORDS = frozenset(
    ["yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "default"]
)
"""Words that YAML, DVC's overrides or MLflow do not read as a name."""
DEVICES = frozenset(
    [
        "con",
        "prn",
        "aux",
        "nul",
        *(f"{d}{n}" for d in ("com", "lpt") for n in range(10)),
    ]
)
"""Names that Windows reads as a device, whatever the ending."""


def entry_fault(name: object) -> str:
    """Describe what is wrong with the name of a data set, an encoder or a model.

    A name with `-` would make the cell DATASET-ENCODER-MODEL ambiguous.

    Returns
    -------
    fault : str
        "" if nothing is.
    """
    if not isinstance(name, str):
        kind = {bool: "a truth value", type(None): "nothing"}.get(type(name))
        number = isinstance(name, int | float)
        return f"YAML reads it as {kind or ('a number' if number else 'no text')}"
    if not name:
        return "it is empty"
    if name.casefold() in WORDS:
        return "YAML, DVC or MLflow take this word for something else"
    if is_device(name):
        return "Windows takes it for a device"
    if not ENTRY.fullmatch(name):
        odd = dict.fromkeys(re.sub("[A-Za-z0-9_]", "", name))
        held = ", ".join(map(_shown, odd))
        return f"it holds {held}" if odd else "it does not begin with a letter"
    return f"it has {len(name)} characters" if len(name) > LONGEST else ""


def entry_faults(names: Iterable[object]) -> Iterator[tuple[object, str]]:
    """Yield the names that cannot be used, with what is wrong with each."""
    by_form: dict[str, object] = {}
    for name in names:
        fault = entry_fault(name)
        other = by_form.setdefault(str(name).casefold(), name)
        if not fault and other != name:
            fault = f"only upper and lower case distinguish it from '{other}'"
        if fault:
            yield name, fault


def suggested(name: object, kind: str) -> str:
    """Write a name in a way that can be used.

    Parameters
    ----------
    name : object
    kind : str
        What it names, such as `dataset`: a name that begins otherwise begins so.
    """
    text = "" if name is None else str(name)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub("[^A-Za-z0-9]+", "_", plain).strip("_")
    if entry_fault(words[:1] or "_") or entry_fault(words[:LONGEST]):
        words = f"{kind}_{words}".rstrip("_")
    return words[:LONGEST].rstrip("_")


def text_fault(text: str) -> str:
    """Explain why a class or a channel cannot be called so in the files of recordings.

    Returns
    -------
    fault : str
        "" if it can.
    """
    for character in text:
        if unicodedata.category(character) in UNSEEN:
            return f"holds {character!a}, which nobody sees"
        if ord(character) > 255:
            return f"holds {character!r}, which FIF files cannot write"
    return f"holds {FORBIDDEN}" if FORBIDDEN in text else ""


def is_device(name: str) -> bool:
    """Whether Windows takes the name of a file for a device, such as `nul.edf`."""
    return name.partition(".")[0].strip().casefold() in DEVICES


def path_fault(path: str) -> str:
    r"""Explain why a path from a list or an archive is not one below a folder.

    Both `/` and `\` count, for on Windows both part folders.

    Returns
    -------
    fault : str
        "" if it leads to a file below the folder, on every system.
    """
    windows = PureWindowsPath(path)
    if not windows.parts or any(ord(character) < 32 for character in path):
        return "is no file's name"
    if windows.root or windows.drive or PurePosixPath(path).is_absolute():
        return "is an absolute path"
    return "leads out of its folder" if ".." in windows.parts else ""


def _shown(character: str) -> str:
    named = {" ": "a space", "-": "'-', which parts the names of a cell"}
    if character in named:
        return named[character]
    return f"'{character}'" if character.isprintable() else ascii(character)
