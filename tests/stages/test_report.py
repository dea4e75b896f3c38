"""The report stage writes the page, and brings MLflow up to date."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import config, files, tracking
from stages import Stage, report

PARAMS = Path(__file__).parents[1] / "params.yaml"
CELLS = ["ecg_demo-delta-lif", "ecg_demo-delta-ann"]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A grid of two cells in an empty checkout, without what a page is made of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    card = {"title": "Simulated", "modality": "ecg"}
    files.save_json(Path("data/cards/ecg_demo.json"), card)

    def make_report(cells: Any, cards: Any, settings: Any, *, seed: int) -> Any:
        assert [str(cell) for cell in cells] == CELLS
        assert cards == {"ecg_demo": card}
        assert settings.resamples == 200
        assert seed == 20260101
        return {"cells": [{"cell": str(cell)} for cell in cells], "absent": []}

    monkeypatch.setattr(report, "make_report", make_report)
    return Stage("report", {}, report.SECTIONS, config.load(PARAMS))


@pytest.mark.parametrize(("answers", "asked"), [(True, CELLS), (False, CELLS[:1])])
def test_every_cell_is_published_unless_the_store_is_dead(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, answers: bool, asked: list[str]
) -> None:
    seen: list[str] = []

    def publish(cell: str) -> bool:
        seen.append(cell)
        return answers

    monkeypatch.setattr(tracking, "publish", publish)
    assert report.main(stage).startswith("2 cells")
    assert seen == asked
