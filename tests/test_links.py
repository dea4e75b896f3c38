"""No link in `data/` makes a stage remove or write files elsewhere."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import files, unfinished
from pipeline.config import Params
from pipeline.errors import DataError
from stages import Stage, fetch

ROOT = Path(__file__).parents[1]
CARD = {"title": "t", "modality": "ecg", "licence": "l", "citation": "c"}
SOURCES: dict[str, dict[str, Any]] = {
    "folder": {"name": "folder", "path": "../clinic", "pattern": "{subject}.hea"},
    "download": {
        "name": "download",
        "home": "http://127.0.0.1:9/",
        "mirror": "clinic",
        "pattern": "{subject}.hea",
        "files": ["a.hea", "inner/b.hea"],
    },
    "synthetic_ecg": {"name": "synthetic_ecg", "subjects": 2, "minutes": 0.5},
}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's, beside a project and a mirror."""
    (tmp_path / "project").mkdir()
    for name in ("clinic/a.hea", "clinic/inner/b.hea", "mine/precious.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "mine" / ".partial-7-mine").write_text("mine, too")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("BIOSPIKE_MIRROR", "..")
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    return tmp_path / "mine"


def listed(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_fetch(source: str) -> None:
    sections = {"seed": 1, "datasets": {"x": {"card": CARD, "source": SOURCES[source]}}}
    fetch.main(Stage("fetch", {"dataset": "x"}, fetch.SECTIONS, Params(sections)))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("place", ["data", "data/raw", "data/raw/x"])
def test_fetch_leaves_alone_what_a_link_leads_to(
    mine: Path, source: str, place: str
) -> None:
    before = listed(mine)
    (mine / "raw" / "x").mkdir(parents=True)
    (mine / "x").mkdir()
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).symlink_to(mine)
    with pytest.raises(DataError, match=f"^{place}: is a link to {mine}") as caught:
        run_fetch(source)
    assert "not what it leads to" in caught.value.remedy
    assert listed(mine) == before
    Path(place).unlink()
    run_fetch(source)
    assert (Path("data/raw/x/manifest.json")).is_file()


def test_a_link_within_the_raw_folder_is_not_followed(mine: Path) -> None:
    before = listed(mine)
    raw = Path("data/raw/x")
    raw.mkdir(parents=True)
    (raw / "inner").symlink_to(mine)
    (raw / ".partial-1-y").symlink_to(mine)
    run_fetch("download")
    assert listed(mine) == before
    assert (raw / "inner/b.hea").read_text() == "clinic/inner/b.hea"
    assert not (raw / "inner").is_symlink()
    assert not (raw / ".partial-1-y").is_symlink()


def finish(path: Path) -> None:
    with unfinished.finishing(path) as work:
        files.keep_only(work, set())
        (work / "new").touch()


def replace_folder(path: Path) -> None:
    with files.replacing_folder(path) as partial:
        (partial / "new").touch()


def write(path: Path) -> None:
    files.save_json(path / "new.json", {})


@pytest.mark.parametrize("work", [finish, replace_folder, write])
@pytest.mark.parametrize(
    "place", ["data", "data/recordings", "data/recordings/x", "data/.unfinished"]
)
def test_no_stage_works_in_a_link(
    mine: Path, place: str, work: Callable[[Path], None]
) -> None:
    if work is not finish and "unfinished" in place:
        pytest.skip("only unfinished work lies there")
    before = listed(mine)
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).symlink_to(mine)
    with pytest.raises(DataError, match="is a link"):
        work(Path("data/recordings/x"))
    assert listed(mine) == before
    Path(place).unlink()
    work(Path("data/recordings/x"))


@pytest.mark.parametrize("place", ["data", "data/inventory"])
def test_the_inventory_removes_no_files_of_others(mine: Path, place: str) -> None:
    for name in ("params.yaml", "dvc.yaml"):
        Path(name).touch()
    before = {**listed(mine)}
    code = '{"folders": {}, "others": []}'
    if place == "data":
        (mine / "code").mkdir()
        (mine / "code" / "folders.json").write_text(code)
    else:
        Path("data/code").mkdir(parents=True)
        Path("data/code/folders.json").write_text(code)
    Path(place).symlink_to(mine)
    done = subprocess.run(
        [sys.executable, "-S", "-E", ROOT / "stages" / "inventory.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{place} is a link" in done.stderr
    assert {n: t for n, t in listed(mine).items() if n != "code/folders.json"} == before


@pytest.mark.parametrize("name", ["..", "../x", "/x", "a/b", "./a"])
def test_no_name_leads_out_of_data(name: str) -> None:
    with pytest.raises(DataError, match="is no name"):
        files.folder("raw", name)


def test_names_of_ours_are_folders_of_data() -> None:
    assert files.folder("raw", "ecg_demo") == Path("data/raw/ecg_demo")
    assert files.folder("code", "") == Path("data/code")
    assert os.fspath(files.folder("runs", "a-b-c")) == "data/runs/a-b-c"
