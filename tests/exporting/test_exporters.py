"""What every exporter states, and where its output goes."""

from pathlib import Path
from typing import Any, ClassVar

import pytest

import pipeline.exporting
from pipeline.components import available, find
from pipeline.exporting import export_cell
from pipeline.exporting.base import Exporter


class Text(Exporter):
    """Write the fold's number, where a test can see it."""

    suffix: ClassVar[str] = ".txt"

    def export(self, trained: Any, path: Path) -> None:
        path.write_text(f"fold {trained.number}")


class Cell:
    """A trained cell, as far as its folds go."""

    number = 1

    @classmethod
    def open(cls, name: str) -> "Cell":
        return cls()

    def fold(self, number: int | None) -> "Cell":
        self.number = self.number if number is None else number
        return self


def test_suffixes_differ() -> None:
    classes = [find("exporting", name) for name in available("exporting")]
    suffixes = [each.suffix for each in classes if issubclass(each, Exporter)]
    assert len(set(suffixes)) == len(suffixes) == len(classes)
    assert all(suffix[0] in ".-" and suffix[1:].isalnum() for suffix in suffixes)


def test_an_exporter_writes_beside_or_to_the_given_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipeline.exporting, "TrainedCell", Cell)
    monkeypatch.setattr(pipeline.exporting, "find", lambda kind, name: Text)
    assert export_cell("a-b-c", "text", None, None) == Path("a-b-c-fold-1.txt")
    assert Path("a-b-c-fold-1.txt").read_text() == "fold 1"
    assert export_cell("a-b-c", "text", 4, Path("x")).read_text() == "fold 4"
