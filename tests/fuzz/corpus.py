"""All items: simulated and, where a mirror is at hand, cut from real recordings."""

import os
from pathlib import Path

from tests.fuzz import corpus_clinical, corpus_real, corpus_research
from tests.fuzz.items import Item


def mirror() -> Path | None:
    """Find the real recordings, where the other tests find them."""
    asked = os.environ.get("BIOSPIKE_MIRROR")
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(asked) if asked else beside
    return folder if (folder / "mitdb").is_dir() else None


def simulated() -> list[Item]:
    """Make the items that need no data."""
    return [*corpus_clinical.items(), *corpus_research.items()]


def collect(data: Path | None) -> list[Item]:
    """Collect the items.

    Parameters
    ----------
    data : Path or None
        A mirror of real recordings; None: only what is simulated.
    """
    return simulated() + (corpus_real.items(data) if data else [])
