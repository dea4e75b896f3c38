import re
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest

from pipeline import __main__, files, seeds
from pipeline.components import find
from pipeline.device.running import RESTARTS, RUNS_ON, Running
from pipeline.device.stimulus import unpacked
from pipeline.encoding.encode import encode
from pipeline.errors import DataError, PipelineError
from pipeline.exporting import c
from pipeline.exporting.c import readme, write_program
from pipeline.exporting.parts.c_program import (
    SAMPLE_WINDOWS,
    fold_stimulus,
    load_program,
    sample,
    stratified,
)
from pipeline.exporting.parts.recordings import segments
from pipeline.front_end.chain import UNIT_V, digitise
from pipeline.networks.base import Shape
from pipeline.preparation.signals import SignalSettings
from pipeline.preparation.streaming import prepare_recording
from pipeline.quantization.quantize import quantize
from pipeline.training.batches import load
from pipeline.training.cell import TrainedCell
from pipeline.training.quantizing import Quantized, save_quantized

CELL, ANN, DATASET = "demo-delta-lif", "demo-delta-ann", "demo"
LABELS, STEPS = ["calm", "busy"], 50
SIGNAL = {"l_freq": 2, "h_freq": 40, "sfreq": 125, "scale": {"tau_s": 1, "floor": 1e-6}}
NETWORK = {"name": "dense", "units": [7], "bins": 2}
DELTA = {"name": "delta", "threshold": 0.5}
JOINED = {
    "name": "joined",
    "parts": [
        {"name": "send_on_delta", "most": 2},
        {"name": "temporal_contrast", "threshold": 0.2, "channels": ["b"]},
        {"name": "rhythm", "cells": 4, "channels": ["a"]},
        {"name": "template", "phase_s": 0.35, "warm_up": 2},
    ],
}

needs_gcc = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("make")), reason="no gcc or make here"
)


def recording(seed: int) -> mne.io.RawArray:
    rng = np.random.default_rng(seed)
    volts = rng.normal(0, 3e-5, (2, 2500)).cumsum(1) * 0.1
    return mne.io.RawArray(volts, mne.create_info(["a", "b"], 250.0, "ecg"), verbose=0)


def made(encoder: dict[str, Any]) -> Any:
    settings = {key: value for key, value in encoder.items() if key != "name"}
    return find("encoders", encoder["name"]).model_validate(settings)


def write_recording(name: str, seed: int, encoder: dict[str, Any]) -> None:
    raw = recording(seed)
    folder = files.folder("recordings", DATASET)
    files.save_recording(folder / f"{name}_raw.fif", raw)
    signal = prepare_recording(raw, SignalSettings.model_validate(SIGNAL), where=name)
    rng = seeds.generator(0, name)
    spikes = encode(made(encoder), signal, rng)
    path = files.folder("spikes", f"{DATASET}-delta") / f"{name}.h5"
    files.save_spikes(path, spikes)


def write_tables() -> None:
    used = [{"recording": n, "status": "used", "sfreq": 250.0} for n in ("r1", "r2")]
    refused = {"recording": "r3", "status": "refused", "sfreq": 100.0}
    table = pd.DataFrame([*used, refused])
    files.save_table(files.folder("recordings", DATASET) / "recordings.parquet", table)
    windows = pd.DataFrame(
        [
            {"window": 20 * k + n, "recording": name, "subject": name, "session": "",
             "segment": 0, "segment_start": 0, "segment_stop": 1250,
             "start": 55 * n, "stop": 55 * n + STEPS, "label": LABELS[n % 3 == 0]}
            for k, name in enumerate(("r1", "r2")) for n in range(20)
        ]
    )  # fmt: skip
    folder = files.folder("windows", DATASET)
    files.save_table(folder / "windows.parquet", windows)
    roles = np.where(windows["recording"] == "r1", "train", "test")
    folds = pd.DataFrame({"window": windows["window"], "fold": 3, "role": roles})
    files.save_table(folder / "folds.parquet", folds)


def write_cell(
    cell: str, neuron: str, network: Any = NETWORK, encoder: dict[str, Any] = DELTA
) -> Path:
    settings = {
        "network": network,
        "neuron": {"name": neuron},
        "signal": SIGNAL,
        "encoder": encoder,
    }
    run = {
        "dataset": DATASET, "encoder": "delta", "model": cell.split("-", 2)[2],
        "settings": settings, "labels": LABELS, "run_key": "k",
        "folds": [{"fold": 3}],
    }  # fmt: skip
    folder = files.folder("runs", cell)
    files.save_json(folder / "run.json", run)
    n_features = len(made(encoder).features(("a", "b")))
    shape = Shape(STEPS, n_features, 2, 1 / 125)
    settings = {k: v for k, v in network.items() if k != "name"}
    topology: Any = find("networks", network["name"]).model_validate(settings)
    built = topology.build(shape, find("neurons", neuron).model_validate({})).eval()
    meta = {"shape": asdict(shape)}
    files.save_weights(folder / "fold-3.safetensors", built.state_dict(), meta=meta)
    integers = Quantized(quantize(built, some_spikes()), 1.0, 1.0)
    save_quantized(folder / "fold-3.int8.safetensors", integers, meta)
    return folder


def some_spikes() -> Any:
    import torch

    windows = files.load_table(files.folder("windows", DATASET) / "windows.parquet")
    loaded = load(files.folder("spikes", f"{DATASET}-delta"), windows, LABELS)
    return loaded.spikes(torch.arange(len(windows)))


@pytest.fixture
def cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Path:
    """Make a cell and its matched network, fold 3, in an empty checkout."""
    encoder = getattr(request, "param", DELTA)
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        Path(name).touch()
    for seed, name in enumerate(("r1", "r2")):
        write_recording(name, seed, encoder)
    write_tables()
    write_cell(ANN, "relu", encoder=encoder)
    return write_cell(CELL, "leaky", encoder=encoder)


def export(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["biospike", "export", *words, "--target", "c"])
    __main__.main()


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> str:
    with pytest.raises(SystemExit) as caught:
        export(monkeypatch, *words)
    assert caught.value.code == 2
    printed = capsys.readouterr()
    return " ".join((printed.out + printed.err).split())


def change_run(folder: Path, **changes: Any) -> None:
    run = files.load_json(folder / "run.json")
    files.save_json(folder / "run.json", run | changes)


@needs_gcc
@pytest.mark.parametrize(
    "cell", [DELTA, JOINED], indirect=True, ids=["delta", "joined"]
)
def test_an_exported_folder_tests_itself(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(monkeypatch, CELL)
    folder = Path(f"{CELL}-fold-3-c")
    for program in (folder, folder / "matched_ann"):
        done = subprocess.run(
            ["make", "-s", "test"], cwd=program, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr + done.stdout
        expected = (program / "sample.expected").read_text()
        assert expected.count("window ") == SAMPLE_WINDOWS
        assert f"decision {STEPS} " in expected
        (program / "sample.expected").write_text(expected.replace(" 1", " 2", 1))
        broken = subprocess.run(
            ["make", "-s", "test"], cwd=program, capture_output=True, text=True
        )
        assert broken.returncode != 0


def test_the_readme_says_what_it_is(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(monkeypatch, CELL, "--output", "out/program")
    text = Path("out/program/README.md").read_text()
    for words in (CELL, "fold 3", "| 1 | busy |", "250 Hz", "125 Hz", "a, b", ANN):
        assert words in text
    assert "$" not in text
    assert ANN in Path("out/program/matched_ann/README.md").read_text()


def test_written_twice_it_has_the_same_bytes(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bytes_of(folder: Path) -> dict[str, bytes]:
        paths = (p for p in folder.rglob("*") if p.is_file())
        return {str(p.relative_to(folder)): p.read_bytes() for p in paths}

    export(monkeypatch, CELL, "--output", "one")
    first = bytes_of(Path("one"))
    Path("one/left-over").write_text("")
    export(monkeypatch, CELL, "--output", "one")
    assert bytes_of(Path("one")) == first
    assert not list(Path().glob(".partial*"))


def test_a_folder_of_something_else_is_kept(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("thesis").mkdir()
    Path("thesis/chapter.tex").write_text("years of work")
    Path("thesis/model.h").write_text("/* Of a car. */\n")  # many have one
    message = refused(monkeypatch, capsys, CELL, "--output", "thesis")
    assert "is no exported program" in message
    assert Path("thesis/chapter.tex").read_text() == "years of work"


def test_a_cell_without_integers_says_why(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    none = Quantized(None, 1.0, absent="layer 1: the neuron has exponentials")
    save_quantized(cell / "fold-3.int8.safetensors", none, {})
    message = refused(monkeypatch, capsys, CELL)
    assert "layer 1: the neuron has exponentials" in message
    assert not Path(f"{CELL}-fold-3-c").exists()


def test_an_encoder_without_integers_is_refused(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = files.load_json(cell / "run.json")["settings"]
    change_run(cell, settings={**settings, "encoder": {"name": "rate"}})
    assert "has no integer form" in refused(monkeypatch, capsys, CELL)


@pytest.mark.parametrize(
    ("channels", "sfreq", "gap", "message"),
    [
        (["a"], 250.0, 0, "recording r2 it has a at 250 Hz"),
        (["a", "b"], 500.0, 0, "recording r2 it has a, b at 500 Hz"),
        (["a", "b"], 250.0, 1, "recording r2, channel 1 1 samples are not numbers"),
    ],
)
def test_a_recording_that_does_not_fit_the_front_end_is_named(
    cell: Path, channels: list[str], sfreq: float, gap: int, message: str
) -> None:
    program = load_program(TrainedCell.open(CELL).fold())
    volts = np.zeros((len(channels), 600))
    volts[-1, 30 : 30 + gap] = np.nan
    raw = mne.io.RawArray(volts, mne.create_info(channels, sfreq, "ecg"), verbose=0)
    path = files.folder("recordings", DATASET) / "r2_raw.fif"
    files.save_recording(path, raw)
    windows = pd.DataFrame({"segment": [0], "stop": [50]})
    with pytest.raises(DataError) as caught:
        list(segments(program, "r2", windows, lag=0))
    assert f"{caught.value.where} {caught.value.found}".startswith(message)


def test_the_front_end_starts_anew_in_every_segment(cell: Path) -> None:
    path = files.folder("recordings", DATASET) / "recordings.parquet"
    table = files.load_table(path)
    files.save_table(path, table.assign(segments="[[0, 0.0], [1001, 9.0], [2000, 20]]"))
    program = load_program(TrainedCell.open(CELL).fold())
    # 501 prepared samples of the first 1001.
    windows = pd.DataFrame({"segment": [0, 0, 1], "stop": [50, 501, 551]})
    first, second = segments(program, "r2", windows, lag=2)
    assert (first.decisions, second.decisions) == ([42, 493], [42])
    codes = digitise(recording(1).get_data())
    assert np.abs(first.samples - codes[:, :1001]).max() <= 1
    assert np.abs(second.samples - codes[:, 1001:2000]).max() <= 1


def retrained(folder: Path, restart: str, memory_s: float | None) -> None:
    settings = files.load_json(folder / "run.json")["settings"]
    network = {**settings["network"], "restart": restart}
    windows = {"memory_s": memory_s}
    change_run(folder, settings={**settings, "network": network, "windows": windows})


@pytest.mark.parametrize(
    ("restart", "memory_s", "running", "words"),
    [
        ("never", None, RUNS_ON, "The network runs on"),
        ("never", 2.0, Running(memory=250), "remember 2 s"),
        ("windows", 2.0, RESTARTS, "the network starts anew before them"),
    ],
)
def test_a_program_runs_as_its_network_was_trained(
    cell: Path, restart: str, memory_s: float | None, running: Running, words: str
) -> None:
    retrained(cell, restart, memory_s)
    program = load_program(TrainedCell.open(CELL).fold())
    assert program.running == running
    assert words in " ".join(readme(program, "").split())
    (recording,) = sample(program).recordings
    assert bool(recording.anew) == (running.memory is not None)
    stimulus, _ = fold_stimulus(program)
    (whole,) = stimulus.recordings
    assert list(whole.anew) == running.anew(list(whole.decisions))
    assert (running.memory is None) or len(whole.anew) == 4


@pytest.mark.parametrize(
    ("restart", "memory_s", "found"),
    [("blocks", None, "no device knows"), ("never", 0.2, "less than a window")],
)
def test_a_network_that_no_device_runs_is_refused(
    cell: Path, restart: str, memory_s: float | None, found: str
) -> None:
    retrained(cell, restart, memory_s)
    with pytest.raises(PipelineError, match=found):
        load_program(TrainedCell.open(CELL).fold())


def test_windows_that_end_after_their_segment_are_not_decided(cell: Path) -> None:
    program = load_program(TrainedCell.open(CELL).fold())
    last = int(program.test["stop"].max())
    late = replace(program, test=program.test.assign(segment_stop=last - 1))
    for each, n_late in ((program, 0), (late, 1)):
        stimulus, labels = fold_stimulus(each)
        n_decisions = sum(len(one.decisions) for one in stimulus.recordings)
        assert n_decisions == len(labels) == len(program.test) - n_late


def test_recordings_of_two_rates_are_refused(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = files.folder("recordings", DATASET) / "recordings.parquet"
    table = files.load_table(path)
    files.save_table(path, table.assign(status="used"))
    assert "rates of 100, 250" in refused(monkeypatch, capsys, CELL)


HOSTILE = '*/ ??/\n"%s\\ #include </etc/passwd> $(touch y) <script>|[a](javascript:1)`'
"""C, Make, HTML and Markdown in one name."""


def test_names_of_recordings_are_active_in_no_exported_file(
    cell: Path, tmp_path: Path
) -> None:
    program = load_program(TrainedCell.open(CELL).fold())
    folder = tmp_path / "out"
    folder.mkdir()
    fold = program.trained
    run = {**fold.cell.run, "labels": [f"{HOSTILE}{k}" for k in range(2)]}
    program = replace(
        program,
        trained=replace(fold, cell=replace(fold.cell, run=run)),
        channels=(f"{HOSTILE}a", f"{HOSTILE}b"),
    )
    write_program(program, folder, "")
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "README.md":
            assert b"touch y" not in path.read_bytes()
    text = (folder / "README.md").read_text()
    assert "touch y" in text
    for active in ("<script", "</etc", r"(?<!\\)\]\(", r"(?<!\\)`1", '\n"'):
        assert not re.search(active, text)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [3, 3, 3]


@pytest.mark.parametrize("name", ["alpha waves", "C3-A1", "MLII", "left hand, 2"])
def test_usual_names_stand_in_the_readme_as_they_are(name: str) -> None:
    assert c._markdown(name) == name


def test_an_export_replaces_no_link(
    cell: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    export(monkeypatch, CELL, "--output", "mine")
    Path("link").symlink_to("mine")
    with pytest.raises(SystemExit):
        export(monkeypatch, CELL, "--output", "link")
    assert "is a link" in capsys.readouterr().err
    assert Path("mine/model.h").exists()


def test_without_a_matched_network_the_readme_says_so(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_run(files.folder("runs", ANN), dataset="other")
    export(monkeypatch, CELL, "--output", "one")
    assert not Path("one/matched_ann").exists()
    assert "no matched network" in Path("one/README.md").read_text()


def test_a_matched_network_has_hidden_layers_and_the_same_settings_first(
    cell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cell("demo-delta-a-linear", "relu", {**NETWORK, "units": []})
    write_cell("demo-delta-a-wide", "relu", {**NETWORK, "units": [9]})
    export(monkeypatch, CELL, "--output", "one")
    assert f"# {ANN}," in Path("one/matched_ann/README.md").read_text()
    shutil.rmtree(files.folder("runs", ANN))
    export(monkeypatch, CELL, "--output", "two")
    assert "# demo-delta-a-wide," in Path("two/matched_ann/README.md").read_text()


def test_windows_are_of_each_class_as_far_as_there_are(cell: Path) -> None:
    program = load_program(TrainedCell.open(CELL).fold())
    some = stratified(program, 10)["label"].value_counts()
    assert some.to_dict() == {"busy": 5, "calm": 5}
    most = stratified(program, 18)["label"].value_counts()
    assert most.to_dict() == {"busy": 7, "calm": 11}
    assert len(stratified(program, 500)) == 20


def test_the_sample_is_a_walk_of_its_own_for_each_channel(cell: Path) -> None:
    """Steps of 30 µV, independent of each other and of the other channels'."""
    program = load_program(TrainedCell.open(CELL).fold())
    stimulus = sample(program)
    (walked,) = stimulus.recordings
    n_samples = round((1.5 * STEPS + 10) / 125 * 250)  # the filter delays ten steps
    assert walked.samples.shape == (2, n_samples)
    assert list(walked.decisions) == [STEPS // 2, STEPS, STEPS + STEPS // 4]
    volts = walked.samples * UNIT_V
    steps = np.diff(volts, axis=1, prepend=0)
    # Of 150 normal steps the RMS is within a fifth, at over 3 standard errors.
    rms = np.sqrt((steps**2).mean(axis=1))
    np.testing.assert_allclose(rms, 30e-6, rtol=0.2)
    assert np.abs(volts).max(axis=1).min() > 4 * 30e-6
    assert abs(np.corrcoef(steps)[0, 1]) < 0.3
    assert (np.abs([np.corrcoef(s[1:], s[:-1])[0, 1] for s in steps]) < 0.3).all()


def test_the_samples_windows_have_more_and_more_spikes(cell: Path) -> None:
    """From none to half of all bits."""
    stimulus = sample(load_program(TrainedCell.open(CELL).fold()))
    spikes = unpacked(stimulus.windows, stimulus.shape.n_features)
    assert spikes.shape == (SAMPLE_WINDOWS, STEPS, 4)
    shares = spikes.mean(axis=(1, 2))
    assert shares[0] == 0
    np.testing.assert_allclose(shares, np.linspace(0, 0.5, SAMPLE_WINDOWS), atol=0.11)
    again = sample(load_program(TrainedCell.open(CELL).fold()))
    np.testing.assert_array_equal(again.windows, stimulus.windows)
    np.testing.assert_array_equal(
        again.recordings[0].samples, stimulus.recordings[0].samples
    )
