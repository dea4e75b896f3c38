"""Items cut from real recordings, so short that a mutant takes milliseconds."""

from pathlib import Path

from tests.fuzz.items import Item


def items(data: Path) -> list[Item]:
    """Cut the recordings of a mirror."""
    return []
