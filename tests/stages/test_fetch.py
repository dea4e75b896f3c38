"""fetch: the manifest lists what is there, what is not and why."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import files
from pipeline.config import Params
from stages import Stage, fetch

CARD = {"title": "t", "modality": "ecg", "licence": "l", "citation": "c"}
TARGET = Path("data/raw/mine")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("BIOSPIKE_MIRROR", "../mirror")
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    place = tmp_path / "mirror" / "set"
    place.mkdir(parents=True)
    for name in ("1.hea", "2.hea", "1.dat", "2.dat", ".DS_Store"):
        (place / name).write_text(name)
    return tmp_path / "project"


def run(**source: Any) -> tuple[str, dict[str, Any]]:
    """Run the stage; give its closing line and the manifest."""
    sections = {"seed": 1, "datasets": {"mine": {"card": CARD, "source": source}}}
    stage = Stage("fetch", {"dataset": "mine"}, fetch.SECTIONS, Params(sections))
    return fetch.main(stage), files.load_json(TARGET / "manifest.json")


FOLDER = {"name": "folder", "path": "../mirror/set", "pattern": "{subject}.hea"}
DOWNLOAD = {
    "name": "download",
    "home": "http://127.0.0.1:9/",
    "mirror": "set",
    "pattern": ["{subject}.hea"],
    "files": ["1.hea", "1.dat", "3.hea"],
}
ECG = {"name": "synthetic_ecg", "subjects": 2, "minutes": 0.5, "only": ["s01*"]}


def test_the_manifest_of_a_folder() -> None:
    line, manifest = run(**FOLDER, only=["1.*", "2.*"], **{"except": ["*.dat"]})
    assert line == (
        "2 files, 3 left out (a file of the operating system: 1, in `except`: 2)"
    )
    assert list(manifest.pop("files")) == ["1.hea", "2.hea"]
    assert set(manifest.pop("left_out")) == {"1.dat", "2.dat", ".DS_Store"}
    settings = manifest.pop("settings")
    assert settings["source"]["except"] == ["*.dat"]
    assert settings["seed"] == 1
    assert manifest == {
        "absent": {},
        "root": "links",
        "pattern": ["{subject}.hea"],
        "only": ["1.*", "2.*"],
        "except": ["*.dat"],
        "pseudonyms": True,
    }
    assert files.load_json(Path("data/cards/mine.json"))["title"] == "t"


def test_the_manifest_of_a_download() -> None:
    line, manifest = run(**DOWNLOAD)
    assert line == "2 files, 1 absent (the mirror lacks it: 1)"
    assert manifest["root"] == ""
    assert manifest["absent"] == {"3.hea": "the mirror lacks it"}


@pytest.mark.parametrize("first", [FOLDER, DOWNLOAD, ECG])
@pytest.mark.parametrize("second", [FOLDER, DOWNLOAD, ECG])
def test_another_source_leaves_nothing_of_the_one_before(
    project: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    run(**first)
    _, manifest = run(**second)
    found = {
        path.relative_to(TARGET).as_posix()
        for path in TARGET.rglob("*")
        if path.is_symlink() or path.is_file()
    }
    root = Path(manifest["root"])
    wanted = {(root / name).as_posix() for name in manifest["files"]}
    own = {f".inputs/0{k}.json" for k in (1, 2)} if second is ECG else set()
    assert found == wanted | own | {"manifest.json"}
    assert len(list((project.parent / "mirror" / "set").iterdir())) == 5


def test_the_manifest_repeats() -> None:
    run(**FOLDER)
    before = (TARGET / "manifest.json").read_bytes()
    run(**FOLDER)
    assert (TARGET / "manifest.json").read_bytes() == before
