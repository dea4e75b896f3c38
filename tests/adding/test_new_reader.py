"""A reader is added by the one file that CONTRIBUTING.md names: all else finds it."""

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import pipeline.readers
from pipeline import config, testing
from pipeline.components import available, find
from pipeline.encoded_file import encode_file
from pipeline.inspection import identity
from pipeline.proposal import command
from pipeline.readers.base import Reader

ROOT = Path(__file__).parents[2]
ADDED = Path(__file__).parent / "reader"


def test_this_is_the_file_that_contributing_names() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| a reader.*", text, re.MULTILINE)
    named = set(re.findall(r"`(pipeline/\S+)`", row))
    added = (path.relative_to(ADDED) for path in ADDED.rglob("*.py"))
    assert named == {path.as_posix().replace("tally", "NAME") for path in added}


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Reader]]:
    """The new reader, in its folder as far as Python sees."""
    folders = [*pipeline.readers.__path__, str(ADDED / "pipeline" / "readers")]
    monkeypatch.setattr(pipeline.readers, "__path__", folders)
    found = find("readers", "tally")
    assert issubclass(found, Reader)
    yield found
    find.cache_clear()
    del sys.modules[found.__module__], pipeline.readers.tally


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Three persons' recordings, each of two classes."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for person in ("ada", "ben", "cleo"):
        notes = [[t, 1.0, "ab"[t % 2]] for t in range(8)]
        head = {"hz": 100, "channels": ["I", "II"], "notes": notes, "person": person}
        rows = "\n".join(f"{u:g} {v:g}" for u, v in rng.normal(0, 1e-4, (1000, 2)))
        (folder / f"{person}.tly").write_text(f"{json.dumps(head)}\n{rows}\n")
    return folder


def test_it_keeps_the_contract(tally: type[Reader], recordings: Path) -> None:
    for name in ("ben.tly", "cleo.tly"):
        (recordings / name).unlink()
    testing.check_reader(tally(), recordings, "ada.tly", [("annotation", "")])


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our params.yaml, in a folder of its own, and nobody to ask."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.mark.usefixtures("params", "tally")
def test_new_dataset_recognises_its_files_and_proposes_an_entry(
    recordings: Path,
) -> None:
    shown = io.StringIO()
    command.run(str(recordings), None, {}, Console(file=shown, width=200))
    assert "the files are Tally" in shown.getvalue()
    entry = config.load().plain("datasets.clinic")
    assert entry["reader"]["name"] == "tally"
    assert entry["reader"]["channels"] == ["I", "II"]
    assert entry["values"]["label"] == {"from": "annotation", "as": "blocks"}
    assert list(entry["labels"]) == ["a", "b"]
    assert entry["source"]["pattern"] == "{subject}.tly"


@pytest.mark.usefixtures("params", "tally")
def test_encode_takes_its_files(recordings: Path) -> None:
    made = encode_file(recordings / "ada.tly", "delta", config.read(), {})
    assert made.modality == "ecg"
    assert made.signal.channels == ("I", "II")


def test_check_names_its_identifying_fields(
    tally: type[Reader], recordings: Path
) -> None:
    found = identity.of_recording(tally(), recordings, ["ada.tly"])
    assert found == {"ada.tly": ("name",)}


def test_no_two_readers_claim_a_suffix() -> None:
    classes = [find("readers", name) for name in available("readers")]
    claims = [suffix for each in classes for suffix in each.formats]
    assert len(set(claims)) == len(claims)
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in claims)
