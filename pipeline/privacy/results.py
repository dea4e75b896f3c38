"""The words of an audit's result, and its files: for readers that need no networks."""

from pathlib import Path
from typing import Any

from pipeline import files

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


def load(folder: Path) -> dict[str, Any] | None:
    """Read the result of a cell's audit; None if there is none."""
    path = folder / RESULT
    return files.load_json(path) if path.exists() else None
