"""A cell's curves are in MLflow while it trains, and once when all is published."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
from filelock import FileLock

from pipeline import files, tracking, unfinished
from pipeline.tracking import following, live, view
from pipeline.training import progress

# MLflow and what it imports warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")

CELL = "ecg_demo-delta-lif"
RUN = {
    "run_key": "key",
    "dataset": "ecg_demo",
    "encoder": "delta",
    "model": "lif",
    "settings": {
        "seed": 1,
        "encoder": {"name": "delta"},
        "network": {"name": "dense"},
        "neuron": {"name": "leaky"},
    },
    "inputs": {},
}


@pytest.fixture
def client(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of a store without runs, in an empty checkout."""
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for name in ("MLFLOW_TRACKING_URI", "BIOSPIKE_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    return MlflowClient(tracking.store_uri())


def epoch(number: int) -> dict[str, Any]:
    return {"epoch": number, "train_loss": 1 / (number + 3), "layer_rates": (2.0,)}


def runs(client: Any) -> dict[str, Any]:
    """All runs by the last word of their names: the cell's, and the folds'."""
    place = client.get_experiment_by_name("ecg_demo").experiment_id
    found = client.search_runs([place])
    return {run.info.run_name.rpartition(" ")[2]: run for run in found}


def curve(client: Any, run: Any, name: str = "train/train_loss") -> list[float]:
    history = client.get_metric_history(run.info.run_id, name)
    return [point.value for point in history]


def test_epochs_appear_as_they_come_and_once(client: Any, tmp_path: Path) -> None:
    notes = [progress.Notes(tmp_path, fold) for fold in (0, 1)]
    logged: dict[int, int] = {}
    notes[0].begin()
    notes[0].epoch(epoch(0))
    begun = round(1000 * progress.read(tmp_path)[0].begun_s)
    live.update(client, CELL, RUN, progress.read(tmp_path), logged)
    found = runs(client)
    assert set(found) == {CELL, "0"}
    assert {run.info.status for run in found.values()} == {"RUNNING"}
    assert {run.info.start_time for run in found.values()} == {begun}
    assert found[CELL].data.tags["kind"] == view.CELL
    notes[0].epoch(epoch(1))
    notes[0].end()
    notes[1].begin()
    live.update(client, CELL, RUN, progress.read(tmp_path), logged)
    found = runs(client)
    # In the precision of history.csv, so that the report adds no other points.
    assert curve(client, found["0"]) == [0.333333, 0.25]
    assert curve(client, found["0"], "train/spike_rate_1") == [2, 2]
    assert [found[name].info.status for name in ("0", "1")] == ["FINISHED", "RUNNING"]


@pytest.mark.parametrize(
    ("ending", "status"), [(following.DONE, "FINISHED"), (b"", "KILLED")]
)
def test_a_run_ends_as_its_training_did(
    client: Any, tmp_path: Path, ending: bytes, status: str
) -> None:
    files.save_json(tmp_path / unfinished.NOTES / following.RUN, RUN)
    for fold in (0, 1):
        progress.Notes(tmp_path, fold).begin()
    progress.Notes(tmp_path, 0).end()
    reading, writing = os.pipe()
    os.write(writing, ending)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        live.follow(CELL, tmp_path, pipe)
    found = runs(client)
    assert found[CELL].info.status == status
    assert found["0"].info.status == "FINISHED"
    assert found["1"].info.status == status
    if status == "KILLED":  # and goes on
        live.update(client, CELL, RUN, progress.read(tmp_path), {})
        assert runs(client)[CELL].info.status == "RUNNING"


def test_a_run_that_is_deleted_meanwhile_is_made_again(
    client: Any, tmp_path: Path
) -> None:
    notes = progress.Notes(tmp_path, 0)
    notes.begin()
    logged: dict[int, int] = {}
    live.update(client, CELL, RUN, progress.read(tmp_path), logged)
    before = runs(client)[CELL].info.run_id
    client.delete_run(before)
    live.update(client, CELL, RUN, progress.read(tmp_path), logged)
    assert runs(client)[CELL].info.run_id != before


def test_a_store_that_another_process_holds_is_not_waited_for_without_end(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOCK_S", 0.01)
    monkeypatch.setattr(live, "EVERY_S", 0.01)
    files.save_json(tmp_path / unfinished.NOTES / following.RUN, RUN)
    progress.Notes(tmp_path, 0).begin()
    reading, writing = os.pipe()
    with (
        FileLock(tracking.store.home() / "mlflow.db.lock"),
        os.fdopen(reading, "rb") as pipe,
    ):
        ending = Timer(0.2, os.close, [writing])  # meanwhile it tries several times
        ending.start()
        live.follow(CELL, tmp_path, pipe)
    assert client.get_experiment_by_name("ecg_demo") is None
    live.update(client, CELL, RUN, progress.read(tmp_path), {})
    assert set(runs(client)) == {CELL, "0"}


@dataclass
class Beside:
    """A stand-in for the process beside: that it started, and what it read."""

    path: Path
    started: Event

    def start(self, cell: str, folder: Path) -> subprocess.Popen[bytes]:
        assert cell == CELL
        assert (folder / unfinished.NOTES / following.RUN).exists()
        keep = f"open({str(self.path)!r}, 'wb').write(sys.stdin.buffer.read())"
        command = [sys.executable, "-S", "-c", f"import sys; {keep}"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        self.started.set()
        return process


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Beside:
    """A process beside that starts at once."""
    process = Beside(tmp_path / "read", Event())
    monkeypatch.delenv("BIOSPIKE_TRACKING", raising=False)
    monkeypatch.setattr(following, "_start", process.start)
    monkeypatch.setattr(following, "AFTER_S", 0.0)
    return process


def test_the_process_beside_learns_that_training_is_done(
    beside: Beside, tmp_path: Path
) -> None:
    with following.following(CELL, RUN, tmp_path):
        assert beside.started.wait(20)
    assert beside.path.read_bytes() == following.DONE


def test_the_process_beside_learns_nothing_of_a_training_that_failed(
    beside: Beside, tmp_path: Path
) -> None:
    def fail() -> None:
        with following.following(CELL, RUN, tmp_path):
            assert beside.started.wait(20)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert beside.path.read_bytes() == b""


@pytest.mark.parametrize("tracking_is", ["off", "on"])
def test_no_process_starts_without_tracking_or_for_a_short_training(
    beside: Beside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracking_is: str
) -> None:
    monkeypatch.setattr(following, "AFTER_S", 60.0 if tracking_is == "on" else 0.0)
    monkeypatch.setenv("BIOSPIKE_TRACKING", tracking_is)
    with following.following(CELL, RUN, tmp_path):
        assert not beside.started.wait(0.05)
    assert (tmp_path / unfinished.NOTES).exists() is (tracking_is == "on")
