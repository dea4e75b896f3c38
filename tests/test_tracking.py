"""MLflow shows what the files hold, once."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import warnings
from contextlib import closing
from pathlib import Path
from threading import Timer

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from pipeline import files, runs, tracking
from pipeline.errors import DataError
from pipeline.measurement import measured
from pipeline.profiling.duty import duty
from pipeline.tracking import answering, view
from tests.privacy.made import GUARANTEE

# MLflow and what it imports warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")

CELL = "ecg_demo-delta-ann"
SHAPE = {"n_steps": 96, "n_features": 2, "n_classes": 3, "dt": 0.01}
LABELS = ["N", "S", "V"]


def work_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(folder)
    patch.setenv("DVC_ROOT", str(folder))
    for name in ("MLFLOW_TRACKING_URI", "BIOSPIKE_TRACKING"):
        patch.delenv(name, raising=False)
    answering.fault.cache_clear()
    tracking._report.cache_clear()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with no store."""
    work_in(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def cell(home: Path, empty_store: Path) -> Path:
    """A cell of two folds, trained, evaluated and profiled; a store without runs."""
    shutil.copy(empty_store, home / "mlflow.db")
    return write_cell(CELL)


@pytest.fixture(scope="module")
def checkout(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose cell is published."""
    folder = tmp_path_factory.mktemp("checkout")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work_in(folder, patch)
        shutil.copy(empty_store, folder / "mlflow.db")
        write_cell(CELL)
        assert tracking.publish(CELL)
    return folder


@pytest.fixture
def published(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cell of that checkout; to be looked at only."""
    work_in(checkout, monkeypatch)
    return files.folder("runs", CELL).resolve()


def write_cell(name: str) -> Path:
    folder = files.folder("runs", name)
    settings = {
        "seed": 1,
        "signal": {"sfreq": 100, "band": [0.5, 40]},
        "reader": {"name": "wfdb", "labels": {"N": "N", "/": "Q", "|": "Q"}},
        "network": {"name": "convolutional", "channels": [4, 4], "bins": 2},
        "neuron": {"name": "relu"},
    }
    inputs = {"data/spikes/ecg_demo-delta": "ab" * 32}
    quantized = {
        "validation_float32": 0.8,
        "validation_int8": 0.75,
        "fine_tuned": True,
    }
    summary = {"epochs": 3, "best_epoch": 2, "n_train": 100, "parameters": 321}
    summary |= {"quantized": quantized}
    run = {
        "run_key": runs.run_key(settings, inputs),
        "dataset": "ecg_demo",
        "encoder": "delta",
        "model": "ann",
        "labels": LABELS,
        "n_folds": 2,
        "settings": settings,
        "inputs": inputs,
        "folds": [{"fold": k, **summary, "privacy": GUARANTEE} for k in range(2)],
    }
    files.save_json(folder / "run.json", run)
    rows = [(k, e, 1 / (e + 1), None, 0.5, k, 8.0) for k in range(2) for e in range(3)]
    columns = ["fold", "epoch", "train_loss", "spike_rate"]
    columns += ["gradient_norm", "skipped", "spike_rate_1"]
    files.save_csv(folder / "history.csv", pd.DataFrame(rows, columns=columns))
    files.save_table(folder / "learned.parquet", learned_table())
    for fold in range(2):
        write_weights(folder / f"fold-{fold}.safetensors", fold)
    estimate = {"value": 0.8, "low": 0.7, "high": 0.9}
    nothing = {"value": None, "low": None, "high": None, "reason": "absent"}
    overall = dict.fromkeys(("balanced_accuracy", "macro_f1", "accuracy"), estimate)
    rounded = {"value": 0.78, "low": 0.68, "high": 0.88}
    metrics = {
        **overall,
        "int8": dict.fromkeys(overall, rounded),
        "auroc": nothing,
        "prior": {"value": 0.25, "low": None, "high": None},
        "clock": {
            "linear": {"value": 0.5, "low": 0.4, "high": 0.6},
            "trees": {"value": 0.75, "low": 0.65, "high": 0.85},
            "best": "trees",
            "difference": 0.05,
            "p": 0.375,
            "subjects": 9,
            "near": True,
        },
        "classes": {
            "N": dict.fromkeys(
                ("sensitivity", "positive_predictivity", "f1", "auroc"), estimate
            )
        },
        "interval": {"method": "BCa", "resamples": 100, "confidence": 0.95},
        "encoding": {
            "events_per_s": 23.5,
            "snr_db": None,
            "snr_absent": {"no waveform": 2},
            "operations_per_s": {"addition": 600.0},
        },
        "folds": [{"fold": k, "windows": 9, "accuracy": 0.5} for k in range(2)],
    }
    files.save_json(files.folder("metrics", name) / "metrics.json", metrics)
    write_encoding()
    counted = {"per_window": {"effective_acs": 12.5}, "footprint_bytes": 100}
    table = {"energy_uj_per_window": 0.25, "source": "Horowitz"}
    loihi = {"absent": "graded values", "source": "Davies"}
    integers = {
        "counted": {"per_window": {"effective_acs": 11.5}, "footprint_bytes": 25},
        "estimated": {
            runs.INT8_HEADLINE: {"energy_uj_per_window": 0.125},
            "horowitz_45nm_int8": {"energy_uj_per_window": 0.0625},
            "loihi": loihi,
        },
    }
    bill = {
        "counted": counted,
        "estimated": {runs.HEADLINE: table},
        "int8": integers,
        "duty": duty(0.125e-6, 1e-9, 2.0),
    }
    files.save_json(files.folder("energy", name) / "energy.json", bill)
    measured.add(name, run["run_key"], MEASURED)
    return folder


def write_encoding() -> None:
    folder = files.folder("encoding", "ecg_demo-delta")
    row = {"time_s": [0.0, 1.0], "signal": [1.0, 2.0], "decoded": [1.0, 2.0]}
    files.save_table(folder / "excerpt.parquet", pd.DataFrame(row | {"I+": [True] * 2}))
    files.save_json(folder / "summary.json", {"excerpt": {"channel": "I"}})


MEASURED = {
    "latency": {"median_ms_per_window": 1.5},
    "meters": {"rapl": {"absent": "no powercap"}},
    "machine": {"processor": "some"},
}


def learned_table() -> pd.DataFrame:
    """Three values a fold and epoch: 1, 2, 3 times the epoch and the fold's number."""
    rows = [
        (fold, epoch, epoch == 1, 1, "1.neurons", "tau_mem_s", str(k), value)
        for fold in range(2)
        for epoch in range(3)
        for k in range(3)
        for value in [np.float32((k + 1) * (epoch + 1) * (fold + 1))]
    ]
    names = ["fold", "epoch", "kept", "layer", "module", "quantity", "place", "value"]
    return pd.DataFrame(rows, columns=names)


def write_weights(path: Path, fold: int) -> None:
    import torch

    network = build(fold)
    meta = {"shape": SHAPE, "labels": LABELS, "fold": fold}
    files.save_weights(path, network.state_dict(), meta=meta)
    assert isinstance(network, torch.nn.Module)


def build(fold: int):
    import torch

    from pipeline.components import find
    from pipeline.networks.base import Shape

    settings = {"channels": [4, 4], "bins": 2}
    network = find("networks", "convolutional").model_validate(settings)
    with torch.random.fork_rng():
        torch.manual_seed(fold)
        return network.build(Shape(**SHAPE), find("neurons", "relu")()).eval()


def client():
    from mlflow import MlflowClient

    return MlflowClient(tracking.store_uri())


def all_runs(name: str = "ecg_demo") -> list:
    store = client()
    experiment = store.get_experiment_by_name(name)
    return list(store.search_runs([experiment.experiment_id]))


def parent_run():
    """The run of the cell, whose children are its folds."""
    (parent,) = [run for run in all_runs() if "run_key" in run.data.tags]
    return parent


def test_one_row_holds_all_three_stages(published: Path) -> None:
    found, parent = all_runs(), parent_run()
    key = files.load_json(published / "run.json")["run_key"]
    assert parent.data.tags["run_key"] == key
    assert parent.info.run_name == CELL
    assert parent.info.status == "FINISHED"
    assert parent.data.params == {
        "seed": "1",
        "network.name": "convolutional",
        "network.channels": "[4, 4]",
        "network.bins": "2",
        "neuron.name": "relu",
    }
    metrics = parent.data.metrics
    headlines = {name: metrics[name] for name in view.HEADLINES}
    assert headlines == {
        "balanced_accuracy": 0.8,
        "low": 0.7,
        "high": 0.9,
        "clock": 0.75,
        "int8": 0.78,
        "macro_f1": 0.8,
        "uj": 0.25,
        "int8_uj": 0.125,
    }
    assert next(iter(metrics)) == "balanced_accuracy"  # a comparison opens on it
    assert metrics["privacy/epsilon"] == GUARANTEE["epsilon"]
    assert metrics["privacy/delta"] == GUARANTEE["delta"]
    assert metrics["test/sensitivity.N"] == 0.8
    assert "test/auroc" not in metrics
    assert metrics["synops/effective_acs"] == 12.5
    assert metrics["measured/latency.median_ms_per_window"] == 1.5
    assert not any("rapl" in name for name in metrics)
    coded = {k: v for k, v in metrics.items() if k.startswith("encoding/")}
    assert coded == {
        "encoding/events_per_s": 23.5,
        "encoding/operations_per_s.addition": 600,
    }
    (picture,) = client().list_artifacts(parent.info.run_id, "encoding")
    assert picture.path == "encoding/excerpt.svg"
    assert parent.data.tags["evaluation.resamples"] == "100"
    assert parent.inputs.dataset_inputs[0].dataset.name == "ecg_demo-delta"
    children = [run for run in found if run.info.run_id != parent.info.run_id]
    assert {run.data.tags["fold"] for run in children} == {"0", "1"}
    for child in children:
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.metrics["train/parameters"] == 321
        assert child.data.metrics["train/privacy.noise"] == GUARANTEE["noise"]
        curve = client().get_metric_history(child.info.run_id, "train/train_loss")
        assert [point.step for point in curve] == [0, 1, 2]
        fold = float(child.data.tags["fold"])
        for name, value in {
            "gradient_norm": 0.5,
            "skipped": fold,
            "spike_rate_1": 8,
        }.items():
            history = client().get_metric_history(child.info.run_id, f"train/{name}")
            assert [point.value for point in history] == [value] * 3


def logged(*kinds: str) -> dict[str, float]:
    """Publish these files of the cell; gives the metrics of its run."""
    assert tracking.publish(CELL, *kinds)
    metrics: dict[str, float] = parent_run().data.metrics
    return metrics


def test_what_is_measured_later_joins_the_run(cell: Path) -> None:
    """Also when the bill is as it was; what another run took is not this one's."""
    assert logged("energy")["measured/latency.median_ms_per_window"] == 1.5
    key = files.load_json(cell / "run.json")["run_key"]
    spent = {"meters": {"nvml": {"energy_j_per_window": 0.25}}}
    measured.add(CELL, "another run", spent)
    assert not any("nvml" in name for name in logged("energy"))
    measured.add(CELL, key, spent)
    metrics = logged("energy")
    assert metrics["measured/meters.nvml.energy_j_per_window"] == 0.25
    assert metrics["measured/latency.median_ms_per_window"] == 1.5
    parent = parent_run()
    assert parent.data.tags["machine.processor"] == "some"
    path = client().download_artifacts(parent.info.run_id, "energy/measured.json")
    kept = json.loads(Path(path).read_text())
    assert kept["meters"] == spent["meters"]
    assert kept["latency"] == MEASURED["latency"]


def test_a_cell_that_was_not_measured_logs_no_measurement(cell: Path) -> None:
    key = files.load_json(cell / "run.json")["run_key"]
    measured.path(CELL, key).unlink()
    metrics = logged("energy")
    assert metrics["uj"] == 0.25
    assert not any(name.startswith("measured/") for name in metrics)
    parent = parent_run()
    kept = client().list_artifacts(parent.info.run_id, "energy")
    assert [item.path for item in kept] == ["energy/energy.json"]


def test_the_network_in_integers_stands_beside(published: Path) -> None:
    metrics = parent_run().data.metrics
    assert metrics["test/int8_low"] == 0.68
    assert metrics["test/int8_high"] == 0.88
    assert metrics["energy/horowitz_45nm_int8"] == 0.0625
    # Headlines have a name already, and what is absent has no number.
    assert not {f"energy/{name}" for name in (runs.HEADLINE, "loihi")} & set(metrics)
    assert metrics["synops_int8/effective_acs"] == 11.5
    assert metrics["synops/effective_acs"] == 12.5
    assert metrics["synops_int8/footprint_bytes"] == 25
    assert metrics["duty/windows_per_s"] == 2
    assert metrics["duty/average_w"] == pytest.approx(1e-9 + 2 * 0.125e-6)
    assert metrics["duty/battery_days"] > 0
    assert not any(name.startswith("cutoff/") for name in metrics)


def test_what_needs_no_signal_stands_beside(published: Path) -> None:
    metrics = parent_run().data.metrics
    assert metrics["test/prior"] == 0.25
    assert metrics["clock"] == 0.75
    assert metrics["test/clock_difference"] == 0.05
    assert metrics["test/clock_p"] == 0.375
    parent = parent_run()
    assert parent.data.tags["clock.near"] == "true"
    assert parent.data.tags["clock.best"] == "trees"


def test_a_fold_reports_what_rounding_cost(published: Path) -> None:
    (child,) = [run for run in all_runs() if run.data.tags.get("fold") == "0"]
    assert child.data.metrics["train/quantized.validation_float32"] == 0.8
    assert child.data.metrics["train/quantized.validation_int8"] == 0.75
    assert child.data.metrics["train/parameters"] == 321


def test_a_cell_without_integers_logs_none(cell: Path) -> None:
    path = files.folder("energy", CELL) / "energy.json"
    bill = files.load_json(path) | {"int8": {"absent": "exponentials"}}
    del bill["duty"]
    files.save_json(path, bill)
    path = files.folder("metrics", CELL) / "metrics.json"
    metrics = files.load_json(path)
    del metrics["int8"]
    files.save_json(path, metrics)
    names = logged("metrics", "energy")
    assert names["uj"] == 0.25
    assert not any("int8" in name or "duty" in name for name in names)


@pytest.mark.parametrize("table", [runs.INT8_HEADLINE, "horowitz_45nm_fp32"])
def test_a_cutoff_is_logged_with_its_int8_energy(cell: Path, table: str) -> None:
    path = files.folder("energy", CELL) / "energy.json"
    cut = {
        "steps_share": 0.5,
        "balanced_accuracy": {"with": 0.7, "without": 0.75},
        "estimated": {
            "with": {table: {"energy_uj_per_window": 0.03}},
            "without": {table: {"energy_uj_per_window": 0.06}},
        },
    }
    files.save_json(path, files.load_json(path) | {"cutoff": cut})
    metrics = {k: v for k, v in logged("energy").items() if k.startswith("cutoff/")}
    energy = {"cutoff/int8_uj_per_window": 0.03}
    assert metrics == {
        "cutoff/steps_share": 0.5,
        "cutoff/balanced_accuracy": 0.7,
        **(energy if table == runs.INT8_HEADLINE else {}),
    }


def test_what_neurons_learned_is_curves_and_pictures(cell: Path) -> None:
    single = {"w": np.nan, "next_w": np.nan, "u": [0.0, 1.0], "next_u": [0.0, 0.5]}
    portraits = [
        pd.DataFrame({"fold": 0, "layer": 1, "when": w, "quantile": q, **single})
        for w in ("start", "learned")
        for q in (0.25, 0.5, 0.75)
    ]
    files.save_table(cell / "portraits.parquet", pd.concat(portraits))
    tracking.publish(CELL, "runs")
    found = all_runs()
    (child,) = [run for run in found if run.data.tags.get("fold") == "1"]
    for suffix, factor in (("", 4), (".p25", 3), (".p75", 5)):
        name = f"learned/layer1.tau_mem_s{suffix}"
        curve = client().get_metric_history(child.info.run_id, name)
        assert [point.step for point in curve] == [0, 1, 2]
        assert [point.value for point in curve] == [factor, 2 * factor, 3 * factor]
    parent = parent_run()
    kept = [item.path for item in client().list_artifacts(parent.info.run_id, "runs")]
    assert {"runs/learned.parquet", "runs/portraits.parquet"} < set(kept)
    pictures = client().list_artifacts(parent.info.run_id, "dynamics")
    names = {Path(item.path).stem for item in pictures}
    assert names == {"time_constants", "maps", "courses"}
    path = client().download_artifacts(parent.info.run_id, "dynamics/maps.svg")
    assert "</svg>" in Path(path).read_text()


def test_a_cell_without_learned_dynamics_logs_none(cell: Path) -> None:
    (cell / "learned.parquet").unlink()
    assert tracking.publish(CELL, "runs")
    assert not any(
        "learned/" in name for run in all_runs() for name in run.data.metrics
    )
    parent = parent_run()
    assert not client().list_artifacts(parent.info.run_id, "dynamics")


def write_plasticity(folder: Path) -> None:
    """Two folds of 4 units: at snapshot k and in fold f, unit u fires at u + k + f."""
    rows = [(fold, 30 * k, 5.0 * k) for fold in range(2) for k in range(3)]
    shared = pd.DataFrame(rows, columns=["fold", "windows", "learned_s"])
    low = np.linspace(0, 0.95, 20)
    bins = pd.DataFrame({"low": low, "high": low + 0.05, "share": 0.05})
    files.save_table(folder / "weights.parquet", shared.merge(bins, how="cross"))
    units = shared.merge(pd.DataFrame({"unit": range(4)}), how="cross")
    units["rate_hz"] = units["unit"] + units["windows"] / 30 + units["fold"]
    units.loc[units["windows"] == 0, "rate_hz"] = np.nan
    units["threshold"] = 1 + units["windows"] / 60
    files.save_table(folder / "units.parquet", units)
    weight = {"feature": "MLII+", "delay_s": 0.0, "start": 0.5, "weight": 1.0}
    fields = units[["fold", "unit"]].drop_duplicates().assign(**weight)
    files.save_table(folder / "fields.parquet", fields)


def test_what_synapses_learned_is_curves_and_pictures(cell: Path) -> None:
    write_plasticity(cell)
    tracking.publish(CELL, "runs")
    found = all_runs()
    (child,) = [run for run in found if run.data.tags.get("fold") == "1"]
    expected = {
        "share_below_0.1": [0.1, 0.1, 0.1],
        "share_above_0.9": [0.1, 0.1, 0.1],
        "rate_hz.p25": [2.75, 3.75],
        "rate_hz": [3.5, 4.5],
        "rate_hz.p75": [4.25, 5.25],
        "threshold": [1.0, 1.5, 2.0],
    }
    for name, values in expected.items():
        curve = client().get_metric_history(child.info.run_id, f"plasticity/{name}")
        # Before learning there is no rate.
        assert [point.step for point in curve] == [0, 1, 2][-len(values) :]
        assert [point.value for point in curve] == pytest.approx(values)
    parent = parent_run()
    kept = [item.path for item in client().list_artifacts(parent.info.run_id, "runs")]
    assert {f"runs/{name}.parquet" for name in ("weights", "units", "fields")} < set(
        kept
    )
    pictures = client().list_artifacts(parent.info.run_id, "plasticity")
    names = {item.path for item in pictures}
    assert names == {
        f"plasticity/{name}.svg" for name in ("fields", "weights", "homeostasis")
    }


def test_the_bill_of_learning_is_metrics_and_a_picture(cell: Path) -> None:
    path = files.folder("energy", CELL) / "energy.json"
    words = {"weight_words_read": 96.5, "weight_words_written": 40.0}
    schemes = {
        "dense": words | {"row_bursts": 64.0},
        "two_tables": words | {"index_words_read": 7.25},
    }
    bill = files.load_json(path) | {"learning": {"per_step": schemes}}
    files.save_json(path, bill)
    tracking.publish(CELL, "energy")
    parent = parent_run()
    metrics = {
        k: v for k, v in parent.data.metrics.items() if k.startswith("learning/")
    }
    assert metrics == {
        "learning/dense.weight_words_read": 96.5,
        "learning/dense.weight_words_written": 40.0,
        "learning/two_tables.weight_words_read": 96.5,
        "learning/two_tables.weight_words_written": 40.0,
        "learning/two_tables.index_words_read": 7.25,
    }
    (picture,) = client().list_artifacts(parent.info.run_id, "plasticity")
    assert picture.path == "plasticity/accesses.svg"


def test_a_cell_that_does_not_learn_locally_logs_nothing_of_it(published: Path) -> None:
    names = [name for run in all_runs() for name in run.data.metrics]
    assert not any(name.startswith(("plasticity/", "learning/")) for name in names)
    parent = parent_run()
    assert not client().list_artifacts(parent.info.run_id, "plasticity")


def test_a_run_has_the_times_of_its_training(cell: Path) -> None:
    key = files.load_json(cell / "run.json")["run_key"]
    folds = {str(k): {"begun_s": 10.0 + k, "ended_s": 20.5 + k} for k in range(2)}
    times = {"begun_s": 10.0, "ended_s": 21.5, "folds": folds}
    measured.save_times(CELL, key, times)
    tracking.publish(CELL)
    found = {run.data.tags.get("fold"): run.info for run in all_runs()}
    assert {k: (each.start_time, each.end_time) for k, each in found.items()} == {
        None: (10_000, 21_500),
        "0": (10_000, 20_500),
        "1": (11_000, 21_500),
    }
    assert parent_run().data.tags["time.kind"] == "of training"


def test_without_them_a_run_states_that_its_times_are_others(published: Path) -> None:
    assert parent_run().data.tags["time.kind"] == "of publication"


def write_report(run_key: str, text: str) -> None:
    about = {"cells": [{"run": {"run_key": run_key}}]}
    files.save_json(files.DATA / "report" / "details.json", about)
    (files.DATA / "report" / "index.html").write_text(text)


def test_the_report_lies_beside_the_cells_that_it_is_about(cell: Path) -> None:
    key = files.load_json(cell / "run.json")["run_key"]
    write_report("another run", "of others")
    tracking.publish(CELL, "metrics")
    assert view.NOTE not in parent_run().data.tags
    for text in ("first", "second"):
        write_report(key, text)
        tracking.publish(CELL, "metrics")
    (report,) = [run for run in all_runs() if run.data.tags.get("kind") == "report"]
    assert report.info.status == "FINISHED"
    path = client().download_artifacts(report.info.run_id, "index.html")
    assert Path(path).read_text() == "second"
    place = f"{report.info.experiment_id}/runs/{report.info.run_id}"
    note = f"[The report](#/experiments/{place}/artifacts/index.html)"
    assert parent_run().data.tags[view.NOTE] == note
    # A person's own note stays.
    client().set_tag(parent_run().info.run_id, view.NOTE, "mine")
    tracking.publish(CELL, "metrics")
    assert parent_run().data.tags[view.NOTE] == "mine"


def test_publishing_again_adds_nothing(cell: Path) -> None:
    tracking.publish(CELL)
    before = {run.info.run_id: run.to_dictionary() for run in all_runs()}
    tracking.publish(CELL)
    assert {run.info.run_id: run.to_dictionary() for run in all_runs()} == before


def test_a_publish_that_broke_off_is_caught_up(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.tracking.cells.log_params", refuse)
        assert not tracking.publish(CELL)
    assert tracking.publish(CELL)
    parent = parent_run()
    assert parent.data.params["seed"] == "1"
    assert parent.inputs.dataset_inputs


def test_what_broke_off_late_is_not_logged_twice(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the store fails once all is logged but that it is."""
    from mlflow import MlflowClient

    def refuse(self: MlflowClient, run_id: str, key: str, value: str) -> None:
        if key != "logged.runs":
            return set_tag(self, run_id, key, value)
        raise OSError("cut off")

    set_tag = MlflowClient.set_tag
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_tag", refuse)
        assert not tracking.publish(CELL)
    assert tracking.publish(CELL)
    assert len(all_runs()) == 3
    (child,) = [run for run in all_runs() if run.data.tags.get("fold") == "1"]
    for name, steps in (("train/train_loss", [0, 1, 2]), ("train/parameters", [0])):
        points = client().get_metric_history(child.info.run_id, name)
        assert [point.step for point in points] == steps


def test_a_deleted_experiment_comes_back(
    cell: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tracking.publish(CELL, "metrics")
    place = client().get_experiment_by_name("ecg_demo").experiment_id
    client().delete_experiment(place)
    assert tracking.publish(CELL, "metrics")
    assert "ecg_demo had been deleted" in capsys.readouterr().err
    assert len([run for run in all_runs() if "run_key" in run.data.tags]) == 1


def test_a_lock_that_another_holds_is_named_once(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracking, "SILENT_S", 0.0)
    monkeypatch.setattr(tracking, "LOCK_S", 0.1)
    with FileLock(cell.parents[2] / "mlflow.db.lock"):
        assert not tracking.publish(CELL)
        assert not tracking.publish(CELL)
    printed = capsys.readouterr().err
    assert printed.count("another process holds") == 1
    assert printed.count("while another process logs") == 2
    assert printed.count("\n") == 3
    assert "mlflow.db.lock" in printed


def test_a_lock_is_waited_for_while_another_logs(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracking, "SILENT_S", 0.0)
    lock = FileLock(cell.parents[2] / "mlflow.db.lock", thread_local=False)
    lock.acquire()
    other = Timer(0.3, lock.release)
    other.start()
    assert tracking.publish(CELL, "runs")
    other.join()
    assert f"{CELL} waits while another process logs" in capsys.readouterr().err


def test_what_a_queued_experiment_could_not_log_is_applied_first(
    home: Path,
    cell: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its folder is thrown away when it ends."""
    queued = home / ".dvc" / "tmp" / "exps" / "tmp1"
    shutil.copytree(home / "data", queued / "data")
    work_in(queued, monkeypatch)
    monkeypatch.setattr(tracking, "SILENT_S", 0.0)
    monkeypatch.setattr(tracking, "LOCK_S", 0.1)
    with FileLock(home / "mlflow.db.lock"):
        assert not tracking.publish(CELL)
    assert "after `dvc exp apply`, `biospike publish` logs" in capsys.readouterr().err


def test_a_store_that_is_locked_meanwhile_is_not_waited_for(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """MLflow alone waits 20 s at each step; the store had answered before."""
    answering.fault(tracking.store_uri())
    with closing(
        sqlite3.connect(cell.parents[2] / "mlflow.db", isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        assert not tracking.publish(CELL)
    assert time.monotonic() - begun < 10
    printed = capsys.readouterr().err
    assert "(database is locked)" in printed
    assert "Traceback" not in printed


def test_a_later_stage_joins_the_run(cell: Path) -> None:
    tracking.publish(CELL, "runs")
    parent = parent_run()
    assert "balanced_accuracy" not in parent.data.metrics
    n_runs = len(all_runs())
    tracking.publish(CELL, "runs", "metrics")
    assert len(all_runs()) == n_runs
    parent = parent_run()
    assert parent.data.metrics["balanced_accuracy"] == 0.8
    assert "uj" not in parent.data.metrics


def test_the_store_lies_in_the_checkout_that_dvc_names(
    cell: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = home / "checkout"
    checkout.mkdir()
    (home / "mlflow.db").rename(checkout / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(checkout))
    tracking.publish(CELL)
    assert (checkout / "mlflow.db").exists()
    assert (checkout / "mlartifacts" / "ecg_demo").is_dir()
    assert not (home / "mlflow.db").exists()
    assert not (home / "mlruns").exists()


def test_a_dead_server_costs_no_result(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    begun = time.monotonic()
    assert not tracking.publish(CELL)
    assert not tracking.publish(CELL)
    assert time.monotonic() - begun < 10
    assert capsys.readouterr().err.count("biospike publish") == 1


def test_off_means_that_mlflow_is_not_imported(cell: Path) -> None:
    code = (
        "import sys; from pipeline import tracking; "
        f"assert not tracking.publish({CELL!r}); assert 'mlflow' not in sys.modules"
    )
    run_python(code, BIOSPIKE_TRACKING="off").wait()


def test_a_cell_that_was_not_trained_is_refused(home: Path) -> None:
    with pytest.raises(DataError, match=r"run\.json"):
        tracking.publish("ecg_demo-delta-lif")


def test_two_processes_may_make_the_store_at_once(home: Path) -> None:
    other = "ecg_demo-delta-ann2"
    write_cell(CELL)
    write_cell(other)
    run = files.load_json(files.folder("runs", other) / "run.json")
    files.save_json(
        files.folder("runs", other) / "run.json", {**run, "run_key": "another"}
    )
    assert run_python(BOTH_AT_ONCE.format(cells=(CELL, other))).wait() == 0
    assert len([run for run in all_runs() if "run_key" in run.data.tags]) == 2


BOTH_AT_ONCE = """
import os
from pipeline import tracking
from pipeline.tracking import cells  # and MLflow, once for both
from mlflow.store.tracking import sqlalchemy_store
begin, go = os.pipe()
for cell in {cells}:
    if not os.fork():
        os.close(go)
        os.read(begin, 1)
        os._exit(not tracking.publish(cell, 'metrics'))
os.close(go)
found = [os.wait()[1] for _ in {cells}]
assert found == [0, 0], found
"""


def run_python(code: str, **environment: str) -> subprocess.Popen[bytes]:
    root = str(Path(tracking.__file__).parents[2])
    everything = {**os.environ, "PYTHONPATH": root, **environment}
    return subprocess.Popen([sys.executable, "-c", code], env=everything)


def test_run_key_depends_on_everything_and_on_nothing_else() -> None:
    given = ({"seed": 1}, {"a": "x"})
    assert runs.run_key(*given) == runs.run_key(*json.loads(json.dumps(given)))
    others = [({"seed": 2}, {"a": "x"}), ({"seed": 1}, {"a": "y"}), ({}, given[1])]
    assert len({runs.run_key(*each) for each in (given, *others)}) == 4


def test_flatten() -> None:
    tree = {"a": {"b": 1, "c": {"d": [2]}}, "e": None}
    assert runs.flatten(tree) == {"a.b": 1, "a.c.d": [2], "e": None}
