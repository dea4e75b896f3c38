"""A data set under pseudonyms, through all stages and DVC: no name, equal metrics."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline import config, entries, files, secret, tracking
from pipeline.sources.parts.walk import VARIABLE
from stages import Stage
from tests.fuzz import writing
from tests.fuzz.items import Mark
from tests.ingestion.test_pseudonyms import PLANTED, found_in

ROOT = Path(__file__).parents[2]
DVC = Path(sys.executable).with_name("dvc")
WARD = (
    "Novakova Zdenka",
    "Svobodova MRN4711",
    "Kralova",
    "Zdenka",
    "Novakova",
    "MRN4711",
)
DAYS = ("19610203", "19580711")
CHAIN = {
    "fetch": 1, "ingest": 1, "prepare": 1, "clock": 1, "encode": 2, "train": 3,
    "evaluate": 3,
}  # fmt: skip
LAST = {"profile": 3, "report": 0}
"""The stages, and how many of data set, encoder and model each is given."""
CELL = "ward-rate-linear"
PARAMS = """
seed: 1
on_bad_recording: raise
grid:
  dataset: [ward]
  encoder: [rate]
  model: [linear]
  audit: {dataset: [], encoder: [], model: []}
encoders: {rate: {name: rate, full_scale: 4.0}}
models: {linear: {network: {name: dense, units: [], bins: 4}, neuron: {name: relu}}}
training: {epochs: 1, windows_per_class: 16}
evaluation: {resamples: 100, confidence: 0.9}
profiling: {windows_per_fold: 4, latency_repeats: 1}
audit: {models: 8, draws: 5, dropout: 0.01}
datasets:
  ward:
    card: {title: A ward, modality: eeg, licence: none, citation: own}
    labels: [rest, task]
    source:
      name: folder
      path: $WARD
      pattern: "{subject}/{session}.edf"
      except: ["@$WARD/lists/left_out.txt"]
    reader: {name: mne}
    values: {label: {from: annotation, as: blocks, map: {rest: rest, task: task}}}
    signal: {l_freq: 1, h_freq: 40, scale: {tau_s: 5, floor: 1.0e-6}}
    windows: {kind: sliding, length_s: 1, step_s: 0.5}
    folds: {scheme: cross_subject, n_folds: 2}
"""


@dataclass(frozen=True)
class Machine:
    """A checkout with a secret of its own."""

    checkout: Path
    secret: Path

    def run(self, stage: str, n_axes: int) -> None:
        """Run a stage here, in this process."""
        module = import_module(f"stages.{stage}")
        names = dict(zip(entries.AXES, CELL.split("-")[:n_axes], strict=False))
        code = entries.code_path(stage, names)
        code.parent.mkdir(parents=True, exist_ok=True)
        files.save_json(code, {})
        module.main(Stage(stage, names, module.SECTIONS, config.read()))

    def command(self, *words: str) -> str:
        done = subprocess.run(
            words,
            cwd=self.checkout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def lay_out(ward: Path) -> None:
    """Write two sessions of each person, with who was recorded in the headers."""
    for place, who in enumerate(WARD):
        for number, day in enumerate(DAYS):
            rng = np.random.default_rng(10 * place + number)
            microvolts = 20 * rng.standard_normal((2, 1000))
            notes = [Mark(0, 5, "rest"), Mark(5, 5, "task"), Mark(9, 1, f"{who} moved")]
            content = writing.edf(["EEG C3", "EEG C4"], microvolts, 100, notes=notes)
            path = ward / who / f"{day}.edf"
            path.parent.mkdir(parents=True, exist_ok=True)
            patient = f"MRN4711 F 03-FEB-1961 {who.split()[0]}".ljust(80).encode()
            path.write_bytes(content[:8] + patient + content[88:])
    (ward / WARD[0] / "notes of Zdenka.txt").write_text("MRN4711")
    (ward / "lists").mkdir()
    (ward / "lists" / "left_out.txt").write_text("MRN4711\n")


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ward = tmp_path_factory.mktemp("Zdenka")
    lay_out(ward)
    return ward


def machine(folder: Path, ward: Path, patch: pytest.MonkeyPatch) -> Machine:
    """Make a checkout, run a stage after the other in it, and stay there."""
    checkout, own = folder / "checkout", folder / "own" / "key"
    checkout.mkdir(parents=True)
    patch.chdir(checkout)
    for name, value in {
        "WARD": str(ward), secret.VARIABLE: str(own), "BIOSPIKE_TRACKING": "off",
        "BIOSPIKE_WORKERS": "1", "DVC_ROOT": "",
    }.items():  # fmt: skip
        patch.setenv(name, value)
    Path("params.yaml").write_text(PARAMS)
    made = Machine(checkout, own)
    for stage, n_axes in CHAIN.items():
        made.run(stage, n_axes)
    return made


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def other(
    tmp_path_factory: pytest.TempPathFactory, ward: Path, patch: pytest.MonkeyPatch
) -> Machine:
    return machine(tmp_path_factory.mktemp("other"), ward, patch)


@pytest.fixture(scope="module")
def here(
    other: Machine,
    tmp_path_factory: pytest.TempPathFactory,
    ward: Path,
    patch: pytest.MonkeyPatch,
) -> Machine:
    """The machine in whose checkout the tests run, with all stages run."""
    made = machine(tmp_path_factory.mktemp("here"), ward, patch)
    for stage, n_axes in LAST.items():
        made.run(stage, n_axes)
    return made


def test_another_secret_gives_other_names_and_equal_results(
    here: Machine, other: Machine
) -> None:
    assert here.secret.read_text() != other.secret.read_text()
    tables = [
        files.load_table(m.checkout / "data/recordings/ward/recordings.parquet")
        for m in (here, other)
    ]
    assert not set(tables[0]["recording"]) & set(tables[1]["recording"])
    assert tables[0]["order"].tolist() == tables[1]["order"].tolist()
    same = (
        "metrics/ward-rate-linear.json",
        "metrics/ward-rate-linear/metrics.json",
        "clock/ward/clock.json",
        "windows/ward/folds.parquet",
        f"runs/{CELL}/history.csv",
    )
    for path in same:
        one, two = (m.checkout / "data" / path for m in (here, other))
        assert one.read_bytes() == two.read_bytes(), path
    drawn = [
        files.load_json(m.checkout / "data/encoding/ward-rate/summary.json")
        for m in (here, other)
    ]
    assert drawn[0]["events_per_s"] == drawn[1]["events_per_s"]


def test_no_output_holds_a_name(here: Machine) -> None:
    assert found_in(here.checkout / "data", leave_out=("raw", ".unfinished")) == []
    assert found_in(here.checkout / "data" / "raw")  # the search itself finds
    page = (here.checkout / "data/report/index.html").read_text()
    assert secret.PSEUDONYM.search(page)


@pytest.mark.filterwarnings("ignore")  # of MLflow
def test_the_store_of_mlflow_holds_no_name(
    here: Machine, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = here.checkout.parent / "store"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    monkeypatch.setenv("BIOSPIKE_TRACKING", "on")
    assert tracking.publish(CELL)
    assert b"ward-rate-linear" in (folder / "mlflow.db").read_bytes()
    assert found_in(folder) == []
    artifacts = here.checkout / "mlartifacts"
    assert found_in(artifacts) == []


def test_neither_the_lock_nor_what_is_pushed_holds_a_name(here: Machine) -> None:
    dvc = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())
    for name in ("code", "inventory"):
        del dvc["stages"][name]
    kinds = ("json", "secret.json", "folds.json")
    take_inventory(here.checkout, kinds)
    YAML().dump(dvc, here.checkout / "dvc.yaml")
    shutil.copy(ROOT / ".dvcignore", here.checkout)
    for name in ("checksums", "audits"):
        (here.checkout / "data" / name).mkdir(exist_ok=True)
    remote = here.checkout.parent / "remote"
    (here.checkout / ".dvc").mkdir()
    (here.checkout / ".dvc" / "config").write_text(
        f"[core]\nno_scm = true\nremote = loopback\n"
        f"['remote \"loopback\"']\nurl = {remote}\n"
    )
    here.command(str(DVC), "commit", "-q", "--force")
    here.command(str(DVC), "push", "-q")
    lock = here.checkout / "dvc.lock"
    assert "ingest@ward" in lock.read_text()
    assert not any(word in lock.read_text().lower() for word in PLANTED)
    pushed = [path for path in remote.rglob("*") if path.is_file()]
    assert len(pushed) > 20
    assert found_in(remote) == []
    assert found_in(here.checkout / ".dvc" / "cache") == []


def take_inventory(checkout: Path, kinds: tuple[str, ...]) -> None:
    """Run the stage `inventory` as DVC does."""
    listed = {
        "folders": {"ward": "$WARD"},
        "others": [],
        "pseudonyms": ["ward"],
        "sources": {"ward": ["$WARD/lists/left_out.txt"]},
    }
    (checkout / "data/code/folders.json").write_text(json.dumps(listed))
    (checkout / "dvc.yaml").touch()
    done = subprocess.run(
        [sys.executable, "-S", "-E", ROOT / "stages" / "inventory.py"],
        cwd=checkout,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    texts = [(checkout / "data/inventory" / f"ward.{k}").read_text() for k in kinds]
    assert all(texts)
    assert VARIABLE.search(texts[0])  # of the list's path, which params.yaml has too
