"""Each stage hands its settings on with its files, and takes earlier ones from them."""

from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline import config, entries, files, runs
from pipeline.card import Card
from pipeline.encoding.encode import Encoded
from pipeline.encoding.encode import encode as encode_one
from pipeline.encoding.measure import measure
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.found import Found
from pipeline.ingestion.reading import Intake
from pipeline.ingestion.recordings import Ingested
from pipeline.preparation.prepared import Prepared
from pipeline.signals import Signal
from pipeline.sources.base import Fetched
from pipeline.sources.synthetic_ecg import SyntheticEcg
from pipeline.training import train as training
from stages import Stage, encode, fetch, ingest, prepare, train

PARAMS = Path(__file__).parents[1] / "params.yaml"
NAMES = {"dataset": "ecg_demo", "encoder": "delta", "model": "lif"}
STAGES: dict[ModuleType, int] = {fetch: 1, ingest: 1, prepare: 1, encode: 2, train: 3}
"""How many of the names each has."""
OUTPUTS = {
    ingest: "data/recordings/ecg_demo",
    prepare: "data/signals/ecg_demo",
    encode: "data/spikes/ecg_demo-delta",
    train: "data/runs/ecg_demo-delta-lif",
}
WORKERS = {
    ingest: (ingest, "ingest"),
    prepare: (prepare, "prepare"),
    encode: (encode, "encode_dataset"),
    train: (training, "train"),
}
"""What does the work of a stage, and where it is looked up."""
WINDOWS = pd.DataFrame({"window": [0], "reason": "", "label": "N"})
SIGNAL = Signal(np.ones((1, 8), np.float32), 8.0, ("I",), ("1",), 0.0)
FOLDS = pd.DataFrame({"window": [0], "fold": 0, "role": "train"})

Calls = dict[str, dict[str, Any]]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """An empty checkout in which the work is quick; keeps what it was asked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_TRACKING", "off")
    asked: Calls = {}

    def fetched(self: SyntheticEcg, target: Path, *, seed: int) -> Fetched:
        asked["fetch"] = {"source": self, "seed": seed}
        return Fetched({"s01.hea": "12" * 32}, {"s02.hea": "not delivered"})

    def ingested(intake: Intake, raw: Path, target: Path, **more: Any) -> Ingested:
        asked["ingest"] = {"intake": intake, "raw": raw, **more}
        (target / "r1_raw.fif").write_text("recording")
        return Ingested([Row("r1", "s01")], Found(()), Counter())

    def prepared(
        dataset: str, signals: Path, tables: Path, **more: Any
    ) -> list[Prepared]:
        asked["prepare"] = more
        files.save_signal(signals / "r1.h5", SIGNAL)
        files.save_table(tables / "windows.parquet", WINDOWS)
        files.save_table(tables / "folds.parquet", FOLDS)
        return [Prepared("r1", 125.0, ("I",), WINDOWS, None, True)]

    def encoded(encoder: Any, target: Path, **more: Any) -> list[Encoded]:
        asked["encode"] = {"encoder": encoder, **more}
        spikes = encode_one(encoder, SIGNAL, np.random.default_rng(0))
        files.save_spikes(target / "r1.h5", spikes)
        return [Encoded("r1", True, measure(encoder, SIGNAL, spikes))]

    def trained(task: Any, folder: Path) -> list[dict[str, int]]:
        asked["train"] = vars(task)
        (folder / "fold-0.safetensors").write_text("weights")
        return [{"fold": 0, "epochs": 2}]

    monkeypatch.setattr(SyntheticEcg, "fetch", fetched)
    works = {ingest: ingested, prepare: prepared, encode: encoded, train: trained}
    for module, work in works.items():
        monkeypatch.setattr(*WORKERS[module], work)
    files.save_json(entries.code_path("train", NAMES), {"modules": {}})
    return asked


def params(**changes: Any) -> config.Params:
    return config.Params({**YAML(typ="safe").load(PARAMS), **changes})


def stage(module: ModuleType, params: config.Params) -> Stage:
    name = module.__name__.rpartition(".")[2]
    names = dict(list(NAMES.items())[: STAGES[module]])
    return Stage(name, names, module.SECTIONS, params, f"code of {name}")


def run(*modules: ModuleType, **changes: Any) -> None:
    for module in modules:
        module.main(stage(module, params(**changes)))


def settings(kind: str, name: str) -> dict[str, Any]:
    return files.load_json(files.folder(kind, name) / "settings.json")


def trained_run() -> dict[str, Any]:
    return files.load_json(files.folder("runs", "ecg_demo-delta-lif") / "run.json")


def test_a_run_holds_the_settings_of_all_stages(calls: Calls) -> None:
    run(*STAGES)
    found = trained_run()["settings"]
    asked = params()
    assert set(found) == {
        *("seed", "source", "on_bad_recording", "labels", "reader", "values"),
        *(
            "signal",
            "windows",
            "folds",
            "encoder",
            "network",
            "neuron",
            "sparsity",
            "privacy",
            "training",
        ),
    }
    assert found["seed"] == 20260101
    assert found["on_bad_recording"] == "raise"
    assert found["labels"] == ["N", "S", "V"]
    assert found["source"]["name"] == "synthetic_ecg"
    assert found["source"]["sfreq"] == 250  # a default
    assert found["encoder"] == {
        "name": "delta",
        "threshold": 0.5,
        "events_per_s": None,
        "adapt_s": 10.0,
    }
    for part in ("signal", "windows", "folds"):
        expected = asked.read(f"datasets.ecg_demo.{part}").model_dump(mode="json")
        assert found[part] == expected
    for part in ("network", "neuron"):
        assert runs.chosen(trained_run(), part) == asked.read(f"models.lif.{part}")
    sparsity = asked.read("models.lif.sparsity").model_dump(mode="json")
    assert found["sparsity"] == sparsity
    assert found["training"]["epochs"] == 2
    assert found["training"]["batch"] == 128  # a default


def test_settings_go_no_further_back_than_they_count(calls: Calls) -> None:
    run(*STAGES)
    ingested = {"seed", "source", "on_bad_recording", "labels", "reader", "values"}
    assert set(settings("recordings", "ecg_demo")) == ingested
    prepared = ingested | {"signal", "windows", "folds"}
    assert set(settings("windows", "ecg_demo")) == prepared
    assert set(settings("spikes", "ecg_demo-delta")) == {"encoder", "parts"}
    assert settings("spikes", "ecg_demo-delta")["parts"] == [["delta", 2]]
    assert calls["train"]["parts"] == (("delta", 2),)


def test_a_stage_works_by_the_settings_of_its_files(calls: Calls) -> None:
    """Whatever params.yaml has become since the files were made."""
    run(*STAGES)
    key = trained_run()["run_key"]
    sections = YAML(typ="safe").load(PARAMS)
    sections["datasets"]["ecg_demo"]["labels"] = ["V", "N"]
    changes = {"seed": 7, "datasets": sections["datasets"]}
    run(prepare, encode, train, **changes)
    for name in ("prepare", "train"):
        assert list(calls[name]["labels"]) == ["N", "S", "V"]
        assert calls[name]["seed"] == 20260101
    assert calls["encode"]["seed"] == 7  # draws by the seed itself
    assert trained_run()["labels"] == ["N", "S", "V"]
    assert trained_run()["run_key"] == key
    run(*STAGES, **changes)
    for name in ("prepare", "train"):
        assert list(calls[name]["labels"]) == ["V", "N"]
        assert calls[name]["seed"] == 7
    assert trained_run()["labels"] == ["V", "N"]
    assert trained_run()["run_key"] != key


def test_what_was_fetched_is_what_is_ingested(calls: Calls) -> None:
    run(fetch, ingest)
    assert calls["fetch"]["source"] == params().read("datasets.ecg_demo.source")
    found = calls["ingest"]
    assert found["raw"] == files.folder("raw", "ecg_demo")
    assert found["manifest"]["files"] == {"s01.hea": "12" * 32}
    assert found["manifest"]["absent"] == {"s02.hea": "not delivered"}
    assert found["manifest"]["pattern"] == ["{subject}.hea"]
    assert found["intake"].values == params().read("datasets.ecg_demo.values")


def test_longer_names_of_classes_stand_apart(calls: Calls) -> None:
    """A name that is mended trains nothing again."""
    sections = YAML(typ="safe").load(PARAMS)["datasets"]
    run(*STAGES)
    before = trained_run()
    sections["ecg_demo"]["labels"] = {"N": "normal", "S": "early", "V": "wide"}
    run(*STAGES, datasets=sections)
    assert trained_run() == before
    names = files.load_json(files.folder("recordings", "ecg_demo") / "labels.json")
    assert names == {"N": "normal", "S": "early", "V": "wide"}


def test_the_report_finds_a_card_of_the_data_set(calls: Calls) -> None:
    run(fetch)
    card = files.load_json(Path("data/cards/ecg_demo.json"))
    expected = params().read("datasets.ecg_demo.card")
    assert Card(**card) == expected
    assert card["home"] is None


@pytest.mark.parametrize("name", ["ingest", "prepare", "encode"])
def test_what_is_kept_depends_on_the_stages_code(calls: Calls, name: str) -> None:
    run(*STAGES)
    assert calls[name]["code"] == f"code of {name}"


def test_a_run_is_made_of_the_files_it_reads_and_of_its_code(calls: Calls) -> None:
    run(*STAGES)
    found = trained_run()
    windows = ("folds.parquet", "settings.json", "windows.parquet")
    assert set(found["inputs"]) == {
        "data/code/train/lif.json",
        "data/spikes/ecg_demo-delta/r1.h5",
        "data/spikes/ecg_demo-delta/settings.json",
        *(f"data/windows/ecg_demo/{name}" for name in windows),
    }
    assert calls["train"]["inputs"] == found["inputs"]
    assert found["run_key"] == runs.run_key(found["settings"], found["inputs"])
    files.save_json(entries.code_path("train", NAMES), {"modules": {"a": "b"}})
    run(train)
    assert trained_run()["run_key"] != found["run_key"]


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.name: path.read_bytes() for path in found}


@pytest.mark.parametrize("module", WORKERS, ids=lambda module: module.__name__)
def test_a_stage_that_fails_leaves_the_old_output(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    run(*STAGES)
    target = Path(OUTPUTS[module])
    before = contents(target)
    assert len(before) > 0
    work = getattr(*WORKERS[module])

    def fail(*given: Any, **more: Any) -> None:
        work(*given, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*WORKERS[module], fail)
        with pytest.raises(KeyboardInterrupt):
            run(module)
    assert contents(target) == before
    unfinished = files.UNFINISHED / target.relative_to(files.DATA)
    assert unfinished.is_dir()
    run(module)
    assert contents(target) == before
    assert not unfinished.exists()
