import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nir
import pytest

from pipeline import __main__, files
from pipeline.components import find
from pipeline.networks.base import Shape

CELL = "demo-delta-lif"
PARAMS = Path(__file__).parents[1] / "params.yaml"


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the run of a cell with folds 3 and 5, in an empty checkout."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(PARAMS, "params.yaml")
    Path("dvc.yaml").touch()
    shape = Shape(20, 4, 3, 0.01)
    settings = {
        "network": {"name": "dense", "units": [5]},
        "neuron": {"name": "leaky", "tau_mem_s": 0.02},
    }
    network: Any = find("networks", "dense").model_validate({"units": [5]})
    built = network.build(shape, find("neurons", "leaky").model_validate({}))
    folder = files.folder("runs", CELL)
    for fold in (3, 5):
        path = folder / f"fold-{fold}.safetensors"
        files.save_weights(path, built.state_dict(), meta={"shape": asdict(shape)})
    names = dict(zip(("dataset", "encoder", "model"), CELL.split("-"), strict=True))
    run = {**names, "settings": settings, "labels": ["a", "b", "c"], "run_key": "k"}
    files.save_json(folder / "run.json", {**run, "folds": [{"fold": 3}, {"fold": 5}]})
    return folder


def biospike(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["biospike", "export", *words])
    __main__.main()


def test_first_fold_goes_to_a_file_here(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    biospike(monkeypatch, CELL, "--target", "nir")
    graph = nir.read(f"{CELL}-fold-3.nir")
    about = json.loads(graph.metadata["about"])
    assert about == {"cell": CELL, "fold": 3, "labels": ["a", "b", "c"], "run_key": "k"}


def test_fold_and_output_as_chosen(cell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    biospike(
        monkeypatch, CELL, "--target", "nir", "--fold", "5", "--output", "out/it.nir"
    )
    assert json.loads(nir.read("out/it.nir").metadata["about"])["fold"] == 5


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> str:
    with pytest.raises(SystemExit) as caught:
        biospike(monkeypatch, *words)
    assert caught.value.code == 2
    printed = capsys.readouterr()
    return " ".join((printed.out + printed.err).split())


def test_no_such_fold(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(monkeypatch, capsys, CELL, "--target", "nir", "--fold", "4")
    assert "no fold 4" in message
    assert "one of 3, 5" in message


def test_no_such_cell(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(monkeypatch, capsys, "other", "--target", "nir")
    assert "there is no cell 'other'" in message


def test_no_such_target(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "invalid choice" in refused(monkeypatch, capsys, CELL, "--target", "onnx")


def test_weights_of_another_network(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = files.load_json(cell / "run.json")
    run["settings"]["network"]["units"] = [6]
    files.save_json(cell / "run.json", run)
    message = refused(monkeypatch, capsys, CELL, "--target", "nir")
    assert "does not fit the network" in message
    assert f"dvc repro -s -f train@{CELL}" in message


def test_a_refusal_leaves_no_file(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = files.load_json(cell / "run.json")
    run["settings"]["neuron"] = {"name": "relu"}
    files.save_json(cell / "run.json", run)
    weights = {"meta": {"shape": asdict(Shape(20, 4, 3, 0.01))}}
    built: Any = find("networks", "dense").model_validate({"units": [5]})
    made = built.build(Shape(20, 4, 3, 0.01), find("neurons", "relu")())
    files.save_weights(cell / "fold-3.safetensors", made.state_dict(), **weights)
    message = refused(monkeypatch, capsys, CELL, "--target", "nir")
    assert "layer_1" in message
    assert not list(Path().glob("*.nir"))
