"""A run's pictures are drawn once, and again when its tables change."""

import os
from pathlib import Path

import pandas as pd
import pytest

from pipeline import files
from pipeline.plots import dynamics, plasticity, runs

VALUES = [0.02, 0.02, 0.01, 0.03]
LEARNED = pd.DataFrame(
    {
        "fold": 0,
        "epoch": [0, 0, 1, 1],
        "kept": [False, False, True, True],
        "layer": 1,
        "quantity": "tau_mem_s",
        "place": ["0", "1", "0", "1"],
        "value": VALUES,
    }
)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Collect the folders that are drawn."""
    monkeypatch.setattr(runs, "_drawn", {})
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    seen: list[Path] = []
    original = dynamics.of_run

    def noted(folder: Path) -> dict[str, runs.Picture]:
        seen.append(folder)
        return original(folder)

    monkeypatch.setattr(dynamics, "of_run", noted)
    return seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files.save_table(tmp_path / "a" / "learned.parquet", LEARNED)
    return tmp_path / "a"


def test_pictures_are_those_of_the_tables(drawn: list[Path], folder: Path) -> None:
    found = runs.pictures(folder)
    assert list(found.dynamics) == ["time_constants", "courses"]
    assert found.dynamics == dynamics.of_run(folder)
    assert found.plasticity == plasticity.of_run(folder) == {}


def test_they_are_drawn_once(drawn: list[Path], folder: Path) -> None:
    runs.draw([folder])
    runs.draw([folder])
    runs.pictures(folder)
    assert drawn == [folder]


def test_other_tables_are_drawn_again(drawn: list[Path], folder: Path) -> None:
    before = runs.pictures(folder)
    changed = LEARNED.assign(value=2 * LEARNED["value"])
    files.save_table(folder / "learned.parquet", changed)
    os.utime(folder / "learned.parquet", ns=(1, 1))
    assert runs.pictures(folder) != before
    assert drawn == [folder, folder]


def test_workers_draw_the_same(
    drawn: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = runs.pictures(folder)
    other = folder.with_name("b")
    files.save_table(other / "learned.parquet", LEARNED)
    monkeypatch.setattr(runs, "_drawn", {})
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")
    runs.draw([folder, other])
    assert runs.pictures(folder) == runs.pictures(other) == expected
    assert len(drawn) == 1
