"""Folders of this machine: linked, never copied, never changed."""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline import files
from pipeline.components import find
from pipeline.errors import DataError
from pipeline.sources.base import LINKS, Fetched
from pipeline.sources.folder import Folder
from pipeline.sources.parts import noted as _noted

PATTERN = "{subject}/{run}.hea"
TREE = {f"{s}/{r}{e}": f"{s}{r}{e}" for s in "ab" for r in "12" for e in (".hea", ".d")}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout, in which the stage works."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return root


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "clinic", TREE)


@pytest.fixture
def target(project: Path) -> Path:
    return project / "data" / "raw" / "mine"


def lay_out(folder: Path, tree: dict[str, str]) -> Path:
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def folder(path: Path | str, **changes: Any) -> Folder:
    return Folder.model_validate({"path": str(path), "pattern": PATTERN, **changes})


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def links(target: Path) -> dict[str, str]:
    """Where each link below the target leads; there is nothing else."""
    found = {}
    for path in target.rglob("*"):
        if path.is_symlink():
            found[path.relative_to(target / LINKS).as_posix()] = str(path.readlink())
        else:
            assert path.is_dir()
    return found


def fetch(source: Folder, target: Path) -> Fetched:
    """Fetch; the links must be those of the files, and lead to their content."""
    fetched = source.fetch(target, seed=0)
    assert fetched.root == LINKS
    assert links(target).keys() == fetched.files.keys()
    for name, digest in fetched.files.items():
        content = (target / LINKS / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
    return fetched


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_text(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_is_the_component_called_folder() -> None:
    assert find("sources", "folder") is Folder


def test_links_every_file_and_changes_nothing(clinic: Path, target: Path) -> None:
    before = contents(clinic)
    fetched = fetch(folder(clinic), target)
    assert fetched.files == {name: sha256(content) for name, content in TREE.items()}
    assert (fetched.absent, fetched.left_out) == ({}, {})
    assert links(target) == {name: f"{clinic}/{name}" for name in TREE}
    assert contents(clinic) == before


def test_a_file_added_removed_renamed_or_changed_is_followed(
    clinic: Path, target: Path
) -> None:
    fetch(folder(clinic), target)
    stays = (target / LINKS / "a/1.hea").lstat().st_ino
    (clinic / "c").mkdir()
    (clinic / "c/1.hea").write_text("c1")
    (clinic / "a/2.hea").unlink()
    (clinic / "b/1.hea").rename(clinic / "b/9.hea")
    (clinic / "b/2.hea").write_text("other")
    files = fetch(folder(clinic), target).files
    assert files.keys() == {*TREE, "c/1.hea", "b/9.hea"} - {"a/2.hea", "b/1.hea"}
    assert files["b/2.hea"] == sha256("other")
    assert (target / LINKS / "a/1.hea").lstat().st_ino == stays


def test_a_folder_takes_the_place_of_a_file_and_back(
    clinic: Path, target: Path
) -> None:
    fetch(folder(clinic), target)
    (clinic / "a/1.hea").unlink()
    lay_out(clinic, {"a/1.hea/in.hea": "deeper"})
    assert "a/1.hea/in.hea" in fetch(folder(clinic), target).files
    (clinic / "a/1.hea/in.hea").unlink()
    (clinic / "a/1.hea").rmdir()
    lay_out(clinic, {"a/1.hea": "a1.hea"})
    assert fetch(folder(clinic), target).files["a/1.hea"] == sha256("a1.hea")


def test_only_and_except_choose(clinic: Path, target: Path) -> None:
    source = folder(clinic, only=["a/*", "c/*"], **{"except": "*.d"})
    fetched = fetch(source, target)
    assert set(fetched.files) == {"a/1.hea", "a/2.hea"}
    assert fetched.left_out["a/1.d"] == "is in `except`"
    assert fetched.left_out["b/1.hea"] == "is not in `only`"
    assert set(fetched.files) | set(fetched.left_out) == set(TREE)
    assert fetched.absent == {"c/*": "is in `only`, and fits no file"}


@pytest.mark.parametrize("only", ["*/a/*", "set.zip"])
def test_only_may_name_members_of_an_archive(
    clinic: Path, target: Path, only: str
) -> None:
    lay_out(clinic, {"set.zip": "", "b.tar.gz": ""})
    for path in (clinic / "a").iterdir():
        path.unlink()
    fetched = fetch(folder(clinic, only=only), target)
    archives = {"set.zip", "b.tar.gz"} if only == "*/a/*" else {"set.zip"}
    assert set(fetched.files) == archives
    assert fetched.absent == {}


def test_links_without_end_and_to_nothing_are_left_out(
    clinic: Path, target: Path
) -> None:
    (clinic / "a/back").symlink_to(clinic)
    (clinic / "a/up").symlink_to("../..")
    (clinic / "b/other").symlink_to(clinic / "a")
    (clinic / "gone.hea").symlink_to(clinic / "nowhere")
    (clinic / "self.hea").symlink_to("self.hea")
    fetched = fetch(folder(clinic), target)
    loop, nothing = "a link to a folder above it", "a link to nothing"
    assert fetched.left_out == {
        "a/back": loop,
        "a/up": loop,
        "b/other/back": loop,
        "b/other/up": loop,
        "gone.hea": nothing,
        "self.hea": nothing,
    }
    assert fetched.files["b/other/1.hea"] == sha256("a1.hea")


def test_links_to_files_and_folders_elsewhere_are_followed(
    clinic: Path, target: Path, tmp_path: Path
) -> None:
    lay_out(tmp_path / "archive", {"x.hea": "x", "y/1.hea": "y1"})
    (clinic / "a/x.hea").symlink_to("../../archive/x.hea")
    (clinic / "y").symlink_to(tmp_path / "archive" / "y")
    files = fetch(folder(clinic), target).files
    assert files["a/x.hea"] == sha256("x")
    assert files["y/1.hea"] == sha256("y1")


def test_what_is_no_recording_is_left_out_by_name(clinic: Path, target: Path) -> None:
    of_system = ("a/.DS_Store", "a/._1.hea", "Thumbs.db", "b/desktop.ini")
    lay_out(clinic, dict.fromkeys((*of_system, ".git/objects/1", "a/.note"), ""))
    os.mkfifo(clinic / "pipe")
    fetched = fetch(folder(clinic), target)
    system = dict.fromkeys(of_system, "a file of the operating system")
    hidden = dict.fromkeys((".git/", "a/.note"), "hidden")
    pipe = {"pipe": "neither a file nor a folder"}
    assert fetched.left_out == system | hidden | pipe
    assert set(fetched.files) == set(TREE)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read for their digest."""
    names: list[str] = []

    def digest(path: Path) -> str:
        names.append(path.name)
        return files.file_digest(path)

    monkeypatch.setattr(_noted, "file_digest", digest)
    return names


def test_a_file_is_read_again_only_if_its_size_or_time_changed(
    clinic: Path, target: Path, hashed: list[str]
) -> None:
    first = fetch(folder(clinic), target)
    assert len(hashed) == len(TREE)
    hashed.clear()
    assert fetch(folder(clinic), target) == first
    assert hashed == []
    (clinic / "a/1.hea").write_text("longer than before")
    os.utime(clinic / "b/1.d", ns=(1, 1))
    (clinic / "b/3.hea").write_text("new")
    fetch(folder(clinic), target)
    assert sorted(hashed) == ["1.d", "1.hea", "3.hea"]


def test_a_folder_that_moved_is_linked_anew_and_not_read_again(
    clinic: Path, target: Path, tmp_path: Path, hashed: list[str]
) -> None:
    first = fetch(folder(clinic), target)
    hashed.clear()
    clinic.rename(tmp_path / "moved")
    assert fetch(folder(tmp_path / "moved"), target) == first
    assert hashed == []
    assert links(target)["a/1.hea"] == f"{tmp_path}/moved/a/1.hea"


def test_digests_computed_before_a_failure_are_kept(
    clinic: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_late(path: Path) -> str:
        if path == clinic / "b/2.hea":
            raise PermissionError(13, "Permission denied")
        return files.file_digest(path)

    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    monkeypatch.setattr(_noted, "file_digest", fail_late)
    with pytest.raises(DataError, match="Permission denied") as caught:
        folder(clinic).fetch(target, seed=0)
    assert caught.value.where == str(clinic / "b/2.hea")
    assert not target.exists()
    noted = json.loads(Path("data/.unfinished/digests/mine.json").read_text())
    assert noted["files"].keys() == TREE.keys() - {"b/2.hea"}


def test_a_file_that_vanishes_while_the_folder_is_read_is_named(
    clinic: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanishing(path: Path) -> str:
        (clinic / "b/2.hea").unlink(missing_ok=True)
        return files.file_digest(path)

    monkeypatch.setattr(_noted, "file_digest", vanishing)
    with pytest.raises(DataError, match="No such file") as caught:
        folder(clinic).fetch(target, seed=0)
    assert caught.value.where == str(clinic / "b/2.hea")
    assert not target.exists()


def test_notes_of_another_version_are_not_used(
    clinic: Path, target: Path, hashed: list[str]
) -> None:
    fetch(folder(clinic), target)
    hashed.clear()
    Path("data/.unfinished/digests/mine.json").write_text('{"schema": 0, "files": {}}')
    fetch(folder(clinic), target)
    assert len(hashed) == len(TREE)


@pytest.mark.parametrize(
    "written",
    ["../clinic", "$CLINIC", "${CLINIC}", "$HOME/clinic", "~/clinic", "$HERE/clinic"],
)
def test_the_ways_to_write_a_path(
    clinic: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("CLINIC", str(clinic))
    monkeypatch.setenv("HOME", str(clinic.parent))
    monkeypatch.setenv("HERE", "~")
    assert folder(written).tracked_folder() == clinic


def test_relative_paths_count_from_the_checkout(
    clinic: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = project / ".dvc" / "tmp" / "exps" / "tmp1"
    queued.mkdir(parents=True)
    monkeypatch.chdir(queued)
    for root in (project, queued):
        monkeypatch.setenv("DVC_ROOT", str(root))
        assert folder("../clinic").tracked_folder() == clinic


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch, target: Path, value: str | None
) -> None:
    monkeypatch.delenv("HOLTER", raising=False)
    if value is not None:
        monkeypatch.setenv("HOLTER", value)
    with pytest.raises(DataError, match="HOLTER is not set"):
        folder("${HOLTER}/ecg").fetch(target, seed=0)


@pytest.mark.parametrize(
    ("place", "found", "remedy"),
    [
        ("unmounted", "no such folder", "is kept"),
        ("a/1.hea", "a file", "is kept"),
        ("empty", "no files", "put the files there"),
    ],
)
def test_without_a_folder_of_files_earlier_results_stay(
    clinic: Path, target: Path, place: str, found: str, remedy: str
) -> None:
    fetch(folder(clinic), target)
    (clinic / "empty").mkdir()
    with pytest.raises(DataError, match=found) as caught:
        folder(clinic / place).fetch(target, seed=0)
    assert remedy in caught.value.remedy
    assert links(target).keys() == TREE.keys()


def test_only_that_leaves_nothing_is_an_error(clinic: Path, target: Path) -> None:
    with pytest.raises(DataError, match=r"all 8 files are left out.*`only`"):
        folder(clinic, only="c/*").fetch(target, seed=0)


@pytest.mark.parametrize(
    "path", ["data", "data/incoming", ".", "..", "data/raw/mine", "results"]
)
def test_folders_of_results_are_refused(project: Path, target: Path, path: str) -> None:
    lay_out(project / "data" / "incoming", {"a/1.hea": ""})
    (project / "results").symlink_to("data")
    with pytest.raises(DataError, match="writes its results"):
        folder(path).fetch(target, seed=0)
    assert not target.exists()


def test_another_folder_of_the_checkout_is_fine(project: Path, target: Path) -> None:
    lay_out(project / "recordings", {"a/1.hea": ""})
    assert set(fetch(folder("recordings"), target).files) == {"a/1.hea"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/1.hea", "a/1.HEA"),
        ("Sub/1.hea", "sub/2.hea"),
        ("M\u00fcller/1.hea", "Mu\u0308ller/1.hea"),
        ("M\u00fcller/1.hea", "Mu\u0308ller/2.hea"),
        ("stra\u00dfe.hea", "STRASSE.hea"),
    ],
)
def test_names_that_differ_in_case_or_form_only_are_refused(
    tmp_path: Path, target: Path, one: str, other: str
) -> None:
    place = lay_out(tmp_path / "clash", {one: "1", other: "2", "z/1.hea": "z"})
    if len(contents(place)) < 3:
        pytest.skip("this file system takes the names for one")
    with pytest.raises(DataError, match="differ only") as caught:
        folder(place).fetch(target, seed=0)
    for name in (one, other):
        assert name.split("/")[0] in caught.value.found
    (place / other).rename(place / "other.hea")
    assert len(fetch(folder(place), target).files) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only there names are bytes")
def test_a_name_that_is_not_in_utf8_is_refused(clinic: Path, target: Path) -> None:
    (clinic / os.fsdecode(b"M\xfcller.hea")).write_text("")
    with pytest.raises(DataError, match=r"M\\udcfcller\.hea' is not in UTF-8"):
        folder(clinic).fetch(target, seed=0)
    fetched = fetch(folder(clinic, **{"except": "M*ller.hea"}), target)
    files.save_json(target / "manifest.json", {"left_out": fetched.left_out})
    assert list(fetched.left_out) == [r"M\udcfcller.hea"]


def test_what_another_source_left_is_removed_and_links_are_not_followed(
    clinic: Path, target: Path, tmp_path: Path
) -> None:
    treasure = lay_out(tmp_path / "treasure", {"keep": "me", "in/keep": "me"})
    lay_out(target, {"old.dat": "", "deep/er/old.dat": "", ".inputs/01.json": "{}"})
    (target / LINKS / "b").mkdir(parents=True)
    (target / "out").symlink_to(treasure)
    (target / LINKS / "a").symlink_to(treasure / "in")  # in place of a folder
    (target / LINKS / "b" / "1.hea").symlink_to(treasure / "keep")  # elsewhere
    fetch(folder(clinic), target)
    assert contents(treasure).keys() == {"keep", "in/keep"}
    assert contents(clinic).keys() == TREE.keys()


def test_links_that_is_itself_a_link_is_replaced(
    clinic: Path, target: Path, tmp_path: Path
) -> None:
    treasure = lay_out(tmp_path / "treasure", {"a/1.hea": "mine"})
    target.mkdir(parents=True)
    (target / LINKS).symlink_to(treasure)
    fetch(folder(clinic), target)
    assert contents(treasure).keys() == {"a/1.hea"}


def test_the_manifest_stays(clinic: Path, target: Path) -> None:
    lay_out(target, {"manifest.json": "{}"})
    folder(clinic).fetch(target, seed=0)
    assert (target / "manifest.json").read_text() == "{}"


def test_a_folder_that_cannot_be_read_is_reported(
    clinic: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path) == clinic / "b":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(DataError, match="Permission denied") as caught:
        folder(clinic).fetch(target, seed=0)
    assert caught.value.where == str(clinic / "b")
