"""What all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Find the real recordings, laid out as a mirror; skip where there are none."""
    asked = os.environ.get("BIOSPIKE_MIRROR")
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(asked) if asked else beside
    if not (folder / "mitdb").is_dir():
        pytest.skip(f"no real recordings: {folder} is not a mirror")
    return folder
