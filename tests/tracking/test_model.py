"""MLflow's model of a cell takes samples, carries what it needs, and is registered."""

import json
import math
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pipeline import files, tracking
from pipeline.decisions.example import recorded_input
from pipeline.decisions.raw import RawDecider
from pipeline.decisions.stored import write_example
from pipeline.errors import DataError, MachineError
from pipeline.measurement import measured
from pipeline.origins import lock
from pipeline.promotion import promote_cell
from pipeline.tracing import origin_of, trace_run
from pipeline.tracking import answering, registry
from pipeline.training.cell import TrainedCell
from tests import raw_cell

# MLflow and what it imports warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")

NAMES = "MLFLOW_TRACKING_URI", "BIOSPIKE_TRACKING"


def work_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(folder)
    patch.setenv("DVC_ROOT", str(folder))
    for name in NAMES:
        patch.delenv(name, raising=False)
    answering.fault.cache_clear()
    tracking._report.cache_clear()


@pytest.fixture(scope="module")
def checkout(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose cell is registered."""
    folder = tmp_path_factory.mktemp("checkout")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work_in(folder, patch)
        shutil.copy(empty_store, folder / "mlflow.db")
        raw_cell.write()
        run = files.load_json(files.folder("runs", raw_cell.CELL) / "run.json")
        times = {"begun_s": 100.0, "ended_s": 160.0, "folds": {}}
        measured.save_times(raw_cell.CELL, run["run_key"], times)
        assert promote_cell(raw_cell.CELL) == (raw_cell.CELL, 1)
    return folder


@pytest.fixture
def here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That checkout; to be looked at only."""
    work_in(checkout, monkeypatch)
    return checkout


def client() -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking.store_uri())


def runs() -> tuple[Any, list[Any]]:
    """The run of the cell, and those of its folds."""
    place = client().get_experiment_by_name("toy").experiment_id
    found = list(client().search_runs([place]))
    (parent,) = [run for run in found if "run_key" in run.data.tags]
    return parent, [run for run in found if run is not parent]


def served(folder: Path) -> Path:
    """The folder of the model in the store."""
    (path,) = folder.glob("mlartifacts/toy/models/*/artifacts")
    return path


def test_the_model_decides_as_the_cell_does(here: Path) -> None:
    import mlflow

    loaded = mlflow.pyfunc.load_model(f"models:/{raw_cell.CELL}/1")
    cell = TrainedCell.open(raw_cell.CELL)
    decider = RawDecider(cell, recorded_input(cell))
    volts = np.random.default_rng(0).normal(0, 1e-4, (3, 700, 2)).cumsum(1)
    for fold in raw_cell.FOLDS:
        found = loaded.predict(volts, params={"fold": fold, "sfreq": 500.0})
        assert found.equals(decider.decide(volts, fold, 500.0))
    assert list(found) == ["predicted", "p_calm", "p_busy"]
    assert set(found["predicted"]) <= set(raw_cell.LABELS)


def test_its_run_takes_as_long_as_the_training(here: Path) -> None:
    info = runs()[0].info
    assert (info.start_time, info.end_time) == (100_000, 160_000)
    assert info.status == "FINISHED"


def test_its_example_has_the_answer(here: Path) -> None:
    import mlflow

    loaded = mlflow.pyfunc.load_model(str(served(here)))
    about = loaded.metadata.metadata
    assert about["channels"] == ["a", "b"]
    assert (about["unit"], about["sfreq"]) == ("V", 250.0)
    example = about["example"]
    assert example["origin"].startswith("the simulated recording r1")
    assert example["truth"] == example["tested"] == example["expected"]["predicted"]
    assert np.ptp(loaded.input_example) > 0
    (answer,) = loaded.predict(loaded.input_example).to_dict("records")
    assert_alike(answer, example["expected"])


def assert_alike(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(answer) == set(expected)
    assert answer["predicted"] == expected["predicted"]
    numbers = [
        [each[key] for key in ("p_calm", "p_busy")] for each in (answer, expected)
    ]
    np.testing.assert_allclose(*numbers, rtol=1e-5)


SERVE = """
import json, sys
import mlflow
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
model = scoring_server.load_model_with_mlflow_config(sys.argv[1])
text = open(sys.argv[1] + "/serving_input_example.json").read()
given = json.loads(text)
def ask(**more):
    text = json.dumps(given | more)
    schema = model.metadata.get_input_schema()
    return scoring_server.invocations(text, "application/json", model, schema)
found = {"answer": json.loads(ask().response), "expected": model.metadata.metadata}
try:
    ask(params={"fold": 9})
except MlflowException as error:
    found |= {"status": error.get_http_status_code(), "fault": error.message}
import pipeline
found["code"] = pipeline.__file__
print(json.dumps(found))
"""
"""What MLflow's scoring server does with a request, without its web server."""


def test_it_is_served_with_its_own_code_alone(here: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(served(here))],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    (answer,) = found["answer"]["predictions"]
    expected = found["expected"]["example"]["expected"]
    assert_alike(answer, expected)
    assert found["code"].startswith(str(served(here)))
    assert found["status"] == 400
    assert "9 is no fold of this model\n  expected: one of 1, 3" in found["fault"]


def test_it_carries_what_it_needs_and_no_names(here: Path) -> None:
    folder = served(here)
    carried = {p.relative_to(folder / "code") for p in folder.rglob("code/**/*.py")}
    assert Path("pipeline/encoders/isi.py") in carried
    for part in ("encoders/delta", "tracking/cells", "readers/wfdb", "report/page"):
        assert Path(f"pipeline/{part}.py") not in carried
    assert len(carried) < 140
    assert not list(folder.rglob("*.pkl"))
    kept = "\n".join(p.read_text() for p in folder.rglob("*.json"))
    assert not any(name in kept for name in ("r1.h5", "r1.dat", "p1"))
    pinned = (folder / "requirements.txt").read_text().split()
    assert any(line.startswith("torch==") for line in pinned)
    assert not any(line.startswith("dvc") for line in pinned)


def test_data_sets_have_digests_a_schema_and_a_profile(here: Path) -> None:
    import mlflow

    parent, _ = runs()
    found = {each.tags[0].value: each.dataset for each in parent.inputs.dataset_inputs}
    raw, training = found["raw"], found["training"]
    origin = origin_of(raw_cell.CELL)
    assert (raw.name, raw.digest) == ("toy", origin.raw_digest)
    assert raw.digest == parent.data.tags["raw.digest"]
    assert training.digest == parent.data.tags["data.digest"]
    assert training.name == raw_cell.SPIKES
    source = mlflow.data.get_source(raw).to_dict()
    assert source["tags"]["mlflow.source.name"] == "dvc repro fetch@toy"
    columns = json.loads(raw.schema)["mlflow_colspec"]
    assert [each["name"] for each in columns] == ["a", "b", "label"]
    assert json.loads(raw.profile) == {
        "files": 4, "persons": 3, "recordings": 3, "hours": 0.008,
        "sfreq_hz": [250.0], "annotations": {"calm": 42, "busy": 21},
    }  # fmt: skip
    profile = json.loads(training.profile)
    assert profile["windows"] == 63
    assert profile["folds"]["3 test"] == 21
    assert profile["classes"] == {"calm": 42, "busy": 21}
    features = [e["name"] for e in json.loads(training.schema)["mlflow_colspec"]]
    assert features == ["a+", "a-", "b+", "b-", "label"]
    assert "r1" not in json.dumps([each.to_dictionary() for each in (raw, training)])


def test_every_run_says_where_it_comes_from(here: Path) -> None:
    parent, folds = runs()
    assert len(folds) == 2
    for run in (parent, *folds):
        tags = run.data.tags
        assert tags["raw.digest"] == origin_of(raw_cell.CELL).raw_digest
        assert tags["environment.python"].startswith("3.")


def test_a_run_is_traced_from_another_checkout(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the ID of the cell's run, or of a fold's."""
    parent, (fold, _) = runs()
    known = origin_of(raw_cell.CELL)
    store = tracking.store_uri()
    work_in(tmp_path, monkeypatch)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    for run in (parent, fold):
        assert origin_of(run.info.run_id) == known
    raw_cell.fetch({**raw_cell.RAW, "r2.dat": b"other"})
    with pytest.raises(DataError, match=r"data/raw/toy/r2\.dat"):
        trace_run(parent.info.run_id, Console(quiet=True))
    with pytest.raises(DataError, match="no origin of the run 0000"):
        origin_of("0" * 32)


def test_a_version_has_a_card_and_tags(here: Path) -> None:
    version = client().get_model_version(raw_cell.CELL, "1")
    parent, _ = runs()
    assert version.run_id == parent.info.run_id
    assert version.tags["run_key"] == parent.data.tags["run_key"]
    assert version.tags["raw.digest"] == parent.data.tags["raw.digest"]
    text = version.description
    for part in ("Model", "Data", "Persons", "Intended use", "Scores", "Input"):
        assert f"## {part}\n- " in text
    for words in (
        "# toy-code-net\n",
        "Toy: 0.01 h in 3 recordings of 2 channels at 250 Hz",
        "decisions: 42 calm and 21 busy hand",
        "Citation: nobody",
        "3. Nobody is both trained on and tested in a fold.",
        "no medical device",
        "calm: sensitivity 0.750 (0.625 to 0.875), positive predictivity 0.750",
        "busy: sensitivity 0.250, positive",
        "AUROC absent (one class)",
        "The commonest class alone: balanced accuracy 0.500",
        "The place in the recording alone: balanced accuracy 0.700 (0.600 to 0.800)",
        "a, b, at 250 Hz",
        "between calm (calm), busy (busy hand)",
        "The recordings are simulated",
        "Less than half is found of busy (25 %)",
        "Not shown to be better than the clock",
        "not calibrated",
        "network of fold 1",
    ):
        assert words in text
    assert not any(f"p{n}" in text or f"r{n}" in text for n in range(1, 5))


def test_promoting_again_registers_nothing(here: Path) -> None:
    assert promote_cell(raw_cell.CELL) == (raw_cell.CELL, 1)
    assert len(client().search_model_versions(f"name = '{raw_cell.CELL}'")) == 1


def test_a_model_that_answers_otherwise_is_not_registered(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = registry.find(TrainedCell.open(raw_cell.CELL))
    registry.check_answer(logged)
    monkeypatch.setattr(registry, "CLOSE", -1)
    with pytest.raises(DataError, match="answers its example by"):
        registry.check_answer(logged)


def test_an_answer_that_is_no_number_is_refused(here: Path) -> None:
    logged = registry.find(TrainedCell.open(raw_cell.CELL))
    example = logged.about["example"]
    expected = {**example["expected"], "p_busy": math.nan}
    about = {**logged.about, "example": {**example, "expected": expected}}
    with pytest.raises(DataError, match="answers its example by"):
        registry.check_answer(replace(logged, about=about))


@pytest.fixture
def cell(
    checkout: Path, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the cell, and a store without runs."""
    shutil.copytree(checkout / "data", tmp_path / "data")
    for name in ("dvc.lock", "params.yaml"):
        shutil.copy(checkout / name, tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    work_in(tmp_path, monkeypatch)
    lock._stages.cache_clear()
    return files.folder("runs", raw_cell.CELL)


def test_a_cell_that_is_not_profiled_gets_its_model_later(cell: Path) -> None:
    Path("data/traces").rename("traces")
    assert tracking.publish(raw_cell.CELL, "runs")
    assert "example.json" in runs()[0].data.tags["model.absent"]
    with pytest.raises(DataError, match=r"example\.json"):
        registry.find(TrainedCell.open(raw_cell.CELL))
    Path("traces").rename("data/traces")
    assert tracking.publish(raw_cell.CELL, "runs")
    tags = runs()[0].data.tags
    assert "logged.model" in tags
    assert "model.absent" not in tags


def test_an_oracle_has_no_model(cell: Path) -> None:
    run = files.load_json(cell / "run.json")
    run["settings"]["network"]["restart"] = "blocks"
    files.save_json(cell / "run.json", run)
    write_example(TrainedCell.open(raw_cell.CELL))
    with pytest.raises(DataError, match="given annotations, which no device has"):
        promote_cell(raw_cell.CELL)
    tags = runs()[0].data.tags
    assert "logged.model" not in tags
    assert "no device" in tags["model.absent"]


def test_a_cell_without_a_store_or_metrics_is_not_promoted(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_TRACKING", "off")
    with pytest.raises(MachineError, match="is not logged"):
        promote_cell(raw_cell.CELL)
    shutil.rmtree("data/metrics")
    with pytest.raises(DataError, match="has not been evaluated and profiled here"):
        promote_cell(raw_cell.CELL)


def test_a_run_with_other_weights_gets_a_version_of_its_own(cell: Path) -> None:
    """As when it was trained on another machine, with the same key."""
    assert promote_cell(raw_cell.CELL) == (raw_cell.CELL, 1)
    client().set_tag(runs()[0].info.run_id, "logged.model", "of other weights")
    assert promote_cell(raw_cell.CELL) == (raw_cell.CELL, 2)
    assert promote_cell(raw_cell.CELL) == (raw_cell.CELL, 2)
    newest = registry.find(TrainedCell.open(raw_cell.CELL)).uri
    version = client().get_model_version(raw_cell.CELL, "2")
    assert version.source == newest


def test_a_model_that_broke_off_gives_way(cell: Path) -> None:
    assert tracking.publish(raw_cell.CELL, "runs")
    parent, _ = runs()
    place, run_id = parent.info.experiment_id, parent.info.run_id
    client().create_logged_model(place, name="model", source_run_id=run_id)
    client().delete_tag(run_id, "logged.model")
    client().delete_tag(run_id, "logged.runs")
    assert len(client().search_logged_models([place])) == 2
    assert tracking.publish(raw_cell.CELL, "runs")
    statuses = {str(each.status) for each in client().search_logged_models([place])}
    assert statuses == {"READY"}


def test_raw_files_that_become_known_are_logged_later(cell: Path) -> None:
    """A stage that was started by hand, and then by DVC."""
    Path("dvc.lock").rename("kept.lock")
    assert tracking.publish(raw_cell.CELL, "runs")
    parent, _ = runs()
    tags = parent.data.tags
    assert "fetch@toy" in tags["raw.absent"]
    assert "raw.digest" not in tags
    assert [each.dataset.name for each in parent.inputs.dataset_inputs] == ["toy-code"]
    assert tracking.publish(raw_cell.CELL, "runs")
    assert runs()[0].data.tags == tags
    Path("kept.lock").rename("dvc.lock")
    assert tracking.publish(raw_cell.CELL, "runs")
    parent, _ = runs()
    tags = parent.data.tags
    assert tags["raw.digest"] == origin_of(raw_cell.CELL).raw_digest
    assert "raw.absent" not in tags
    names = sorted(each.dataset.name for each in parent.inputs.dataset_inputs)
    assert names == ["toy", "toy-code"]
