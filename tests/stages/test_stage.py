"""What all stages share: declared reads, cells left out, errors without a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import config
from pipeline.runs import SETTINGS
from stages import Stage, left_out, train

ROOT = Path(__file__).parents[2]


def stage(*sections: str, name: str = "train", model: str = "lif") -> Stage:
    names = {"dataset": "ecg_demo", "encoder": "delta", "model": model}
    return Stage(name, names, sections, config.load(ROOT / "params.yaml"))


def test_only_declared_sections_can_be_read() -> None:
    one = stage("seed")
    assert one.read("seed") == 20260101
    with pytest.raises(LookupError, match="training is not declared"):
        one.read("training")


def test_resolved_settings_have_their_name_and_their_defaults() -> None:
    neuron = "models.{model}.neuron"
    assert stage(neuron).resolved(neuron)["name"] == "leaky"
    source = "datasets.{dataset}.source"
    assert stage(source).resolved(source)["subjects"] == 12


@pytest.mark.parametrize("declared", ["models.{model}", "models.{model}.sparsity"])
def test_a_part_of_a_declared_section_can_be_read(declared: str) -> None:
    one = stage(declared, model="lif_sparse")
    assert one.read("models.{model}.sparsity").pruning.share == 0.75
    told = one.resolved("models.{model}.sparsity")
    assert told["pruning"]["method"] == "lamps"
    plain = stage(declared).resolved("models.{model}.sparsity")
    assert plain == {**told, "hoyer_weight": 0.0, "pruning": None}


def test_a_part_does_not_open_the_rest() -> None:
    one = stage("models.{model}.sparsity", "grid.skip")
    for section in ("models.{model}.neuron", "grid", "models.{model}"):
        with pytest.raises(LookupError, match="is not declared"):
            one.read(section)


def test_what_train_tells_of_its_settings_is_what_a_run_key_is_made_of() -> None:
    names = {section.rpartition(".")[2].strip("{}") for section in train.TOLD}
    assert names == set(SETTINGS)


def test_dependencies_are_those_of_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    paths = {path.as_posix() for path in stage().dependencies()}
    assert "data/spikes/ecg_demo-delta" in paths
    assert "pipeline/networks" in paths
    assert not any("${" in path for path in paths)


def test_a_cell_left_out_leaves_a_mark_and_no_old_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stage("grid.skip")
    folder = tmp_path / "cell"
    folder.mkdir()
    (folder / "run.json").touch()
    assert left_out(one, folder) is None
    assert (folder / "run.json").exists()
    monkeypatch.setattr(config.Params, "read", lambda self, section: ("*-delta-lif",))
    assert left_out(one, folder) == "left out by grid.skip"
    assert [path.name for path in folder.iterdir()] == ["left_out.json"]


@pytest.mark.parametrize("debug", [False, True])
def test_an_expected_error_is_one_block_and_status_2(debug: bool) -> None:
    flags = ["--debug"] if debug else []
    done = subprocess.run(
        [sys.executable, "-m", "stages.encode", "nothing", "detla", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if debug else 2)
    assert ("Traceback" in done.stderr) == debug
    assert "encoders.detla: is missing" in done.stderr
