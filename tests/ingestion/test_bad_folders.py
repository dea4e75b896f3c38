"""Folders as no one should deliver them: refused, and nobody is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import secret
from pipeline.errors import DataError, MachineError
from pipeline.sources.base import Fetched
from pipeline.sources.folder import Folder
from tests.fuzz import writing
from tests.fuzz.items import Mark
from tests.ingestion.conftest import Taken

NAMES = ("Novakova", "Svobodova", "Kralova")
ENTRY: dict[str, Any] = {
    "reader": {"name": "mne"},
    "values": {
        "label": {"from": "annotation", "as": "blocks", "map": {"a": "a", "b": "b"}}
    },
    "labels": ["a", "b"],
}


@pytest.fixture(autouse=True)
def key(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    path = tmp_path_factory.mktemp("own") / "key"
    monkeypatch.setenv(secret.VARIABLE, str(path))
    return path


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    """Three EDF files of a person each."""
    (tmp_path / "ward").mkdir()
    for who in NAMES:
        write(tmp_path / "ward" / f"{who}.edf")
    return tmp_path / "ward"


def write(path: Path, kind: str = "EEG", texts: str = "ab") -> None:
    rng = np.random.default_rng(len(path.stem))
    microvolts = 50 * rng.standard_normal((2, 1000))
    notes = [Mark(5 * n, 5, text) for n, text in enumerate(texts)]
    names = [f"{kind} 1", f"{kind} 2"]
    path.write_bytes(writing.edf(names, microvolts, 100, notes=notes))


@pytest.fixture
def take(take_in: Callable[..., Taken], ward: Path) -> Callable[[str], Taken]:
    def run(on_bad: str) -> Taken:
        private = {"source": {"pseudonyms": True}}
        return take_in(ward, "{subject}.edf", on_bad=on_bad, **private, **ENTRY)

    return run


def refusal(taken: Taken) -> str:
    """The reason of the one refused recording, which names nobody."""
    table = taken.recordings
    (reason,) = table.loc[table["status"] != "used", "reason"]
    assert not any(name in table.to_csv() for name in NAMES)
    return str(reason)


def test_no_labels_anywhere(ward: Path, take: Callable[[str], Taken]) -> None:
    for who in NAMES:
        write(ward / f"{who}.edf", texts="cd")
    with pytest.raises(DataError, match="none of 3 recordings can be used; 3 unlab"):
        take("skip")
    assert not (ward.parent / "data" / "recordings" / "x").exists()


def test_two_modalities_in_one_folder(ward: Path, take: Callable[[str], Taken]) -> None:
    write(ward / "Kralova.edf", kind="EMG")
    with pytest.raises(DataError, match="has the channels"):
        take("raise")
    assert refusal(take("skip")) == "its channels are not those of most recordings"


def test_a_folder_that_changes_while_it_is_read(
    ward: Path, take: Callable[[str], Taken], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = Folder.fetch

    def changing(self: Folder, target: Path, *, seed: int) -> Fetched:
        found = fetch(self, target, seed=seed)
        write(ward / "Kralova.edf", texts="ba")
        return found

    monkeypatch.setattr(Folder, "fetch", changing)
    with pytest.raises(DataError, match="has changed since it was fetched"):
        take("raise")
    write(ward / "Kralova.edf")
    assert refusal(take("skip")) == "has changed since it was fetched"


def test_a_secret_that_is_damaged_loses_nothing(
    key: Path, ward: Path, take: Callable[[str], Taken]
) -> None:
    taken = take("raise")
    before = sorted((ward.parent / "data" / "recordings" / "x").iterdir())
    assert taken.recordings["subject"].nunique() == 3
    kept = key.read_text()
    key.write_text(kept[:-9])
    with pytest.raises(MachineError, match="is damaged; what was made before is kept"):
        take("raise")
    assert sorted((ward.parent / "data" / "recordings" / "x").iterdir()) == before
    key.write_text(kept)
    assert take("raise").recordings.equals(taken.recordings)
