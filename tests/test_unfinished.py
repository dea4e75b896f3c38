"""Unfinished work lies apart, is found again, and replaces the output when complete."""

import errno
import shutil
from pathlib import Path

import pytest

from pipeline import files, unfinished
from pipeline.errors import DataError, MachineError


@pytest.fixture
def spikes_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name an output in an empty checkout."""
    monkeypatch.chdir(tmp_path)
    return files.folder("spikes", "emg-delta")


def tree(folder: Path) -> dict[str, str]:
    """Read all files of a folder, by their path in it."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def finish(target: Path, *, killed: bool = False, **texts: str) -> Path:
    """Make an output of text files, with notes of what they were made of."""
    with unfinished.finishing(target) as work:
        for name, text in texts.items():
            (work / name).write_text(text)
            unfinished.note_inputs(work / name, f"inputs of {text}")
        if killed:
            raise KeyboardInterrupt
    return work


def break_off(target: Path, **texts: str) -> Path:
    """Do the same, and be killed before the end; gives the folder of the work."""
    with pytest.raises(KeyboardInterrupt):
        finish(target, killed=True, **texts)
    return files.UNFINISHED / target.relative_to(files.DATA)


def test_a_finished_folder_replaces_the_old_one(spikes_folder: Path) -> None:
    finish(spikes_folder, r1="old", gone="old")
    assert tree(spikes_folder) == {"r1": "old", "gone": "old"}
    work = finish(spikes_folder, r1="new")
    assert tree(spikes_folder) == {"r1": "new"}
    assert not (spikes_folder / unfinished.NOTES).exists()
    assert not work.exists()


def test_nothing_is_at_the_output_before_it_is_finished(spikes_folder: Path) -> None:
    with unfinished.finishing(spikes_folder) as work:
        (work / "r1").write_text("new")
        assert not spikes_folder.exists()
    assert tree(spikes_folder) == {"r1": "new"}


def test_work_lies_apart_and_can_be_found_from_anywhere(
    spikes_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that started while this process was elsewhere are given the path."""
    with unfinished.finishing(spikes_folder) as work:
        assert work == tmp_path / "data" / ".unfinished" / "spikes" / "emg-delta"
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        (work / "r1").write_text("new")
        monkeypatch.chdir(tmp_path)
    assert tree(spikes_folder) == {"r1": "new"}


def test_a_run_that_broke_off_leaves_its_work_and_the_old_output(
    spikes_folder: Path,
) -> None:
    finish(spikes_folder, r1="old", r2="old")
    break_off(spikes_folder, r1="new")
    assert tree(spikes_folder) == {"r1": "old", "r2": "old"}
    with unfinished.finishing(spikes_folder) as work:
        assert (work / "r1").read_text() == "new"
        assert unfinished.is_made_of(work / "r1", "inputs of new")
        assert not unfinished.is_made_of(work / "r2", "inputs of old")
        (work / "r2").write_text("new")
    assert tree(spikes_folder) == {"r1": "new", "r2": "new"}


def test_what_a_killed_run_was_writing_is_cleared(spikes_folder: Path) -> None:
    work = break_off(spikes_folder, r1="new")
    for leftover in (".partial-1-r2", f"{unfinished.NOTES}/.partial-1-r1"):
        (work / leftover).write_text("half")
    with unfinished.finishing(spikes_folder) as work:
        assert not list(work.rglob(".partial-*"))
    assert tree(spikes_folder) == {"r1": "new"}


def test_unfinished_work_of_other_outputs_is_left_alone(spikes_folder: Path) -> None:
    other = spikes_folder.with_name("emg-rate")
    work = break_off(other, r1="half")
    finish(spikes_folder, r1="new")
    assert unfinished.is_made_of(work / "r1", "inputs of half")
    assert not other.exists()


def test_a_file_is_kept_by_a_note_of_the_same_inputs_alone(tmp_path: Path) -> None:
    path = tmp_path / "r1.h5"
    path.write_text("spikes")
    assert not unfinished.is_made_of(path, "abc")
    unfinished.note_inputs(path, "abc")
    assert unfinished.is_made_of(path, "abc")
    assert not unfinished.is_made_of(path, "abcd")
    assert not unfinished.is_made_of(path, "ab")
    unfinished.note_inputs(path, "other")
    assert unfinished.is_made_of(path, "other")
    assert not unfinished.is_made_of(path, "abc")
    (tmp_path / "r2.h5").write_text("spikes")
    assert not unfinished.is_made_of(tmp_path / "r2.h5", "other")
    path.unlink()
    assert not unfinished.is_made_of(path, "other")


def test_a_damaged_file_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "r1.h5"
    path.write_text("spikes")
    unfinished.note_inputs(path, "abc")
    path.write_text("spikez")
    assert not unfinished.is_made_of(path, "abc")


def test_a_file_or_a_link_at_the_output_is_not_removed(
    spikes_folder: Path, tmp_path: Path
) -> None:
    spikes_folder.parent.mkdir(parents=True)
    spikes_folder.write_text("mine")
    with pytest.raises(MachineError, match="this is a file"):
        finish(spikes_folder, r1="new")
    assert spikes_folder.read_text() == "mine"
    spikes_folder.unlink()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "r1").write_text("mine")
    spikes_folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is a link to"):
        finish(spikes_folder, r1="new")
    assert tree(tmp_path / "elsewhere") == {"r1": "mine"}


def test_a_closed_folder_is_noticed_before_the_work(
    spikes_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(spikes_folder, r1="old")
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda *_: False)  # root may write anywhere
        with pytest.raises(MachineError, match="may not read or write") as caught:
            finish(spikes_folder, r1="new")
    assert caught.value.where == "data/spikes"
    assert tree(spikes_folder) == {"r1": "old"}


@pytest.mark.parametrize("refused", ["the old folder", "the new folder"])
def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(
    spikes_folder: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    finish(spikes_folder, r1="old")
    move = Path.replace

    def refuse(source: Path, target: Path) -> Path:
        if (source if refused == "the old folder" else target) == spikes_folder and (
            ".replaced" not in source.name
        ):
            raise OSError(errno.EIO, "Input/output error")
        return move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(MachineError, match="the disk or its connection failed"):
            finish(spikes_folder, r1="new")
    assert tree(spikes_folder) == {"r1": "old"}
    finish(spikes_folder, r1="new")
    assert tree(spikes_folder) == {"r1": "new"}
    assert not list(files.UNFINISHED.glob("spikes/*"))


def test_notes_that_cannot_be_removed_do_not_come_along(
    spikes_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(spikes_folder, r1="old")
    remove = shutil.rmtree

    def refuse(path: Path, ignore_errors: bool = False) -> None:
        if path.name != unfinished.NOTES:
            remove(path, ignore_errors=ignore_errors)
        elif not ignore_errors:
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        with pytest.raises(MachineError, match="the disk or its connection failed"):
            finish(spikes_folder, r1="new")
    assert tree(spikes_folder) == {"r1": "old"}
    finish(spikes_folder, r1="new")
    assert tree(spikes_folder) == {"r1": "new"}


def test_what_a_run_that_failed_was_writing_is_cleared_at_once(
    spikes_folder: Path,
) -> None:
    work = break_off(spikes_folder, r1="new", **{".partial-1-r2": "half"})
    assert unfinished.is_made_of(work / "r1", "inputs of new")
    assert not list(work.rglob(".partial-*"))
