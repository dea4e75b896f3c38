"""What all tests share."""

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SLOW = (
    "device",
    "docs",
    "exporting",
    "fuzz",
    "ingestion/test_real_counts.py",
    "inspection/test_demos.py",
    "meters",
    "networks",
    "neurons",
    "plasticity",
    "plots",
    "profiling",
    "quantization",
    "report",
    "repro",
    "sources",
    "test_measurement.py",
    "test_mitdb_protocol.py",
    "test_tracking.py",
    "tracking",
    "training",
)
"""Folders and files that `make check` leaves out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests."""
    slow = tuple(TESTS / name for name in SLOW)
    for item in items:
        if any(item.path.is_relative_to(place) for place in slow):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Find the real recordings, laid out as a mirror; skip where there are none."""
    asked = os.environ.get("BIOSPIKE_MIRROR")
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(asked) if asked else beside
    if not (folder / "mitdb").is_dir():
        pytest.skip(f"no real recordings: {folder} is not a mirror")
    return folder
