"""What folds in training are at can be read while they write it."""

from pathlib import Path

import pytest

from pipeline import unfinished
from pipeline.training import progress

EPOCH = {"epoch": 0, "train_loss": 0.5, "spike_rate": None, "layer_rates": (2.0, 3.0)}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes by a second with every look at it."""
    seconds = iter(range(100, 200))
    now = "pipeline.training.progress.time.time"
    monkeypatch.setattr(now, lambda: float(next(seconds)))


def test_notes_are_read_back(tmp_path: Path, clock: None) -> None:
    assert progress.read(tmp_path) == {}
    assert progress.times(tmp_path) == {}
    first, second = (progress.Notes(tmp_path, fold) for fold in (0, 11))
    first.begin()
    second.begin()
    first.epoch(EPOCH)
    first.end()
    second.epoch(EPOCH)
    second.epoch({**EPOCH, "epoch": 1})
    found = progress.read(tmp_path)
    line = {"epoch": 0, "train_loss": 0.5, "spike_rate": None}
    line |= {"spike_rate_1": 2.0, "spike_rate_2": 3.0}
    assert found == {
        0: progress.FoldProgress(100.0, 102.0, [line]),
        11: progress.FoldProgress(101.0, None, [line, {**line, "epoch": 1}]),
    }
    # A fold that has not ended has no time yet.
    assert progress.times(tmp_path)["folds"] == {"0": {"begun_s": 100, "ended_s": 102}}
    second.end()
    times = progress.times(tmp_path)
    assert times["begun_s"] == 100
    assert times["ended_s"] == 103
    assert times["folds"]["11"] == {"begun_s": 101, "ended_s": 103}


def test_a_fold_that_begins_again_forgets_what_it_was(
    tmp_path: Path, clock: None
) -> None:
    notes = progress.Notes(tmp_path, 0)
    notes.begin()
    notes.epoch(EPOCH)
    notes.begin()
    assert progress.read(tmp_path) == {0: progress.FoldProgress(101.0)}


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    notes = progress.Notes(tmp_path, 0)
    notes.begin()
    notes.epoch(EPOCH)
    (path,) = (tmp_path / unfinished.NOTES).iterdir()
    text = path.read_text()
    for n_letters in range(len(text)):
        path.write_text(text[:n_letters])
        found = progress.read(tmp_path)
        assert len(found) == (text[:n_letters].count("\n") > 0)
        assert not any(each.epochs for each in found.values())


def test_what_cannot_be_noted_ends_no_training(tmp_path: Path) -> None:
    (tmp_path / unfinished.NOTES).write_text("a file where the folder should be")
    notes = progress.Notes(tmp_path, 0)
    notes.begin()
    notes.epoch(EPOCH)
    notes.end()
    assert progress.read(tmp_path) == {}


def test_a_line_that_a_full_disk_cut_off_costs_only_itself(
    tmp_path: Path, clock: None
) -> None:
    notes = progress.Notes(tmp_path, 0)
    notes.begin()
    (path,) = (tmp_path / unfinished.NOTES).iterdir()
    with path.open("a") as file:
        file.write('{"epoch": 0, "train')
    notes.epoch(EPOCH)
    notes.epoch({**EPOCH, "epoch": 1})
    notes.end()
    (fold,) = progress.read(tmp_path).values()
    assert [epoch["epoch"] for epoch in fold.epochs] == [1]
    assert progress.times(tmp_path)["ended_s"] == 101.0
    # Without its first line a file has no time to give.
    path.write_text(path.read_text().partition("\n")[2])
    assert progress.read(tmp_path) == {}


def test_notes_are_no_part_of_an_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Path("data/runs/cell")
    with unfinished.finishing(place) as folder:
        progress.Notes(folder, 0).begin()
        (folder / "run.json").touch()
    assert [path.name for path in place.iterdir()] == ["run.json"]
