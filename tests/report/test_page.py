"""The report of a small made-up grid."""

import base64
import json
import re
import shutil
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from pipeline import config, files, spikes
from pipeline.errors import DataError
from pipeline.evaluation.clock import TITLES, Clock, measure, without_signal
from pipeline.evaluation.evaluate import EvaluationSettings, evaluate, evaluate_pooled
from pipeline.evaluation.lead import lead
from pipeline.measurement import measured
from pipeline.privacy.results import save_codes
from pipeline.profiling.duty import duty
from pipeline.report import clock as pages
from pipeline.report import (
    decisions,
    explained,
    figures,
    findings,
    privacy,
    provenance,
    sections,
    tradeoffs,
)
from pipeline.report import page as report
from pipeline.signals import Signal
from tests.privacy.made import CODES, GUARANTEE, RANDOM

LABELS = ["N", "S", "V"]
CHANNELS = ("MLII", "V1")
QUICK = EvaluationSettings(resamples=300)
CELLS = [("ecg_demo", "delta", "lif"), ("ecg_demo", "delta", "ann")]
CARDS = {
    "ecg_demo": {
        "title": "Simulated ECG",
        "modality": "ecg",
        "home": None,
        "licence": "CC0",
        "citation": "Nobody, Journal of <Nothing>, 2026",
    }
}
RUN_KEY = "ab" * 32
ENCODING = {
    "events_per_s": 23.45,
    "sparsity": 0.876,
    "snr_db": 12.34,
    "snr_db_lowest": -1.25,
    "snr_channels": 11,
    "snr_absent": {"the signal does not change": 1},
    "aer_ratio": 0.0567,
    "packed_ratio": 0.125,
    "operations_per_s": {"addition": 600.0},
}
RATE = 100.0
N_SUBJECTS = 6


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files that the report reads, for two models of one data set."""
    folder = tmp_path_factory.mktemp("grid")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_recordings()
        write_signals()
        write_encoding()
        write_clock()
        for names, skill in zip(CELLS, (1.5, 2.5), strict=True):
            write_cell(names, skill)
    return folder


@pytest.fixture
def grid(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of these files."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def reported(
    written: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """These files with their report, and what was found for it, as JSON."""
    folder = tmp_path_factory.mktemp("reported")
    shutil.copytree(written, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, json.dumps(make())


@pytest.fixture
def report_of(
    reported: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the files with their report."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(reported[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def details(reported: tuple[Path, str], report_of: Path) -> dict[str, Any]:
    """What was found for the report."""
    found: dict[str, Any] = json.loads(reported[1])
    return found


def write_recordings() -> None:
    rows = [
        {
            "recording": f"r{k}",
            "subject": f"s{k}",
            "session": "",
            "numbers": files.dump_json({"age": 20.0 + k}),
            "status": "used",
            "reason": "",
            "sfreq": RATE,
            "duration_s": 600.0,
            "n_channels": 2,
            "flat_share": 0.01,
            "clipped_share": 0.0,
            "line_noise_share": np.nan,
            "unlabelled": 3,
            "left_out": '{"no class takes it": 2, "stands there twice": 1}',
        }
        for k in range(N_SUBJECTS)
    ]
    refused = {**rows[0], "recording": "r8", "subject": "s8", "status": "refused"}
    refused["reason"] = "channel MLII is flat <all of it>"
    absent = {**rows[0], "recording": "", "subject": "s9", "status": "absent"}
    absent["reason"] = "not in the mirror"
    path = files.folder("recordings", "ecg_demo") / "recordings.parquet"
    files.save_table(path, pd.DataFrame([*rows, refused, absent]))
    left_out = {"is in `except`": 3, "does not fit the pattern": 2}
    files.save_json(path.with_name("files.json"), {"used": 9, "left_out": left_out})
    names = {label: f"class {label}" for label in LABELS}
    files.save_json(path.with_name("labels.json"), names)


def write_signals() -> None:
    rng = np.random.default_rng(0)
    names = CHANNELS
    for k in range(N_SUBJECTS):
        samples = rng.normal(size=(2, 1000)).astype(np.float32)
        signal = Signal(samples, RATE, names, ("V", "V"), 0.01)
        path = files.folder("signals", "ecg_demo") / f"r{k}.h5"
        files.save_signal(path, signal)
        bits = rng.random((4, 1000)) < 0.1
        features = tuple(f"{name}{sign}" for name in names for sign in "+-")
        train = spikes.pack(bits, dt=1 / RATE, delay_s=0.02, features=features)
        path = files.folder("spikes", "ecg_demo-delta") / f"r{k}.h5"
        files.save_spikes(path, train)
    onset = np.linspace(1, 9, 60)
    windows = pd.DataFrame(
        {
            "window": np.arange(60 * N_SUBJECTS),
            "recording": np.repeat([f"r{k}" for k in range(N_SUBJECTS)], 60),
            "start": np.tile((onset * RATE).astype(int) - 50, N_SUBJECTS),
            "stop": np.tile((onset * RATE).astype(int) + 50, N_SUBJECTS),
            "segment_start": 0,
            "segment_stop": 1000,
            "label": np.tile([LABELS[k] for k in (0, 0, 1, 2)], 15 * N_SUBJECTS),
            "onset_s": np.tile(onset, N_SUBJECTS),
            "reason": "",
        }
    )
    windows.loc[:2, "reason"] = [f"window ends 0.{k} s after the end" for k in range(3)]
    folder = files.folder("windows", "ecg_demo")
    files.save_table(folder / "windows.parquet", windows)
    folds = windows[["window"]].assign(fold=0, role="test")
    files.save_table(folder / "folds.parquet", folds)
    beats = {
        "recording": ["r0", "r1"],
        "annotated": [100, 100],
        "detected": [90, 100],
        "true_positives": [90, 95],
        "sensitivity": [0.9, 0.95],
        "positive_predictivity": [1.0, 0.95],
        "mean_delay_s": [0.1, np.nan],
    }
    files.save_table(folder / "beats.parquet", pd.DataFrame(beats))


def write_encoding() -> None:
    """What the stage encode finds of the codes."""
    time_s = np.arange(400) / RATE
    traces = {"signal": np.sin(time_s), "decoded": np.sin(time_s)}
    table = pd.DataFrame({"time_s": time_s, **traces, "V1+": time_s < 0.25})
    folder = files.folder("encoding", "ecg_demo-delta")
    files.save_table(folder / "excerpt.parquet", table)
    shown = {"excerpt": {"recording": "r0", "channel": "V1"}}
    files.save_json(folder / "summary.json", ENCODING | shown)


def write_clock() -> None:
    found, folder = measured_clock(), files.folder("clock", "ecg_demo")
    files.save_json(folder / "clock.json", found.metrics)
    files.save_csv(folder / "subjects.csv", found.subjects)


@cache
def measured_clock() -> Clock:
    """The clock of windows in no order, a third of the subjects tested in a fold."""
    path = files.folder("windows", "ecg_demo") / "windows.parquet"
    windows = files.load_table(path).query("reason == ''")
    own = windows["recording"].str[1:].astype(int) // 2
    role = [np.where(own == fold, "test", "train") for fold in range(3)]
    window = windows[["window"]]
    folds = [window.assign(fold=fold, role=role[fold]) for fold in range(3)]
    onset_s = np.random.default_rng(0).permutation(windows["onset_s"])
    subject = windows["recording"].str.replace("r", "s")
    windows = windows.assign(subject=subject, onset_s=onset_s)
    return measure(windows, pd.concat(folds), LABELS, settings=QUICK, seed=1)


def beside(table: pd.DataFrame) -> dict[str, Any]:
    """What the evaluate stage sets beside a cell."""
    clock, rng = measured_clock(), np.random.default_rng(0)
    best = clock.metrics["best"]
    found = lead(table, clock.predictions, best, LABELS, QUICK, rng)
    accuracies = without_signal(clock.metrics)
    return {"prior": accuracies.pop("prior"), "clock": accuracies | found}


def write_cell(names: tuple[str, str, str], skill: float) -> None:
    name = "-".join(names)
    path = files.folder("windows", names[0]) / "windows.parquet"
    windows = files.load_table(path).query("reason == ''")
    table = predicted(windows, skill)
    folder = files.folder("runs", name)
    files.save_table(folder / "predictions.parquet", table)
    neuron = {"name": "relu"} if names[2] == "ann" else {"name": "leaky", "tau": 0.02}
    network = {"name": "convolutional", "bins": 8}
    encoder = {"name": "delta", "threshold": 0.5}
    settings = {"encoder": encoder, "network": network, "neuron": neuron}
    quantized = {
        "validation_float32": 0.9,
        "validation_int8": 0.89,
        "fine_tuned": False,
    }
    folds = [{"fold": k, "epochs": 5, "quantized": quantized} for k in range(3)]
    run = {"run_key": RUN_KEY, "labels": LABELS, "settings": settings, "folds": folds}
    files.save_json(folder / "run.json", run)
    epochs = np.tile(np.arange(5), 3)
    history = {
        "fold": np.repeat(np.arange(3), 5),
        "epoch": epochs,
        "validation_balanced_accuracy": 0.4 + 0.05 * epochs,
    }
    if names[2] != "ann":
        history |= {"gradient_norm": 0.5 + epochs, "skipped": epochs == 2}
        history |= {"spike_rate_1": 10.0 + epochs, "spike_rate_2": 3.0 + epochs}
    files.save_csv(folder / "history.csv", pd.DataFrame(history))
    if names[2] != "ann":
        files.save_table(folder / "learned.parquet", learned_table())
        files.save_table(folder / "portraits.parquet", leaky_portraits())
    found = evaluate(table, LABELS, QUICK, seed=1)
    folder = files.folder("metrics", name)
    int8 = evaluate_pooled(predicted(windows, skill - 0.5), LABELS, QUICK, seed=1)
    metrics = {**found.metrics, **beside(table), "int8": int8, "encoding": ENCODING}
    files.save_json(folder / "metrics.json", metrics)
    files.save_csv(folder / "subjects.csv", found.subjects)
    files.save_csv(folder / "confusion.csv", found.confusion)
    folder = files.folder("energy", name)
    ann = names[2] == "ann"
    energy = bill(4.0, None) if ann else bill(0.5, 0.2)
    files.save_json(folder / "energy.json", energy)
    measured.add(name, RUN_KEY, PROFILED if ann else MEASURED)


def learned_table() -> pd.DataFrame:
    """Time constants of 5 neurons that grow by 10 ms an epoch, in 2 folds."""
    return pd.DataFrame(
        [
            {
                "fold": fold,
                "epoch": epoch,
                "kept": epoch == 2,
                "layer": 1,
                "module": "1.neurons",
                "quantity": "tau_mem_s",
                "place": str(place),
                "value": np.float32(0.05 + 0.01 * epoch + 0.005 * epoch * place),
            }
            for fold in range(2)
            for epoch in range(4)
            for place in range(5)
        ]
    )


def leaky_portraits() -> pd.DataFrame:
    """Straight lines through 0, steeper after learning."""
    u = np.linspace(-2, 2, 9, dtype=np.float32)
    row = {"w": np.float32(np.nan), "next_w": np.float32(np.nan), "layer": 1}
    return pd.concat(
        [
            pd.DataFrame({"u": u, "next_u": slope * u, **row}).assign(
                fold=fold, when=when, quantile=quantile
            )
            for fold in range(2)
            for when, slope in (("start", 0.5), ("learned", 0.75))
            for quantile in (0.25, 0.5, 0.75)
        ],
        ignore_index=True,
    )


def predicted(windows: pd.DataFrame, skill: float) -> pd.DataFrame:
    rng = np.random.default_rng(int(10 * skill))
    truth = windows["label"].map(LABELS.index).to_numpy()
    logits = rng.normal(size=(len(truth), 3))
    logits[np.arange(len(truth)), truth] += skill
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    subject = windows["recording"].str.replace("r", "s")
    return windows[["window", "recording", "label"]].assign(
        fold=subject.str[1:].astype(int) // 2,
        subject=subject,
        predicted=[LABELS[k] for k in scores.argmax(axis=1)],
        **{f"p_{c}": scores[:, k] for k, c in enumerate(LABELS)},
    )


def counts(rate: float | None) -> dict[str, Any]:
    """Count as `profile` does; a rate where there are spiking neurons."""
    graded = rate is None
    per_window = {
        "effective_acs": 34.5 if graded else 1234.5,
        "effective_macs": 1200.0 if graded else 0.0,
        "dense_operations": 123456.0,
        "membrane_updates": 0.0 if graded else 999.0,
    }
    return {
        "n_windows": 100,
        "window_s": 1.0,
        "per_window": per_window,
        "activation_sparsity": 0.9,
        "connection_sparsity": 0.0,
        "footprint_bytes": 12345,
        "spikes_per_neuron_and_step": rate,
        "synapses": 2469,
    }


def costs(uj: float, **more: Any) -> dict[str, Any]:
    return {
        "energy_uj_per_window": uj,
        "energy_j_per_window": uj * 1e-6,
        "without_hidden_spikes_j_per_window": uj * 0.25e-6,
        "assumptions": ["45 nm"],
        "source": "Horowitz 2014",
        **more,
    }


def bill(uj: float, rate: float | None) -> dict[str, Any]:
    """What the profile stage writes of a cell; in integers it takes a quarter."""
    loihi = costs(3 * uj)
    if not rate:
        loihi = {
            "absent": "graded values",
            "source": "Davies",
            "assumptions": ["14 nm"],
        }
    int8 = {"horowitz_45nm_int8": costs(uj / 4), "memory_45nm_int8": costs(uj / 2)}
    return {
        "counted": counts(rate),
        "estimated": {"horowitz_45nm_fp32": costs(uj)},
        "int8": {"counted": counts(rate), "estimated": {**int8, "loihi": loihi}},
        "duty": duty(uj * 0.5e-6, 1e-9, 1.5),
        "assumptions": ["a word"],
    }


PROFILED = {
    "latency": {"median_ms_per_window": 1.25, "real_time_factor": 0.001},
    "machine": {"system": "Linux", "processor": "some"},
}
"""What the profile stage measures."""

MEASURED = {
    **PROFILED,
    "meters": {
        "rapl": {"absent": "no powercap here"},
        "nvml": {"energy_j_per_window": 7.654e-4, "low": 7e-4, "high": 8e-4},
    },
    "emulated": {
        "fold": 0,
        "host": {"agreement": 1.0, "balanced_accuracy": 0.75},
        "cortex_m4": {
            "agreement": 0.975,
            "instructions_per_window": 43210.5,
            "energy_uj_per_window": 5.678,
            "flash_bytes": 23400,
            "ram_bytes": 5600,
            "duty": duty(5.678e-6, 2e-6, 1.5),
        },
        "rv32imac": {"absent": "apt install it"},
    },
}
"""The same with what `biospike measure` adds."""


def make() -> dict[str, Any]:
    return report.make_report(CELLS, CARDS, QUICK, seed=1)


def test_an_ann_stands_beside_its_spiking_twin(details: dict[str, Any]) -> None:
    lif, ann = details["cells"]
    assert lif["spiking"]
    assert not ann["spiking"]
    assert lif["matched_ann"] == ann["cell"]
    assert lif["ann_uj_per_window"] == 4.0


@pytest.mark.parametrize(("restart", "is_shown"), [("windows", False), ("never", True)])
def test_networks_that_run_on_are_billed_as_if_they_restarted(
    details: dict[str, Any], restart: str, is_shown: bool
) -> None:
    found = {**details, "cells": json.loads(json.dumps(details["cells"]))}
    for cell in found["cells"]:
        cell["run"]["settings"]["network"]["restart"] = restart
    assert ("counted as if it started anew" in report.render(found)) == is_shown


def test_a_twin_spends_less_by_the_same_settings(details: dict[str, Any]) -> None:
    lif, ann = details["cells"]
    sparse = {"pruning": {"share": 0.75}}
    pruned = [json.loads(json.dumps(cell)) for cell in (lif, ann)]
    for cell in pruned:
        cell["run"]["settings"]["sparsity"] = sparse
        cell["cell"] += "_sparse"
    cells = findings._with_matched([lif, ann, *pruned])
    assert cells[0]["matched_ann"] == ann["cell"]
    assert cells[2]["matched_ann"] == pruned[1]["cell"]


def test_everything_that_was_left_out_is_listed(
    report_of: Path, details: dict[str, Any]
) -> None:
    card = details["datasets"]["ecg_demo"]
    assert card["subjects"] == N_SUBJECTS
    assert [row["status"] for row in card["missing"]] == ["absent", "refused"]
    assert sum(card["windows"].values()) == 60 * N_SUBJECTS - 3
    assert {row["reason"] for row in card["not_used"]} == {
        "window ends … s after the end"
    }
    assert card["unlabelled"] == {
        "no class takes it": 2 * N_SUBJECTS,
        "stands there twice": N_SUBJECTS,
    }
    assert card["quality"]["line_noise_share"] is None
    page = (report_of / "data/report/index.html").read_text()
    texts = ("s9: not in the mirror", "no powercap here", "flat &lt;all of it&gt;")
    files_left_out = (
        "9 files used",
        "3 files not, because the file is in `except`",
        "2 files not, because the file does not fit the pattern",
    )
    for text in (*texts, *files_left_out, "(class N)"):
        assert text in page


def test_unknown_persons_stand_in_no_clinical_table(
    report_of: Path, details: dict[str, Any]
) -> None:
    tables = 'id="ecg_demo-classes"', 'id="ecg_demo-subjects"'
    page = report.render(details)
    assert all(table in page for table in tables)
    assert "Nobody knows who was recorded" not in page
    details["datasets"]["ecg_demo"]["subjects"] = 0
    path = findings.clock_file("ecg_demo", "subjects.csv")
    files.save_csv(path, pd.read_csv(path).iloc[:0])
    page = report.render(details)
    assert not any(table in page for table in tables)
    assert "Nobody knows who was recorded" in page
    assert "persons unknown: no clinical result" in page


def test_the_detector_is_pooled(details: dict[str, Any]) -> None:
    detector = details["datasets"]["ecg_demo"]["detector"]
    assert detector["sensitivity"] == pytest.approx(185 / 200)
    assert detector["positive_predictivity"] == pytest.approx(185 / 190)
    assert detector["lowest_sensitivity"] == 0.9
    (files.folder("windows", "ecg_demo") / "beats.parquet").unlink()
    assert findings.detector("ecg_demo") is None


def test_models_are_compared(details: dict[str, Any]) -> None:
    (test,) = details["datasets"]["ecg_demo"]["tests"]
    assert test["models"] == ["ann", "lif"]
    assert test["difference"] > 0
    assert test["p"] == pytest.approx(2 / 2**N_SUBJECTS)
    assert test["p_holm"] == test["p"]


def test_cells_of_other_encoders_are_not_compared(grid: Path) -> None:
    apart = [("d", "delta", "lif"), ("d", "rate", "ann")]
    assert findings.tests(apart, QUICK, seed=1) == []


def test_made_twice_it_has_the_same_bytes(
    report_of: Path, drawn: dict[bytes, Any]
) -> None:
    drawn.clear()
    folder = report_of / "data/report"
    names = ("details.json", "index.html")
    before = [(folder / name).read_bytes() for name in names]
    make()
    assert [(folder / name).read_bytes() for name in names] == before
    json.loads(before[0], parse_constant=pytest.fail)


def test_details_hold_nothing_that_this_machine_measured(report_of: Path) -> None:
    before = (report_of / "data/report/details.json").read_bytes()
    page = page_text(report_of)
    measured.path("ecg_demo-delta-lif", RUN_KEY).unlink()
    make()
    assert (report_of / "data/report/details.json").read_bytes() == before
    assert page_text(report_of) != page


def test_what_was_measured_of_another_run_is_not_shown(report_of: Path) -> None:
    assert "1.25 765" in words(page_text(report_of))
    path = files.folder("runs", "ecg_demo-delta-lif") / "run.json"
    files.save_json(path, files.load_json(path) | {"run_key": "cd" * 32})
    make()
    text = words(page_text(report_of))
    assert "765" not in text
    assert "1.25 –" in text  # the other cell was not trained anew
    measured.add("ecg_demo-delta-lif", "cd" * 32, MEASURED)
    assert report.refresh()
    assert "1.25 765" in words(page_text(report_of))


VOID = {"meta", "img", "br", "line", "circle"}


class Page(HTMLParser):
    """Collect tags and check that they close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag


def test_the_page_stands_alone(report_of: Path) -> None:
    text = (report_of / "data/report/index.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "iframe"}
    assert not re.search(r"url\(|@import", text)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 12
    for image in images:
        assert str(image["src"]).startswith("data:image/svg+xml;base64,")
        assert len(str(image["alt"])) > 40
    assert "nan" not in re.sub(r'src="[^"]*"', "", text).lower().split()


def test_every_heading_has_a_link_and_the_contents_list_the_sections(
    learned_locally: Path,
) -> None:
    make()
    text = (learned_locally / "data/report/index.html").read_text()
    headings = re.findall(r'<h(\d) id="([^"]*)"[^>]*>(.*?) <a class="anchor"', text)
    assert len(headings) == len(re.findall(r"<h[1-6][ >]", text)) > 15
    assert all(f'<a class="anchor" href="#{name}"' in text for _, name, _ in headings)
    contents = text.partition("<nav")[2].partition("</nav>")[0]
    listed = re.findall(r'<a href="#([^"]*)">([^<]*)</a>', contents)
    assert listed == [(name, title) for n, name, title in headings if n in "23"]
    names = re.findall(r' id="([^"]*)"', text)
    assert len(names) == len(set(names))


def test_the_answer_comes_first_and_how_it_was_made_last(
    report_of: Path,
) -> None:
    text = words(page_text(report_of))
    answer = "ann is best. ann has the highest balanced accuracy, "
    assert text.count(answer) == 2  # on its card, and in its section
    assert f"Simulated ECG {answer}" in text
    assert "class N N 178" in text.partition("Each class")[2]
    assert "lif model Strided causal convolutions" in text
    made = text.partition("How this report was made")[2]
    assert "Commit of this page unknown: this folder is no git repository" in made
    assert "Machine some, Linux" in made
    images = re.findall(r'alt="([^"]*)"', page_text(report_of))
    assert images[0].startswith("Balanced accuracy in percent, with its interval")


def test_a_card_has_the_subgroups_that_the_data_set_states(report_of: Path) -> None:
    text = words(page_text(report_of)).partition("Model card")[2]
    assert "delta · lif, the most accurate model with spikes of this data set." in text
    assert "Stated: age 20 to 25." in text
    assert re.search(r"age up to 22\.5 3 177 \d\d\.\d", text)
    assert re.search(r"age above 22\.5 3 180 \d\d\.\d", text)
    assert "6 persons: intervals are wide" in text


def test_every_figure_has_its_numbers(report_of: Path) -> None:
    page = Page()
    page.feed((report_of / "data/report/index.html").read_text())
    files_ = [a for tag, a in page.tags if tag == "a" and "download" in a]
    assert len(files_) == sum(tag == "figure" for tag, _ in page.tags) + 1  # the tests
    names = [str(each["download"]) for each in files_]
    assert len(set(names)) == len(names)
    assert "ecg_demo-differences.csv" in names
    (subjects,) = (a for a in files_ if a["download"] == "ecg_demo-subjects.csv")
    text = base64.b64decode(str(subjects["href"]).partition("base64,")[2]).decode()
    assert text.startswith("subject,delta · lif,delta · ann,")
    assert text.count("\n") == 1 + N_SUBJECTS


def test_differences_stand_in_a_forest_plot(
    report_of: Path, details: dict[str, Any]
) -> None:
    """On the card and in the section, with their intervals; the best model is first."""
    (test,) = details["datasets"]["ecg_demo"]["tests"]
    low, high = (f"{100 * test[end]:+.1f}" for end in ("low", "high"))
    by = f"{100 * test['difference']:+.1f} {low} to {high}"
    text = words(page_text(report_of))
    p = f"{test['p']:.3f}"
    assert test["p_holm"] == test["p"]
    assert f"lif LIF {by} better, p {p}, corrected {p}" in text
    assert f"delta ann − lif {by} 6 {p} " in text
    assert re.search(r"clock no signal \+\d+\.\d \+.* better, p 0.031", text)
    page = (report_of / "data/report/index.html").read_text()
    label = f"{100 * test['difference']:+.1f} points, interval {low} to {high}"
    assert page.count(f'aria-label="{label}"') == 2


def test_gradients_and_skipped_steps_are_shown(report_of: Path) -> None:
    """Of the models that learn by gradients; the fixture's other one did not."""
    text = (report_of / "data/report/index.html").read_text()
    assert text.count("Norm of the gradient over epochs, a line a fold: delta") == 1
    assert "delta · ann" not in text.partition("Norm of the gradient over")[2][:90]
    assert text.count("steps were not taken") == 1
    assert "lif: 3 steps were not taken" in text
    path = files.folder("runs", "ecg_demo-delta-lif") / "history.csv"
    before = pd.read_csv(path).drop(columns=["gradient_norm", "skipped"])
    files.save_csv(path, before)
    make()
    text = (report_of / "data/report/index.html").read_text()
    assert "gradient" not in text.partition("How it was learned")[2][:3000]


def test_the_spike_rate_of_every_layer_is_shown(report_of: Path) -> None:
    text = (report_of / "data/report/index.html").read_text()
    begin = "Spike rates of layers over epochs, a line a fold: "
    assert text.count(begin) == 1
    assert "delta · ann" not in text.partition(begin)[2][:90]


def test_cold_decisions_have_a_line(report_of: Path) -> None:
    page = report_of / "data/report/index.html"
    assert "so early" not in page.read_text()
    path = files.folder("metrics", "ecg_demo-delta-lif") / "metrics.json"
    for cold, expected in (
        ({"decisions": 12, "balanced_accuracy": 0.654}, "12 decisions come so early"),
        (
            {"decisions": 1, "absent": "undefined: of class 'N'"},
            "1 decision comes so",
        ),
    ):
        files.save_json(path, files.load_json(path) | {"cold": cold})
        make()
        text = page.read_text()
        assert f"lif: {expected}" in text
        shown = text.partition(expected)[2][:120]
        assert ("65.4" if "absent" not in cold else "undefined: of class") in shown


def test_a_window_is_cut_where_the_code_represents_it(grid: Path) -> None:
    """A spike at the step that encodes sample k stands at sample k's time."""
    from pipeline.report.figures import piece

    bits = np.zeros((1, 1000), bool)
    bits[0, 302] = True  # two steps late: it encodes sample 300
    train = spikes.pack(bits, dt=1 / RATE, delay_s=0.02, features=("MLII+",))
    path = files.folder("spikes", "ecg_demo-delta") / "r0.h5"
    files.save_spikes(path, train)
    window = {"recording": "r0", "start": 250, "stop": 350, "label": "N"}
    window |= {"segment_start": 0, "segment_stop": 1000}
    found = piece("ecg_demo", ["delta"], {**window, "onset_s": 2.99})
    np.testing.assert_allclose(found.spikes["delta"]["MLII+"], [0], atol=1e-9)
    assert found.time[50] == pytest.approx(0)


def test_a_window_after_a_pause_stands_at_its_place_in_the_signal(grid: Path) -> None:
    """Its onset is on the clock, its samples are counted without the pause."""
    from pipeline.report.figures import piece

    path = files.folder("signals", "ecg_demo") / "r0.h5"
    files.save_signal(path, replace(files.load_signal(path), segments=(0, 200)))
    path = files.folder("recordings", "ecg_demo") / "recordings.parquet"
    table = files.load_table(path)
    files.save_table(path, table.assign(segments="[[0, 0.0], [400, 62.0]]"))
    window = {"recording": "r0", "segment": 1, "start": 150, "stop": 350, "label": "N"}
    window |= {"segment_start": 200, "segment_stop": 1000}
    onset_s = 62.0 + (300 - 200) / RATE - 0.01
    found = piece("ecg_demo", ["delta"], {**window, "onset_s": onset_s})
    assert found.time[100] == pytest.approx(0)
    assert found.time[0] == pytest.approx(-100 / RATE)
    assert len(found.time) == found.samples.shape[1] == 150


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (7, "7"),
        (0.000123, "1.23e−04"),
        (0.1234, "0.123"),
        (4.0, "4.00"),
        (12.345, "12.3"),
        (123.4, "123"),
        (51021, "51\u202f021"),
        (1234.6, "1\u202f235"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float | None, text: str) -> None:
    assert report.number(value) == text


def test_other_formats() -> None:
    assert report.percent(0.8714) == "87.1"
    assert report.percent(None) == "–"
    assert report.p_value(0.0004) == "< 0.001"
    assert report.p_value(0.0312) == "0.031"
    assert report.count(1, "subject") == "1 subject"
    assert report.interval({"value": 0.5, "low": 0.4, "high": 0.6}) == "40.0–60.0"
    assert report.interval({"value": 0.5, "low": None}) == "no interval"


def test_what_neurons_learned_is_reported_in_numbers(
    report_of: Path, details: dict[str, Any]
) -> None:
    lif, ann = details["cells"]
    (row,) = lif["learned"]
    assert ann["learned"] == []
    assert row["values"] == 10
    assert row["start"] == pytest.approx(0.05)
    assert row["median"] == pytest.approx(0.09)  # the kept epoch, not the last
    assert [row["low"], row["high"]] == pytest.approx([0.08, 0.1])
    page = page_text(report_of)
    assert "Learning moved the median tau_mem of layer 1 from 50 to 90 ms." in page
    assert page.count("What the neurons learned") == 1


def test_a_page_without_learned_dynamics_does_not_mention_them(grid: Path) -> None:
    for name in ("learned.parquet", "portraits.parquet"):
        (files.folder("runs", "ecg_demo-delta-lif") / name).unlink()
    make()
    page = (grid / "data/report/index.html").read_text()
    assert "What the neurons learned" not in page
    assert page.count("<img") == 9


def test_digits() -> None:
    from pipeline.report.dynamics import digits

    assert [digits(v) for v in (50, -0.01234, 0.0, 1234.5)] == [
        "50",
        "−0.0123",
        "0",
        "1234",
    ]


def write_plasticity(folder: Path) -> None:
    """Two folds of 3 units that learn for 90 s: weights part, rates meet at 2 Hz."""
    snapshots = pd.DataFrame({"windows": [0, 50, 100], "learned_s": [0.0, 45.0, 90.0]})
    folds = pd.DataFrame({"fold": [0, 1]})
    shared = folds.merge(snapshots, how="cross")
    edges = np.linspace(0, 1, 21)
    bins = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "bin": range(20)})
    weights = shared.merge(bins, how="cross")
    ends = weights["bin"].map({0: 0.75, 19: 0.25}).fillna(0.0)
    even = (weights["bin"] == 9).astype(float)
    weights["share"] = ends.where(weights["windows"] == 100, even)
    files.save_table(folder / "weights.parquet", weights.drop(columns="bin"))
    units = shared.merge(pd.DataFrame({"unit": range(3)}), how="cross")
    units["rate_hz"] = (units["unit"] + 3).where(units["windows"] == 50, 2.0)
    units.loc[(units["unit"] == 0) & (units["windows"] == 100), "rate_hz"] = 0.0
    units.loc[units["windows"] == 0, "rate_hz"] = np.nan
    units["threshold"] = 1.0
    files.save_table(folder / "units.parquet", units)
    fields = folds.merge(pd.DataFrame({"unit": range(3)}), how="cross")
    for name, values in (("feature", ["MLII+", "MLII-"]), ("delay_s", [0.0, 0.01])):
        fields = fields.merge(pd.DataFrame({name: values}), how="cross")
    fields = fields.assign(start=0.5, weight=0.75)
    files.save_table(folder / "fields.parquet", fields)


def learning_bill() -> dict[str, Any]:
    """Three of the schemes; one of them also reads indices."""
    words = {"dense": 4096.0, "forward_only": 1024.0, "two_tables": 128.0}
    per_step: dict[str, dict[str, float]] = {
        scheme: {
            "weight_words_read": read,
            "weight_words_written": read,
            "row_bursts": 8.5,
            "state_words_read": 128.0,
            "state_words_written": 128.0,
        }
        for scheme, read in words.items()
    }
    per_step["two_tables"]["index_words_read"] = 77.25
    kept = {"per_synapse": 4.0, "per_neuron": 4.0}
    return {
        "assumptions": ["a word is <one> weight", "`dense` is a baseline"],
        "n_steps": 180000,
        "n_pre": 64,
        "n_post": 3,
        "theta": 0.05,
        "pre_rate_hz": 12.5,
        "post_rate_hz": 2.25,
        "bytes": dict.fromkeys((*words, "traces_on_synapses"), kept),
        "per_step": per_step,
    }


@pytest.fixture
def learned_locally(grid: Path) -> Path:
    """The spiking cell learned locally."""
    name = "ecg_demo-delta-lif"
    write_plasticity(files.folder("runs", name))
    path = files.folder("energy", name) / "energy.json"
    files.save_json(path, files.load_json(path) | {"learning": learning_bill()})
    return grid


def test_what_synapses_learned_is_reported_and_drawn(learned_locally: Path) -> None:
    make()
    text = page_text(learned_locally)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 12 + 4
    assert text.count("What the synapses learned") == 1
    assert text.index("What the neurons learned") < text.index("What the synapses")
    assert (
        "below a tenth of the largest allowed from 0.0 to 75.0 %, and of those above "
        "nine tenths from 0.0 to 25.0 %. The median unit fired at 4 Hz when learning "
        "began and at 2 Hz at its end; 2 of 6 units were silent by then."
    ) in text
    assert "Receptive fields of 3 of 3 units of fold 0" in text
    assert "nan" not in re.sub(r'src="[^"]*"', "", text).lower().split()


def test_the_bill_of_learning_is_tabulated_and_compared(learned_locally: Path) -> None:
    make()
    text = (learned_locally / "data/report/index.html").read_text()
    rows = re.findall(r'class="left">([^<]*)</th>((?:<td>[^<]*</td>)+)</tr>', text)
    numbers = {title: re.findall("<td>([^<]*)", cells) for title, cells in rows}
    two = ["128", "128", "77.2", "8.50", "128", "128", "4.00", "4.00"]
    assert numbers["two tables, of rows and of columns"] == two
    assert numbers["rows of active sources"][2] == "–"  # it has no indices
    assert (
        "“rows of active sources” touches 4 times fewer words a step than “every "
        "synapse at every step” and 6.15 times more than “two tables, of rows and of "
        "columns”."
    ) in text
    synapses = ["–"] * 6 + ["4.00", "4.00"]
    assert numbers["both traces on each synapse"] == synapses
    assert "<li>“every synapse at every step” is a baseline</li>" in text
    assert "64 inputs firing at 12.5 Hz and 3 units firing at 2.25 Hz" in text
    assert "a word is &lt;one&gt; weight" in text


def test_the_bill_of_learning_needs_no_pictures(learned_locally: Path) -> None:
    for name in ("weights", "units", "fields"):
        (files.folder("runs", "ecg_demo-delta-lif") / f"{name}.parquet").unlink()
    make()
    text = (learned_locally / "data/report/index.html").read_text()
    assert "Words that a step of learning touches" in text
    assert "Receptive fields" not in text


def test_cells_that_do_not_learn_locally_do_not_mention_synapses(
    report_of: Path,
) -> None:
    text = (report_of / "data/report/index.html").read_text()
    assert "synapses learned" not in text
    assert "memory that learning touches" not in text


def test_a_lost_table_of_local_learning_is_an_error(learned_locally: Path) -> None:
    (files.folder("runs", "ecg_demo-delta-lif") / "units.parquet").unlink()
    with pytest.raises(DataError, match=r"units\.parquet"):
        make()


def page_text(grid: Path) -> str:
    """The page without its contents and links, which repeat the headings."""
    text = (grid / "data/report/index.html").read_text()
    text = re.sub(r' <a class="anchor"[^>]*>#</a>', "", text)
    return text.partition("<nav")[0] + text.partition("</nav>")[2]


def words(html: str) -> str:
    """What a reader sees, a space between cells."""
    html = re.sub("<[^>]*>", " ", html).replace("\u202f", "")
    return " ".join(html.split())


def on_device(grid: Path) -> str:
    page = words(page_text(grid).split('id="ecg_demo-device">')[1])
    return page.split("What the network sees")[0]


def test_integer_networks_stand_in_a_table_with_the_emulated_machine(
    report_of: Path, details: dict[str, Any]
) -> None:
    lif, ann = details["cells"]
    text = on_device(report_of)
    accuracy = report.percent(lif["metrics"]["int8"]["balanced_accuracy"]["value"])
    assert lif["metrics"]["int8"] != lif["metrics"]
    assert f"delta · lif {accuracy}" in text
    # Counted; by arithmetic alone and with memory; emulated.
    assert "1234 0 999 0.125 0.250 43210 5.68 23.4, 5.60 97.5" in text
    assert "delta · ann" in text
    assert "34.5 1200 0 1.00 2.00 not run yet: biospike measure CELL" in text
    assert ann["energy"]["int8"]["estimated"]["loihi"]["absent"]
    assert "takes 0.12 times the energy of its matched int8 ANN" in text
    assert "it would take less at any rate" in text
    assert "delta · lif 1.50 45 nm with memory, estimated 0.001" in text
    assert "Cortex-M4, emulated 2.00" in text
    assert "a CR2032 lasts" in text


def test_why_no_program_was_emulated_is_written(report_of: Path) -> None:
    path = measured.path("ecg_demo-delta-lif", RUN_KEY)
    missing = {"absent": "no arm-none-eabi-gcc here"}
    files.save_json(path, files.load_json(path) | {"emulated": missing})
    make()
    text = on_device(report_of)
    sentence = text.partition("No program of this data set was emulated: ")[2]
    assert sorted(re.split(r"[;.] ", sentence)[:2]) == [
        "no arm-none-eabi-gcc here",
        "not run yet: biospike measure CELL",
    ]


def test_a_cell_without_an_integer_network_has_a_reason(grid: Path) -> None:
    name = "ecg_demo-delta-lif"
    path = files.folder("energy", name) / "energy.json"
    energy = files.load_json(path)
    energy |= {"int8": {"absent": "layer 1: exponentials & so on"}}
    del energy["duty"]
    files.save_json(path, energy)
    path = files.folder("metrics", name) / "metrics.json"
    metrics = files.load_json(path)
    del metrics["int8"]
    files.save_json(path, metrics)
    measured.path(name, RUN_KEY).unlink()
    make()
    text = on_device(grid)
    assert "delta · lif no int8 network: layer 1: exponentials &amp; so on" in text
    assert "matched int8 ANN" not in text
    assert "delta · ann 1.50 45 nm with memory" in text
    assert "delta · lif 1.50" not in text


def test_meters_are_distinguished_in_a_cell(grid: Path) -> None:
    """Two that measured are two numbers; what the profile stage measures has none."""
    jetson = {"energy_j_per_window": 3.25e-4}
    meters = {"meters": {**MEASURED["meters"], "jetson": jetson}}
    measured.add("ecg_demo-delta-lif", RUN_KEY, meters)
    make()
    text = words(page_text(grid))
    assert re.search(r"delta · lif [^–]* 1\.25 (765, 325|325, 765) ", text)
    assert re.search(r"delta · ann .* 1\.25 – ", text)


def test_a_battery_that_nothing_drains_lasts_without_a_number(grid: Path) -> None:
    path = files.folder("energy", "ecg_demo-delta-ann") / "energy.json"
    files.save_json(path, files.load_json(path) | {"duty": duty(0.0, 0.0, 1.5)})
    make()
    assert "45 nm with memory, estimated 0 0 –" in on_device(grid)


def test_a_cutoff_is_described(report_of: Path) -> None:
    path = files.folder("energy", "ecg_demo-delta-lif") / "energy.json"
    cut = {"steps_share": 0.625, "balanced_accuracy": {"with": 0.8, "without": 0.825}}
    assert "decided early" not in page_text(report_of)
    files.save_json(path, files.load_json(path) | {"cutoff": cut})
    make()
    assert (
        "delta · lif, decided early: 62% of the steps, balanced accuracy 80.0% instead "
        "of 82.5%."
    ) in on_device(report_of)


def test_the_page_is_made_again_from_its_findings_and_new_measurements(
    grid: Path,
) -> None:
    assert not report.refresh()
    assert not (grid / "data/report").exists()
    make()
    before = page_text(grid)
    (grid / "data/report/index.html").unlink()
    assert report.refresh()
    assert page_text(grid) == before
    measured.add("ecg_demo-delta-ann", RUN_KEY, MEASURED)
    details = (grid / "data/report/details.json").read_bytes()
    assert report.refresh()
    assert "not run yet" in before
    assert "not run yet" not in page_text(grid)
    assert (grid / "data/report/details.json").read_bytes() == details


def test_data_sets_stand_in_the_order_of_the_grid(
    grid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the page is made again: the file of findings is sorted."""
    here = {"measured": {}}
    monkeypatch.setattr(
        report, "section", lambda found, dataset, most: here | {"name": dataset}
    )
    monkeypatch.setattr(explained, "shown", lambda cells: [])
    monkeypatch.setattr(provenance, "shown", lambda cells, here: {})
    monkeypatch.setattr("jinja2.Template.render", lambda self, **t: t["sections"])
    cells = [{"dataset": name} for name in ("emg", "ecg", "emg", "eeg")]
    found = {"cells": cells, "datasets": {"ecg": {}, "eeg": {}, "emg": {}}}
    sections: Any = report.render(found)
    assert [each["name"] for each in sections] == ["emg", "ecg", "eeg"]


def test_a_drawn_tradeoff_is_shown(report_of: Path) -> None:
    runs = "All runs on this data set that are comparable"
    assert runs not in page_text(report_of)
    Path("data/tradeoffs").mkdir(exist_ok=True)
    Path("data/tradeoffs/ecg_demo.svg").write_text("<svg>front</svg>")
    Path("data/tradeoffs/ecg_demo.csv").write_text("name,energy_uj\n")
    Path("data/tradeoffs/emg_demo.svg").write_text("<svg>of others</svg>")
    assert report.refresh()
    text = page_text(report_of)
    assert text.count(runs) == 1
    front = base64.b64encode(b"<svg>front</svg>").decode()
    assert f"data:image/svg+xml;base64,{front}" in text
    assert tradeoffs.shown("eeg_demo") is None


def test_no_battery_is_reported_to_outlive_its_own_age() -> None:
    assert report.years(None) == "–"
    assert report.years(365.0) == report.number(1.0)
    assert report.years(10 * 365 + 1) == "over 10"


HOSTILE = "\"'></td></script><script>alert(1)</script><img src=x onerror=alert(2)>"


def structure(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """List the tags of a page with the names of their attributes."""
    found = Page()
    found.feed(page)
    assert found.open == []
    return [(tag, tuple(attributes)) for tag, attributes in found.tags]


def drawn(page: str) -> set[str]:
    """List what the pictures of a page are made of."""
    pictures = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', page)
    assert pictures
    return {
        element.tag.rpartition("}")[2]
        for text in pictures
        for element in ElementTree.fromstring(base64.b64decode(text)).iter()
    }


ACTIVE = {"script", "foreignObject", "a", "image", "img", "iframe", "object", "style"}


def test_texts_of_recordings_and_settings_are_active_nowhere(
    report_of: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = structure((report_of / "data/report/index.html").read_text())
    here = sys.modules[__name__]
    card = CARDS["ecg_demo"]
    cards = {key: f"{HOSTILE} javascript:alert(3)//{key}" for key in card}
    labels = [f"{label} {HOSTILE}" for label in LABELS]
    monkeypatch.setattr(here, "LABELS", labels)
    monkeypatch.setattr(here, "CHANNELS", (f"$x{HOSTILE}$", f"$\\frac{HOSTILE}\x01"))
    monkeypatch.setattr(here, "CARDS", {"ecg_demo": {**card, **cards}})
    monkeypatch.setattr(here, "measured_clock", measured_clock.__wrapped__)
    write_recordings()
    write_signals()
    write_clock()
    for names, skill in zip(CELLS, (1.5, 2.5), strict=True):
        write_cell(names, skill)
    make()
    text = (report_of / "data/report/index.html").read_text()
    assert structure(text) == plain
    assert not drawn(text) & (ACTIVE - {"style"})
    for label in (*labels, cards["title"], cards["citation"], cards["licence"]):
        assert str(escape(label)) in text
    assert HOSTILE not in text


@pytest.mark.parametrize(
    ("home", "linked"),
    [
        ("https://x.org/?a=1&b=2", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        (" https://x.org", False),
    ],
)
def test_only_addresses_on_the_web_are_links(home: str, linked: bool) -> None:
    assert report.is_web(home) == linked
    problems = list(
        config.Params({"datasets": {"x": {"card": {"home": home}}}}).problems()
    )
    refused = [p for p in problems if "home is" in str(p)]
    assert bool(refused) != linked


def test_figures_take_names_as_they_are() -> None:
    names = [f"{HOSTILE}", "$x$", "$\\frac$", "a$b", "\x00\x1b\ud800", "=1", "é" * 999]
    table = pd.DataFrame({"subject": names, "balanced_accuracy": 0.5})
    clock = pd.Series(0.5, names, name=HOSTILE)
    drawn = figures.subjects({"delta · lif": table}, clock, 0.5).svg
    root = ElementTree.fromstring(drawn)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & (ACTIVE - {"style"})


def section_text(grid: Path) -> str:
    """What a reader sees first in the data set's section, below the answer."""
    section = page_text(grid).split('<h2 id="ecg_demo">')[1].split("<h3")[0]
    return words(section.partition("</p>")[2])


def test_the_prior_and_the_clock_stand_beside_every_model(report_of: Path) -> None:
    achieved = page_text(report_of).split('id="achieved"')[1].split("<h2 id=")[0]
    text, clock = words(achieved), measured_clock().metrics
    prior = clock["prior"]
    shares = [report.percent(prior[name]) for name in ("balanced_accuracy", "macro_f1")]
    assert f"prior always N {' '.join(shares)} –" in text
    for name, title in TITLES.items():
        accuracy = clock[name]["balanced_accuracy"]
        value = report.percent(accuracy["value"])
        assert f"{title} {value} {report.interval(accuracy)}" in text
    assert text.index("delta · ann") < text.index("prior always N")
    assert achieved.count('class="clock"') == len(CELLS) + len(TITLES)
    page = words(page_text(report_of))
    assert f"guessing gives 33.3&nbsp;%, the clock alone {value_of_the_best()}" in page
    each = page.rpartition("Each class")[2].split("Confusion matrix")[0]
    assert each.count("no signal") == len(TITLES)
    titles = ", ".join(f"delta · {names[2]}" for names in CELLS)
    best = TITLES[clock["best"]]
    assert re.search(
        f'subjects under {titles};[^"]*; {best}, from', page_text(report_of)
    )


def value_of_the_best() -> str:
    return f"{report.percent(measured_clock().value)}&nbsp;%"


def test_a_page_whose_models_beat_the_clock_warns_of_nothing(report_of: Path) -> None:
    assert section_text(report_of).startswith("6 subjects")
    tests = words(page_text(report_of).split('id="ecg_demo-tests"')[1])
    title = TITLES[measured_clock().metrics["best"]]
    shown = rf"lif − {title} \+\d+\.\d \+\d+\.\d to \+\d+\.\d 6 0\.031 better"
    assert re.search(shown, tests)
    assert "not shown to be better" not in page_text(report_of)


def test_a_model_that_the_clock_comes_near_is_named_first(grid: Path) -> None:
    path = files.folder("metrics", "ecg_demo-delta-lif") / "metrics.json"
    metrics = files.load_json(path)
    near = {"near": True, "difference": -0.125, "low": -0.13, "high": 0.02, "p": 0.25}
    metrics["clock"] |= near
    files.save_json(path, metrics)
    lif, ann = make()["cells"]
    assert lif["metrics"]["clock"]["near"]
    assert not ann["metrics"]["clock"]["near"]
    accuracy = report.percent(lif["metrics"]["balanced_accuracy"]["value"])
    text = section_text(grid)
    assert text.startswith("The place in the recording alone, without any signal")
    assert f"delta · lif ({accuracy} %) is not shown to be better" in text
    assert "delta · ann" not in text
    tests = words(page_text(grid).split('id="ecg_demo-tests"')[1])
    shown = r"lif − clock, \w+ −12\.5 −13\.0 to \+2\.0 6 0\.250 not better"
    assert re.search(shown, tests)


def test_several_models_are_named_together(details: dict[str, Any]) -> None:
    cells = details["cells"]
    for cell in cells:
        cell["metrics"]["clock"]["near"] = True
    sentence = pages.warning(cells)
    assert " %) and delta · ann (" in sentence
    assert "are not shown to be better" in sentence
    assert pages.warning([]) == ""


def test_codes_show_what_they_cost_and_keep(
    details: dict[str, Any], report_of: Path
) -> None:
    page = (report_of / "data" / "report" / "index.html").read_text()
    part = page.partition('id="ecg_demo-encoding"')[2].partition("<h3")[0]
    for number in ("23.4", "87.6", "12.3", "−1.2", "5.7", "12.5", "600 addition"):
        assert f">{number}<" in part, number
    assert "channel V1 of recording r0" in part
    assert "25 delta spikes in 1 feature." in part
    assert "1 channel of all recordings without an SNR: the signal" in part
    for cell in details["cells"]:
        silent = cell["metrics"]["encoding"] | {"snr_db": None, "snr_db_lowest": None}
        silent |= {"snr_channels": 0, "snr_absent": {"no <waveform>": 12}}
        cell["metrics"]["encoding"] = silent | {"operations_per_s": None}
    part = report.render(details).partition('id="ecg_demo-encoding"')[2]
    assert '<td colspan="2" class="absent">no &lt;waveform&gt;</td>' in part
    assert "<td>not known</td>" in part
    for cell in details["cells"]:
        del cell["metrics"]["encoding"]  # evaluated before codes were measured
    assert "-encoding" not in report.render(details)


def test_wrong_decisions_are_drawn_and_others_named(report_of: Path) -> None:
    assert "all the way" not in page_text(report_of)
    values = np.sin(np.arange(40) / 5).astype(np.float32)
    line = {"row": "a", "unit": "V", "start_s": 1.0, "dt": 0.01, "threshold": np.nan}
    kinds = {"filtered": "lines", "code": "raster", "evidence": "lines"}
    rows = [line | {"panel": p, "kind": k, "values": values} for p, k in kinds.items()]
    others = [{"onset_s": 1.2, "truth": "V", "predicted": "V"}]
    known = [
        {"window": n, "truth": truth, "predicted": "N", "is_right": truth == "N"}
        | {"title": f"t{n}", "alt": f"<one> & {n}", "subject": "p$1", "onset_s": 1.5}
        | {"probabilities": {"N": 0.75, "S": 0.25}, "others": others}
        for n, truth in enumerate(["S", "S", "V", "N"])
    ]
    folder = files.folder("traces", "ecg_demo-delta-lif")
    table = pd.concat([pd.DataFrame(rows).assign(window=n) for n in range(4)])
    files.save_table(folder / "lines.parquet", table)
    files.save_json(folder / "decisions.json", {"decisions": known})
    assert report.refresh()
    page = (report_of / "data/report/index.html").read_text()
    shown = re.findall(r'alt="(&lt;one&gt; &amp; \d)"', page)
    assert shown == ["&lt;one&gt; &amp; 0", "&lt;one&gt; &amp; 2"]
    figures = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', page)
    assert sum("V ✓" in base64.b64decode(each).decode() for each in figures) == 2
    assert "biospike show ecg_demo-delta-lif 0" in page_text(report_of)


def test_a_decision_names_its_classes_and_marks_the_truth() -> None:
    table = pd.DataFrame(
        {"panel": ["code", "evidence", "evidence"], "row": list("SNS")}
    )
    each = {"truth": "S", "predicted": "N"}
    names = {"N": "normal", "S": "ectopic"}
    named = decisions._named(table, each, names)
    assert named["row"].tolist() == ["S", "normal, decided", "ectopic, truth"]


def test_cells_that_are_not_complete_are_named(grid: Path) -> None:
    path = files.folder("metrics", "ecg_demo-delta-ann") / "metrics.json"
    path.unlink()
    found = report.make_report([*CELLS, ("x", "delta", "lif")], CARDS, QUICK, seed=1)
    assert [cell["cell"] for cell in found["cells"]] == ["ecg_demo-delta-lif"]
    text = words(page_text(grid))
    assert "Not all of the grid is in this report." in text
    assert "ecg_demo-delta-ann is not evaluated" in text
    assert "x-delta-lif is not trained" in text
    (files.folder("runs", "ecg_demo-delta-lif") / "predictions.parquet").unlink()
    with pytest.raises(DataError, match="lif is without predictions") as caught:
        report.make_report(CELLS, CARDS, QUICK, seed=1)
    assert "none of the grid's 2 cells is complete" in str(caught.value)
    with pytest.raises(DataError, match="the grid has no cell"):
        report.make_report([], CARDS, QUICK, seed=1)


def test_of_many_models_the_most_accurate_are_shown_in_detail(
    details: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST_DETAILED", 1)
    monkeypatch.setattr(report, "FEWEST_DETAILED", 1)
    monkeypatch.setattr(sections, "MOST_MARKED", 1)
    text = report.render(details)
    assert "of the 1 most accurate of 2 models" in text
    assert text.count("<caption>delta · ann</caption>") == 1  # its confusion matrix
    assert "<caption>delta · lif</caption>" not in text
    assert "Of the 1 most accurate models." in words(text)
    assert "delta · lif" in words(text.partition('id="achieved"')[2])


def test_a_cell_without_an_accuracy_is_the_least_accurate() -> None:
    values = {"a": 0.5, "b": None, "c": 0.7}
    cells = [
        {"cell": name, "metrics": {"balanced_accuracy": {"value": value}}}
        for name, value in values.items()
    ]
    chosen = sections.most_accurate(cells, 2)
    assert [cell["cell"] for cell in chosen] == ["a", "c"]


def test_guarantees_are_shown_without_an_audit(
    report_of: Path, details: dict[str, Any]
) -> None:
    one, other = details["cells"][:2]
    one["run"]["folds"] = [
        {**fold, "privacy": GUARANTEE} for fold in one["run"]["folds"]
    ]
    text = report.render(details)
    page = Page()
    page.feed(text)
    assert page.open == []
    shown = f"<strong>{one['encoder']} · {one['model']}</strong>: Certified: ε = 3.00"
    assert text.count(shown) == 1
    assert f"{other['model']}</strong>: Certified" not in text


def test_audits_of_this_run_are_shown_and_of_no_other(
    report_of: Path, details: dict[str, Any]
) -> None:
    assert "reveal about persons" not in report.render(details)
    for cell, key in zip(details["cells"], (None, "of another run"), strict=True):
        found = RANDOM | {"run_key": key or cell["run"]["run_key"]}
        files.save_json(files.folder("audits", cell["cell"]) / "audit.json", found)
    save_codes("ecg_demo", CODES)
    text = report.render(details)
    page = Page()
    page.feed(text)
    assert page.open == []
    title = details["cells"][0]["model"]
    assert text.count(f'id="ecg_demo-privacy-delta-{title}"') == 1
    assert text.count('id="ecg_demo-privacy-') == 1
    for words in (
        "picks the right one 75 % of the time",
        "which nobody outside has, an attack is right 75 % of the time (62 % to 88 %)",
        "the strongest attack is right 50 % of the time, and with the answers to 5",
        "draws averaged 66 %",
        "balanced accuracy is 62 % with one draw and 69 % with as many",
        "another session: everyone has one session",
        'download="ecg_demo-privacy-roc-1.csv"',
        "−5.9",
        "s1: no events",
        "guessing is right in 16.7 %",
    ):
        assert words in text


def test_what_protects_and_what_it_costs_stand_side_by_side(
    report_of: Path, details: dict[str, Any]
) -> None:
    fixed = RANDOM | {
        "accuracy": {"stored": RANDOM["accuracy"]["stored"]},
        "attacks": [row for row in RANDOM["attacks"] if row.get("way") == "stored"],
    }
    cells = details["cells"]
    cells[0]["run"]["folds"] = [
        {**fold, "privacy": GUARANTEE} for fold in cells[0]["run"]["folds"]
    ]
    for cell, found in zip(cells, (fixed, RANDOM), strict=True):
        known = found | {"run_key": cell["run"]["run_key"]}
        files.save_json(files.folder("audits", cell["cell"]) / "audit.json", known)
    shown = privacy.shown("ecg_demo", cells)
    assert shown is not None
    one, other = (audit["beside"] for audit in shown["audits"])
    assert one["aucs"] == {
        "stored": {"value": 0.75, "low": 0.625, "high": 0.875},
        "once": None,
        "draws": None,
    }
    assert [auc["value"] for auc in other["aucs"].values()] == [0.75, 0.5, 0.65625]
    assert (one["accuracy"]["value"], other["accuracy"]["value"]) == (0.75, 0.625)
    assert (one["epsilon"], other["epsilon"]) == (2.996, None)
    text = report.render(details)
    (table,) = re.findall(r"<caption>What an outsider gains.*?</table>", text, re.S)
    first, second = re.findall(r'<tr><th scope="row".*?</tr>', table)
    assert re.findall(r"<td>([^<]*)", first)[:4] == ["3.00", "75.0 ", "–", "–"]
    assert re.findall(r"<td>([^<]*)", second)[:4] == ["none", "75.0 ", "50.0 ", "65.6 "]


def test_an_audit_of_codes_is_shown_while_its_files_and_settings_last(
    report_of: Path, details: dict[str, Any]
) -> None:
    cells = details["cells"]
    used = cells[0]["run"]["settings"]["encoder"]
    now = {"delta": CODES["codes"]["delta"] | {"settings": used}}
    then = {"delta": now["delta"] | {"settings": {**used, "threshold": 0.125}}}
    for codes, shown in ((now, {"delta"}), (then, set())):
        save_codes("ecg_demo", {**CODES, "codes": codes})
        found = privacy.shown("ecg_demo", cells)
        assert found is not None
        assert set(found["codes"]["codes"]) == shown
    signal = next(files.folder("signals", "ecg_demo").iterdir())
    windows = files.folder("windows", "ecg_demo") / "windows.parquet"
    for changed in (signal, windows):
        save_codes("ecg_demo", CODES)
        assert privacy.shown("ecg_demo", cells) is not None
        changed.write_bytes(b"other")
        assert privacy.shown("ecg_demo", cells) is None
    windows.unlink()
    assert privacy.shown("ecg_demo", cells) is None


def test_an_attack_that_may_be_chance_is_called_that() -> None:
    best = RANDOM["attacks"][0] | {"auc": {"value": 0.55, "low": 0.4, "high": 0.7}}
    assert "not shown to be better than guessing" in privacy.gain(best)
    known = RANDOM | {"accuracy": {"stored": RANDOM["accuracy"]["stored"]}}
    assert privacy.protection(known) == [
        "The code is not random: nothing in its use protects."
    ]
    (noisy,) = privacy.protection(known, guaranteed=True)
    assert noisy.endswith(
        "nothing in its use protects; what does is the guarantee above."
    )


def test_the_strongest_attack_is_one_that_outsiders_can_make() -> None:
    strong = {"auc": {"value": 0.96875, "low": 0.9375, "high": 1.0}}
    rows = [
        {**row, **(strong if row.get("attack") == "trajectory" else {})}
        for row in RANDOM["attacks"]
    ]
    first, _, bound, protection, _ = privacy.sentences(RANDOM | {"attacks": rows})
    assert "the right one 75 % of the time" in first
    assert "right 97 % of the time (94 % to 100 %): a bound" in bound
    assert "97 %" not in protection
    without = [row for row in rows if row.get("attack") != "trajectory"]
    assert privacy.bound(RANDOM | {"attacks": without}) == []


def test_it_is_stated_whom_an_attack_finds_that_hardly_ever_errs() -> None:
    row = RANDOM["attacks"][0]
    found = privacy.certain(row)
    assert "1 % of the others is not known: that needs 100 persons outside" in found
    rate = {"value": 0.125, "low": 0.0625, "high": 0.25}
    found = privacy.certain({**row, "tpr": {"0.01": rate}})
    assert "it finds 12 % (6 % to 25 %) of the persons in the training set" in found
    without = {"value": 0.125, "low": None, "high": None, "reason": "no interval"}
    assert "12 % of the persons" in privacy.certain({**row, "tpr": {"0.01": without}})
