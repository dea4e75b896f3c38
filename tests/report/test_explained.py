"""Encoders and models in a line, and how the report was made."""

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline import checkout, files
from pipeline.components import available, find
from pipeline.report import explained, provenance


def cell(model: str, **settings: Any) -> dict[str, Any]:
    """A cell with settings of its parts."""
    run = {"settings": {"encoder": {"name": "delta"}, **settings}}
    return {
        "cell": f"ecg-delta-{model}",
        "encoder": "delta",
        "model": model,
        "run": run,
    }


def test_each_encoder_and_model_has_one_line() -> None:
    dense = {"name": "dense", "units": [64], "bias": True}
    lif = cell("lif", network=dense, neuron={"name": "leaky", "tau_mem_s": 0.125})
    linear = cell("linear", network={"name": "dense", "units": []}, neuron={})
    lines = explained.shown([lif, linear, lif])
    assert [line["name"] for line in lines] == ["delta", "lif", "linear"]
    assert [line["is"] for line in lines] == ["encoder", "model", "model"]
    encoder, model, read_out = (line["text"] for line in lines)
    assert encoder == "Step-forward code with reference tracking."
    assert "the same step (units 64). Neurons: Leaky integrate-and-fire" in model
    assert model.endswith("(tau mem 0.125 s).")
    assert read_out.startswith("A linear read-out")


def test_settings_of_an_older_version_are_written_as_they_are() -> None:
    old = cell("lif", network={"bins": 8}, neuron={"name": "leaky", "older": 3})
    assert explained.model(old).endswith("snnTorch's Leaky (older 3).")


ORACLES: dict[str, list[Any]] = {
    "encoders": [{"name": "rhythm", "beats": "annotated"}],
    "networks": [{"name": "recurrent", "restart": "blocks"}],
}
ORACLES["encoders"] += [
    {"name": "template", "beats": "annotated"},
    {"name": "joined", "parts": [{"name": "delta"}, *ORACLES["encoders"]]},
    {"name": "poisson_burst", "of": ORACLES["encoders"][0]},
]


@pytest.mark.parametrize("kind", ["encoders", "networks"])
def test_settings_name_the_oracles_that_components_are(kind: str) -> None:
    defaults = [{"name": name} for name in available(kind) if name not in INCOMPLETE]
    for given in [*defaults, *ORACLES[kind]]:
        own = {key: value for key, value in given.items() if key != "name"}
        component: Any = find(kind, given["name"])(**own)
        assert bool(explained.oracles(given)) is component.is_oracle


INCOMPLETE = ("joined", "snntorch")
"""Components without default settings."""


def test_oracles_are_named() -> None:
    neuron = {"name": "leaky"}
    for restart, marked in (("never", False), ("windows", False), ("blocks", True)):
        network = {"name": "recurrent", "restart": restart}
        line = explained.model(cell("lif", network=network, neuron=neuron))
        assert ("An oracle" in line) is marked
    unset = {"name": "delta", "events_per_s": None}
    assert "oracle" not in explained.encoder(cell("lif", encoder=unset))
    encoder = {"name": "rhythm", "beats": "annotated"}
    line = explained.encoder(cell("lif", encoder=encoder))
    assert line.endswith("beats are where annotations place them, which no device has.")


@pytest.mark.parametrize("kind", ["encoders", "networks", "neurons"])
def test_every_component_has_a_line(kind: str) -> None:
    for name in available(kind):
        line = explained.described(
            {"run": {"settings": {kind[:-1]: {"name": name}}}}, kind[:-1]
        )
        assert line.endswith((".", ")")), find(kind, name)


def test_values_are_short() -> None:
    given: dict[str, Any] = {
        "rules": [{"name": "pair"}, {"name": "scaling"}],
        "reset": None,
        "x": {},
    }
    delta = find("encoders", "delta")
    assert explained.settings(delta, given) == ["rules pair + scaling"]


def test_the_newest_run_gives_the_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkout, "revision", lambda: ("", False))
    key = {"run": {"run_key": "ab"}}
    cells = [{"cell": name, **key} for name in ("a-d-m", "b-d-m")]
    for seconds, each in enumerate(cells):
        path = files.folder("runs", each["cell"]) / "run.json"
        files.save_json(path, {})
        path.with_name("predictions.parquet").write_bytes(b"seen")
        os.utime(path, (86400 * (seconds + 1),) * 2)
    here = {"machine": {"system": "Linux", "processor": "some"}}
    made = provenance.shown(cells, {"a": here, "b": here, "c": {}})
    assert made["newest_run"] == "1970-01-03 00:00 UTC"
    assert made["machines"] == ["Linux, some"]
    assert made["commands"] == ["make repro"]
    assert "Python" in made["versions"]
    assert made["durations"] == []
    seen = hashlib.sha256(b"seen").hexdigest()
    assert made["digests"] == [
        {"cell": name, "run_key": "ab", "predictions": seen}
        for name in ("a-d-m", "b-d-m")
    ]


def test_durations_are_those_of_the_stages_of_the_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    noted = {
        "train@a-d-m": 2.5, "train@a-d-n": 1.0, "train@z-d-m": 99.0, "fetch@a": 3.0,
        "encode@a-d": 0.5, "code": 0.1, "report": 7.0,
    }  # fmt: skip
    for name, seconds in noted.items():
        path = files.folder("measured", "stages") / f"{name}.json"
        files.save_json(path, {"seconds": seconds})
    cells = [{"cell": "a-d-m"}, {"cell": "a-d-n"}]
    rows = provenance.durations(cells)
    assert [tuple(row.values()) for row in rows] == [
        ("code", 1, 0.1), ("fetch", 1, 3.0), ("encode", 1, 0.5), ("train", 2, 3.5)
    ]  # fmt: skip


def test_the_commit_is_known_in_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkout.revision() == ("", False)
    name = ["-c", "user.name=x", "-c", "user.email=x@x"]
    for words in (["init", "-q"], [*name, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], check=True)
    commit, dirty = checkout.revision()
    assert len(commit) == 40
    assert not dirty
    Path("new.txt").touch()
    assert checkout.revision() == (commit, True)
