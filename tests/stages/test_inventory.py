"""The inventory of folder sources: seen when changed, kept when not there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.folder import Folder

ROOT = Path(__file__).parents[2]
STAGE = ROOT / "stages" / "inventory.py"


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    clinic = tmp_path / "clinic"
    for name in ("b/2.edf", "a/1.edf", "a/10.edf", ".DS_Store"):
        (clinic / name).parent.mkdir(parents=True, exist_ok=True)
        (clinic / name).write_text(name)
    (clinic / "a" / "loop").symlink_to(clinic)
    return clinic


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / "data" / "code").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / "project" / name).touch()
    return tmp_path / "project"


def take(
    project: Path,
    folders: dict[str, str],
    *others: str,
    status: int = 0,
    more: dict[str, Any] | None = None,
    **environment: str,
) -> str:
    """Run the stage as DVC does, and give what it printed."""
    listed = {"schema": 1, "folders": folders, "others": list(others), **(more or {})}
    (project / "data/code/folders.json").write_text(json.dumps(listed))
    for name in ("stages", "pipeline"):
        if not (project / name).exists():
            (project / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["stages/run", "inventory"],
        cwd=project,
        env={**os.environ, "VIRTUAL_ENV": sys.prefix, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    return done.stderr


def inventory(project: Path, name: str) -> Any:
    return json.loads((project / "data/inventory" / f"{name}.json").read_text())


def test_lists_names_sizes_and_times(project: Path, clinic: Path) -> None:
    take(project, {"mine": str(clinic)}, "ecg", "eeg")
    expected = [
        [name, len(name), (clinic / name).stat().st_mtime_ns]
        for name in ("a/1.edf", "a/10.edf", "b/2.edf")
    ]
    assert inventory(project, "mine") == {"folder": str(clinic), "files": expected}
    assert inventory(project, "ecg") == inventory(project, "eeg") == {}


@pytest.mark.parametrize(
    "change", ["add", "remove", "rename", "write", "touch", "move"]
)
def test_a_change_is_seen_and_nothing_else_is_written(
    project: Path, clinic: Path, change: str
) -> None:
    folders = {"mine": str(clinic)}
    take(project, folders, "ecg")
    path = project / "data/inventory/mine.json"
    before, times = path.read_text(), path.stat().st_mtime_ns
    take(project, folders, "ecg")
    assert path.stat().st_mtime_ns == times
    file = clinic / "a/1.edf"
    match change:
        case "add":
            (clinic / "a/2.edf").touch()
        case "remove":
            file.unlink()
        case "rename":
            file.rename(clinic / "a/x.edf")
        case "write":
            file.write_text("other and longer")
        case "touch":
            os.utime(file, ns=(1, 1))
        case "move":
            folders = {"mine": str(clinic.rename(clinic.parent / "elsewhere"))}
    take(project, folders, "ecg")
    assert path.read_text() != before
    kinds = ("json", "secret.json", "folds.json")
    expected = {f"{name}.{kind}" for name in ("mine", "ecg") for kind in kinds}
    assert {p.name for p in path.parent.iterdir()} == expected


def test_a_folder_that_is_not_there_loses_nothing(project: Path, clinic: Path) -> None:
    take(project, {"mine": "$CLINIC"}, CLINIC=str(clinic))
    before = inventory(project, "mine")
    printed = take(project, {"mine": "$CLINIC"}, CLINIC=f"{clinic}/unmounted")
    assert f"mine: {clinic}/unmounted: No such file" in printed
    assert inventory(project, "mine") == before
    assert "CLINIC is not set" in take(project, {"mine": "$CLINIC"})
    assert inventory(project, "mine") == before


def test_a_folder_that_was_never_there_is_noted(project: Path, clinic: Path) -> None:
    take(project, {"mine": f"{clinic}/unmounted", "his": "$NOBODY_SET_THIS"})
    assert "No such file" in inventory(project, "mine")["absent"]
    assert "NOBODY_SET_THIS" in inventory(project, "his")["absent"]


def test_data_sets_no_longer_listed_are_removed(project: Path, clinic: Path) -> None:
    take(project, {"mine": str(clinic)}, "ecg")
    (project / "data/inventory/.partial-1-mine.json").touch()
    take(project, {}, "ecg")
    left = {path.name for path in (project / "data/inventory").iterdir()}
    assert left == {"ecg.json", "ecg.secret.json", "ecg.folds.json"}


@pytest.mark.parametrize("written", ["../clinic", "~/clinic", "${UP}/clinic"])
def test_paths_are_read_as_the_source_reads_them(
    project: Path, clinic: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(clinic.parent))
    monkeypatch.setenv("UP", "..")
    monkeypatch.delenv("DVC_ROOT", raising=False)
    take(project, {"mine": written})
    source = Folder.model_validate({"path": written, "pattern": "{subject}.edf"})
    assert inventory(project, "mine")["folder"] == str(source.tracked_folder())
    assert source.tracked_folder() == clinic


PRIVATE = {"pseudonyms": ["mine"]}


def test_under_pseudonyms_it_names_nobody_and_sees_changes(
    project: Path, clinic: Path, tmp_path: Path
) -> None:
    key = str(tmp_path / "key")
    take(project, {"mine": str(clinic)}, more=PRIVATE, BIOSPIKE_KEY=key)
    before = inventory(project, "mine")
    assert len(before["files"]) == 3
    assert not any(name in str(before) for name in ("edf", "clinic", "/"))
    (clinic / "a/1.edf").rename(clinic / "a/2.edf")
    take(project, {"mine": str(clinic)}, more=PRIVATE, BIOSPIKE_KEY=key)
    assert inventory(project, "mine") != before


def test_a_lost_secret_is_asked_for_and_another_one_is_noticed(
    project: Path, clinic: Path, tmp_path: Path
) -> None:
    key, folders = tmp_path / "key", {"mine": str(clinic)}
    take(project, folders, more=PRIVATE, BIOSPIKE_KEY=str(key))
    before = inventory(project, "mine.secret")
    assert set(before) == {"secret"}
    kept = key.rename(tmp_path / "copy")
    lost = take(project, folders, status=2, more=PRIVATE, BIOSPIKE_KEY=str(key))
    assert "the secret of the pseudonyms is not there" in lost
    assert inventory(project, "mine.secret") == before
    assert not key.exists()
    take(project, folders, more=PRIVATE, BIOSPIKE_KEY=str(kept))
    assert inventory(project, "mine.secret") == before
    other = tmp_path / "other"
    other.write_text("0" * 64 + "\n")
    other.chmod(0o600)
    printed = take(project, folders, more=PRIVATE, BIOSPIKE_KEY=str(other))
    assert "the secret is another than before" in printed
    assert inventory(project, "mine.secret") != before


@pytest.mark.parametrize("kind", ["sources", "folds"])
def test_files_of_lists_are_noted_and_kept_while_they_are_away(
    project: Path, clinic: Path, tmp_path: Path, kind: str
) -> None:
    held, folders = tmp_path / "list.txt", {"mine": str(clinic)}
    more = {kind: {"mine": ["$LISTS/list.txt"]}}
    name = {"sources": "mine", "folds": "mine.folds"}[kind]

    def seen() -> Any:
        take(project, folders, more=more, LISTS=str(tmp_path))
        return inventory(project, name)

    held.write_text("Novakova")
    before = seen()
    assert "Novakova" not in str(before)
    held.write_text("Svobodova")
    now = seen()
    assert now != before
    held.unlink()
    assert seen() == now


@pytest.mark.skipif(sys.platform != "linux", reason="only there names are bytes")
def test_a_name_that_is_not_in_utf8_is_listed(project: Path, clinic: Path) -> None:
    (clinic / os.fsdecode(b"M\xfcller.edf")).touch()
    take(project, {"mine": str(clinic)})
    assert len(inventory(project, "mine")["files"]) == 4


def test_takes_the_standard_library_alone(project: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.edf").touch()
    listed = {"folders": {"one": str(tmp_path / "one")}, "others": []}
    (project / "data/code/folders.json").write_text(json.dumps(listed))
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-X", "importtime", STAGE],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if "import time:" in line)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    known = {*sys.stdlib_module_names, "pipeline", "imported package"}
    assert imported <= known
    assert len(inventory(project, "one")["files"]) == 1


def test_it_reports_that_it_is_not_in_a_checkout(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "stages" / "run", "inventory"],
        cwd=tmp_path,
        env={**os.environ, "VIRTUAL_ENV": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no params.yaml and no dvc.yaml" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
