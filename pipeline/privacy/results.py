"""The words of an audit's result, and its files: for readers that need no networks."""

from pathlib import Path
from typing import Any

from pipeline import files, unfinished
from pipeline.errors import DataError

RESULT, IDENTITY = "audit.json", "identity.json"
"""Files below `data/audits`: of a cell, and of the codes of a data set."""

TRAINING, OTHER = "training recordings", "another session"
"""What the attacker has of a person: on the second no network is trained."""

PERSON, WINDOW = "person", "decision"
"""Levels: scores of persons, and of single decisions, of which a person has many."""

STORED, ONCE, DRAWS, DROPOUT = "stored", "once", "draws", "dropout"
"""Ways to query: the training spikes; of random codes one new draw, and the mean of the
answers to several; the mean of the answers to spikes some of which are dropped."""

RATES = (0.01, 0.001)
"""False positive rates at which attacks are compared."""


LAYOUT = 2
"""Of `audit.json`; another one has other names."""


def load(folder: Path) -> dict[str, Any] | None:
    """Read the result of a cell's audit; None if there is none of this layout."""
    path = folder / RESULT
    found = files.load_json(path) if path.exists() else {}
    return found if found.get("layout") == LAYOUT else None


def save_codes(dataset: str, found: dict[str, Any]) -> None:
    """Write the result of an audit of codes, and note the files it was made of."""
    path = files.folder("audits", dataset) / IDENTITY
    files.save_json(path, found)
    unfinished.note_inputs(path, _digest(dataset))


def load_codes(dataset: str) -> dict[str, Any] | None:
    """Read the result of an audit of codes; None if its files have changed since."""
    path = files.folder("audits", dataset) / IDENTITY
    try:
        current = path.exists() and unfinished.is_made_of(path, _digest(dataset))
    except DataError:
        return None  # a file that it was made of is missing
    return files.load_json(path) if current else None


def _digest(dataset: str) -> str:
    """Compute the digest of the windows and signals of a data set."""
    windows = files.folder("windows", dataset)
    tables = (windows / f"{name}.parquet" for name in ("windows", "folds"))
    return files.inputs_digest(
        files.file_digests(*tables, files.folder("signals", dataset))
    )
