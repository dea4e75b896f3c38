"""What was measured of a run is kept for good, and is never taken for another's."""

from pathlib import Path

import pytest

from pipeline import files
from pipeline.measurement import measured

CELL, KEY, OTHER_KEY = "ecg_demo-delta-lif", "ab" * 32, "cd" * 32
LATENCY = {"latency": {"median_ms_per_window": 1.5}, "machine": {"processor": "some"}}
METERS = {"meters": {"rapl": {"absent": "no powercap"}}}


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_nothing_is_known_before_it_was_measured() -> None:
    assert measured.load(CELL, KEY) == {}
    assert not files.DATA.exists()


def test_adding_keeps_the_other_parts() -> None:
    assert measured.add(CELL, KEY, LATENCY) == LATENCY
    assert measured.add(CELL, KEY, METERS) == LATENCY | METERS
    assert measured.load(CELL, KEY) == LATENCY | METERS


def test_a_part_is_replaced_completely() -> None:
    measured.add(CELL, KEY, LATENCY | METERS)
    again = {"meters": {"nvml": {"energy_j_per_window": 0.25}}}
    assert measured.add(CELL, KEY, again) == LATENCY | again
    assert measured.load(CELL, KEY) == LATENCY | again


def test_another_run_or_cell_sees_nothing() -> None:
    measured.add(CELL, KEY, LATENCY)
    assert measured.load(CELL, OTHER_KEY) == {}
    assert measured.load("ecg_demo-delta-ann", KEY) == {}
    assert measured.add(CELL, OTHER_KEY, METERS) == METERS
    assert measured.load(CELL, KEY) == LATENCY


def test_it_lies_where_no_stage_removes_it() -> None:
    measured.add(CELL, KEY, LATENCY)
    path = measured.path(CELL, KEY)
    assert path.parent == Path("data/measured") / CELL
    assert path.exists()
    assert KEY.startswith(path.stem)
    assert len(path.stem) >= 16
