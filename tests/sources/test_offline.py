"""Only a download asks the network, and only for the files that are wanted."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.components import find

FOLDER = {"name": "folder", "path": "clinic", "pattern": "{subject}.hea"}
MIRROR = {
    "name": "download",
    "home": "https://example.org/",
    "mirror": "clinic",
    "pattern": "{subject}.hea",
    "files": ["Jane Doe.hea"],
}
ECG = {"name": "synthetic_ecg", "subjects": 2, "minutes": 0.5}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is looked up or connected to."""
    places: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        places.append(arguments)
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    return places


@pytest.mark.parametrize("settings", [FOLDER, MIRROR, ECG])
def test_names_of_subjects_stay_here(
    asked: list[object],
    settings: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(tmp_path))
    Path("clinic").mkdir()
    Path("clinic/Jane Doe.hea").write_text("x")
    source: Any = find("sources", settings["name"]).model_validate(
        {key: value for key, value in settings.items() if key != "name"}
    )
    source.fetch(Path("data/raw/x"), seed=1)
    assert asked == []
    if settings is MIRROR:
        monkeypatch.delenv("BIOSPIKE_MIRROR")
        Path("data/raw/x/Jane Doe.hea").unlink()
        with pytest.raises(Exception, match="could not be read"):
            source.fetch(Path("data/raw/x"), seed=1)
        assert {place[0] for place in asked if isinstance(place, tuple)} == {
            "example.org"
        }
