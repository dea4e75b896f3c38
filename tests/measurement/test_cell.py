"""A cell's program and its network, measured outside the chain."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import __main__, files, seeds
from pipeline.components import find
from pipeline.device.running import RESTARTS, RUNS_ON
from pipeline.device.stimulus import AdcRecording
from pipeline.encoding.encode import encode
from pipeline.errors import ConfigError, DataError, MeasurementError
from pipeline.exporting.parts.c_program import load_program
from pipeline.measurement import cell as measuring
from pipeline.measurement import measured
from pipeline.measurement.cell import (
    Log,
    accuracy,
    bill,
    emulated,
    excerpt,
    measure_cell,
    weighted,
)
from pipeline.measurement.emulation import PROCESSORS
from pipeline.measurement.words import measured_lines
from pipeline.networks.base import Shape
from pipeline.preparation.signals import SignalSettings
from pipeline.preparation.streaming import prepare_recording
from pipeline.profiling.cost_tables import instruction_energy
from pipeline.profiling.duty import duty
from pipeline.profiling.profile import ProfilingSettings
from pipeline.quantization.quantize import quantize
from pipeline.training.batches import load
from pipeline.training.cell import TrainedCell
from pipeline.training.quantizing import Quantized, save_quantized

CELL, ANN, DATASET, FOLD = "demo-delta-lif", "demo-delta-ann", "demo", 3
LABELS, STEPS = ["calm", "busy"], 50
SIGNAL = {"l_freq": 2, "h_freq": 40, "sfreq": 125, "scale": {"tau_s": 1, "floor": 1e-6}}
NETWORK = {"name": "dense", "units": [7], "bins": 2}
QUICK = ProfilingSettings(latency_repeats=2, meter_s=0.01, meter_repeats=2)
ABSENT = {"meter": {"absent": "none here"}}
PARAMS = Path(__file__).parents[1] / "params.yaml"
INTERVAL_S = 0.44
"""From one window to the next: 55 steps of 8 ms."""

THERE = {
    "instructions_per_window": 1000.0,
    "instructions_per_decision": 44.0,
    "front_end_instructions_per_sample": 20.0,
    "network_instructions_per_step": 30.0,
}

needs_gcc = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("make")), reason="no gcc or make here"
)
needs_m4 = pytest.mark.skipif(
    not all(map(shutil.which, PROCESSORS[0].tools)), reason="no tools for Cortex-M4"
)


def write_recording(name: str, seed: int) -> None:
    volts = np.random.default_rng(seed).normal(0, 3e-6, (2, 2500)).cumsum(1)
    raw = mne.io.RawArray(volts, mne.create_info(["a", "b"], 250.0, "ecg"), verbose=0)
    folder = files.folder("recordings", DATASET)
    files.save_recording(folder / f"{name}_raw.fif", raw)
    signal = prepare_recording(raw, SignalSettings.model_validate(SIGNAL), where=name)
    encoder: Any = find("encoders", "delta")
    spikes = encode(encoder(threshold=0.5), signal, seeds.generator(0, name))
    path = files.folder("spikes", f"{DATASET}-delta") / f"{name}.h5"
    files.save_spikes(path, spikes)


def write_tables() -> None:
    """Two recordings of 20 windows, the second one tested: 7 are busy, 13 calm."""
    table = pd.DataFrame({"recording": ["r1", "r2"], "status": "used", "sfreq": 250.0})
    files.save_table(files.folder("recordings", DATASET) / "recordings.parquet", table)
    windows = pd.DataFrame(
        [
            {"window": 20 * k + n, "recording": name, "subject": name, "session": "",
             "segment": 0, "segment_start": 0, "segment_stop": 1250,
             "start": 55 * n, "stop": 55 * n + STEPS, "onset_s": INTERVAL_S * n,
             "label": LABELS[n % 3 == 0], "reason": ""}
            for k, name in enumerate(("r1", "r2")) for n in range(20)
        ]
    )  # fmt: skip
    folder = files.folder("windows", DATASET)
    files.save_table(folder / "windows.parquet", windows)
    roles = np.where(windows["recording"] == "r1", "train", "test")
    folds = pd.DataFrame({"window": windows["window"], "fold": FOLD, "role": roles})
    files.save_table(folder / "folds.parquet", folds)


def write_cell(cell: str, neuron: str) -> None:
    settings = {
        "network": NETWORK,
        "neuron": {"name": neuron},
        "signal": SIGNAL,
        "encoder": {"name": "delta", "threshold": 0.5},
    }
    run = {
        "dataset": DATASET, "encoder": "delta", "model": cell.split("-", 2)[2],
        "settings": settings, "labels": LABELS, "run_key": "k",
        "folds": [{"fold": FOLD}],
    }  # fmt: skip
    folder = files.folder("runs", cell)
    files.save_json(folder / "run.json", run)
    shape = Shape(STEPS, 4, 2, 1 / 125)
    found = {k: v for k, v in NETWORK.items() if k != "name"}
    topology: Any = find("networks", "dense").model_validate(found)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        built = topology.build(shape, find("neurons", neuron).model_validate({})).eval()
    meta = {"shape": asdict(shape)}
    files.save_weights(
        folder / f"fold-{FOLD}.safetensors", built.state_dict(), meta=meta
    )
    windows = files.load_table(files.folder("windows", DATASET) / "windows.parquet")
    loaded = load(files.folder("spikes", f"{DATASET}-delta"), windows, LABELS)
    integers = quantize(built, loaded.spikes(torch.arange(len(windows))))
    path = folder / f"fold-{FOLD}.int8.safetensors"
    save_quantized(path, Quantized(integers, 1.0, 1.0), meta)
    tested = pd.DataFrame({"window": range(20, 40), "fold": FOLD})
    files.save_table(folder / "predictions.parquet", tested)


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a cell and its matched network in an empty checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_TRACKING", "off")
    for seed, name in enumerate(("r1", "r2")):
        write_recording(name, seed)
    write_tables()
    write_cell(ANN, "relu")
    write_cell(CELL, "leaky")
    return CELL


@needs_gcc
@pytest.mark.parametrize("name", [CELL, ANN])
def test_a_program_does_as_the_integer_network_says(cell: str, name: str) -> None:
    found = emulated(TrainedCell.open(name).fold())
    assert json.loads(json.dumps(found)) == found
    assert found["fold"] == FOLD
    host = found["host"]
    assert host["decisions"] == 20
    assert host["agreement"] == host["front_end_agreement"] == 1
    assert 0 <= host["balanced_accuracy"] <= 1
    assert 0 <= host["macro_f1"] <= 1


@needs_gcc
@needs_m4
def test_instructions_become_joules_and_days(cell: str) -> None:
    here = emulated(TrainedCell.open(cell).fold())["cortex_m4"]
    assert here["agreement"] == here["front_end_agreement"] == 1
    assert here["windows"] == 20
    assert "instructions" not in here  # one number a window belongs in no report
    window = here["instructions_per_window"]
    always_on = 250 * here["front_end_instructions_per_sample"]
    assert here["front_end_instructions_per_second"] == pytest.approx(always_on)
    second = always_on + window / INTERVAL_S
    assert here["instructions_per_second"] == pytest.approx(second)
    joules = instruction_energy("cortex_m4")
    assert here["energy_uj_per_window"] == pytest.approx(window * joules * 1e6)
    assert here["energy_uj_per_second"] == pytest.approx(second * joules * 1e6)
    average_w = here["energy_uj_per_second"] * 1e-6
    assert here["duty"]["average_w"] == pytest.approx(average_w)
    assert here["duty"]["battery_days"] > 0
    # Running on, a window goes through the network once, not once a decision.
    running = here["running"]
    assert here["decisions"] == 20
    assert 0 < here["instructions_per_decision"] < window / 4
    per_step = running["network_instructions_per_second"] / 125
    assert 0.5 * window < STEPS * per_step < window


def test_a_processor_without_a_cost_has_instructions_alone(cell: str) -> None:
    program = load_program(TrainedCell.open(cell).fold())
    running = 5000 + 125 * 30
    assert bill(program, THERE, "rv32imac") == {
        "front_end_instructions_per_second": 5000.0,
        "instructions_per_second": pytest.approx(5000 + 1000 / INTERVAL_S),
        "running": {
            "network_instructions_per_second": pytest.approx(125 * 30),
            "instructions_per_second": pytest.approx(running + 44 / INTERVAL_S),
        },
    }
    joules = instruction_energy("cortex_m4")
    found = bill(program, THERE, "cortex_m4")
    assert found["duty"] == duty(1000 * joules, 5000 * joules, 1 / INTERVAL_S)
    assert found["running"]["duty"]["average_w"] == pytest.approx(
        joules * (running + 44 / INTERVAL_S)
    )
    assert found["running"]["energy_uj_per_second"] == pytest.approx(
        1e6 * found["running"]["duty"]["average_w"]
    )


def test_a_network_that_restarts_has_no_bill_of_running_on(cell: str) -> None:
    program = load_program(TrainedCell.open(cell).fold())
    assert program.running == RUNS_ON
    assert "running" not in bill(replace(program, running=RESTARTS), THERE, "cortex_m4")
    undecided = THERE | {"instructions_per_decision": None}
    assert "running" not in bill(program, undecided, "cortex_m4")


def test_an_excerpt_ends_with_its_samples() -> None:
    recording = AdcRecording(np.arange(20).reshape(2, 10), (1, 2, 3, 5), (2, 5))
    cut = excerpt(recording, 9, 0.5, 1)  # four steps, of which the first is none
    assert cut.samples.tolist() == recording.samples[:, :9].tolist()
    assert (cut.decisions, cut.anew) == ([1, 2, 3], [2])
    full = excerpt(recording, 100, 0.5, 0)
    assert full.samples.shape == (2, 10)
    assert (full.decisions, full.anew) == ([1, 2, 3, 5], [2, 5])


def test_windows_weigh_as_often_as_their_classes_occur() -> None:
    spent = np.array([10.0, 20.0, 100.0, 300.0])
    sampled = pd.Series(["N", "N", "V", "V"], index=[7, 3, 9, 1])
    windows = pd.Series(["N"] * 90 + ["V"] * 10)
    found = weighted(spent, sampled, windows)
    assert found == {"instructions_per_window": pytest.approx(0.9 * 15 + 0.1 * 200)}
    # A sample in the shares of all is as it is, in any order.
    assert weighted(spent[::-1], sampled[::-1], sampled) == {
        "instructions_per_window": pytest.approx(spent.mean())
    }


def test_accuracy_is_of_the_decisions(cell: str) -> None:
    from pipeline.device.expected import Results

    program = load_program(TrainedCell.open(cell).fold())
    logits = np.array([[2, 1], [2, 1], [0, 5], [9, 1]])
    results = Results(np.empty((0, 2)), logits, ())
    found = accuracy(results, ["calm", "calm", "busy", "busy"], program)
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_without_tools_nothing_is_claimed_of_machines(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    found = emulated(TrainedCell.open(cell).fold())
    assert found.pop("fold") == FOLD
    assert set(found) == {"host", *(each.name for each in PROCESSORS)}
    assert all(list(part) == ["absent"] for part in found.values())


def test_a_cell_without_integers_is_absent_with_its_reason(cell: str) -> None:
    path = files.folder("runs", cell) / f"fold-{FOLD}.int8.safetensors"
    save_quantized(path, Quantized(None, 1.0, absent="layer 1: exponentials"), {})
    found = emulated(TrainedCell.open(cell).fold())
    assert list(found) == ["absent"]
    assert "layer 1: exponentials" in found["absent"]


def test_a_program_that_fails_is_absent_with_its_reason(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MeasurementError("make", "ended with status 2: no such thing")

    monkeypatch.setattr(measuring, "emulate", fail)
    found = emulated(TrainedCell.open(cell).fold())
    assert found == {"absent": "make: ended with status 2: no such thing"}


@pytest.fixture
def quick(cell: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The cell; nothing is emulated and there is one meter, which is absent."""
    monkeypatch.setattr(measuring, "emulated", lambda trained: {"absent": "later"})
    monkeypatch.setattr(measuring, "meters", lambda *_: ABSENT)
    return cell


def test_what_was_measured_is_kept_beside_what_was_before(quick: str) -> None:
    old = {"meters": {"old": {"absent": "why"}}, "imported": {"source": "log.csv"}}
    measured.add(quick, "k", old)
    found = measure_cell(quick, None, QUICK)
    assert measured.load(quick, "k") == json.loads(json.dumps(found))
    assert found["imported"] == {"source": "log.csv"}
    assert found["meters"] == ABSENT
    assert found["emulated"] == {"absent": "later"}
    assert found["latency"]["repeats"] == 2
    assert found["latency"]["median_ms_per_window"] > 0
    assert set(found["machine"]) == {"system", "processor"}


def test_what_was_measured_belongs_to_the_run(quick: str) -> None:
    measured.add(quick, "of another", {"imported": {"source": "log.csv"}})
    found = measure_cell(quick, None, QUICK)
    assert set(found) == {"latency", "machine", "meters", "emulated"}
    assert list(measured.load(quick, "of another")) == ["imported"]
    assert not files.folder("energy", quick).exists()


def test_the_window_that_is_timed_is_the_folds_first_test_window(
    quick: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(measuring, "meters", lambda *given: seen.extend(given) or {})
    measure_cell(quick, FOLD, QUICK)
    network, windows, settings = seen
    table = files.load_table(files.folder("windows", DATASET) / "windows.parquet")
    folder = files.folder("spikes", f"{DATASET}-delta")
    expected = load(folder, table[table["window"] == 20], LABELS)
    assert torch.equal(
        windows.spikes(torch.arange(1)), expected.spikes(torch.arange(1))
    )
    assert settings is QUICK
    assert not network.training


def test_a_log_is_imported(quick: str, tmp_path: Path) -> None:
    rows = ["time_s,power_mW,marker"]
    for k in range(200):
        work = k // 50 % 2
        rows.append(f"{k / 100},{1 + 2 * work},{work}")
    log = tmp_path / "log.csv"
    log.write_text("\n".join([*rows, "2.0,1,0", ""]))
    found = measure_cell(quick, None, QUICK, Log(log, 10))["imported"]
    assert found["source"] == "log.csv"
    assert found["energy_j_per_window"] == pytest.approx(2e-3 * 0.5 / 10, rel=0.02)
    log.write_text("time_s,power_mW,marker\n0,1,0\n")
    with pytest.raises(DataError):
        measure_cell(quick, None, QUICK, Log(log, 10))


def test_a_cell_that_was_not_trained_is_refused(cell: str) -> None:
    with pytest.raises(DataError, match=r"run\.json"):
        measure_cell("demo-delta-nothing", None, QUICK)
    with pytest.raises(DataError, match="no fold 0"):
        measure_cell(cell, 0, QUICK)


def command(*words: str) -> Any:
    return __main__.parser().parse_args(["measure", *words])


@pytest.mark.parametrize("billed", [False, True])
def test_the_command_publishes_beside_the_bill_and_makes_the_page_again(
    quick: str, monkeypatch: pytest.MonkeyPatch, billed: bool
) -> None:
    shutil.copy(PARAMS, "params.yaml")
    seen: list[Any] = []
    monkeypatch.setattr("pipeline.tracking.publish", lambda *given: seen.append(given))
    monkeypatch.setattr(
        "pipeline.report.page.refresh", lambda: seen.append(measured.load(quick, "k"))
    )
    if billed:
        files.save_json(files.folder("energy", quick) / "energy.json", {})
    command(quick).do(command(quick))
    assert seen[0] == (quick, "runs", *(["energy"] if billed else []))
    assert seen[1:] == [measured.load(quick, "k")]
    assert seen[1]["meters"] == ABSENT


@pytest.mark.parametrize("words", [("--meter-log", "log.csv"), ("--windows", "10")])
def test_a_log_needs_its_windows_and_they_a_log(words: tuple[str, ...]) -> None:
    arguments = command(CELL, *words)
    with pytest.raises(ConfigError, match="one of --meter-log and --windows"):
        arguments.do(arguments)


def test_a_log_is_of_one_cell() -> None:
    arguments = command(CELL, ANN, "--meter-log", "log.csv", "--windows", "10")
    with pytest.raises(ConfigError, match="one --meter-log for several cells"):
        arguments.do(arguments)


def test_what_was_measured_is_printed(
    cell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(PARAMS, "params.yaml")
    metered = {"energy_j_per_window": 2.5e-4, "low": 2e-4, "high": 3e-4, "idle_w": 1.5}
    seen: list[Any] = []

    def measure(cell: str, fold: int | None, settings: Any, log: Log | None) -> Any:
        seen.append((cell, fold, settings.latency_repeats, log))
        same = {"agreement": 0.975, "decisions": 0}
        machine = {"instructions_per_window": 12345.6, "energy_uj_per_window": 0.4567}
        machine |= {"instructions_per_second": 2e4}
        machine |= {"running": {"instructions_per_second": 8765.4}}
        return {
            "emulated": {
                "fold": 3,
                "host": {"agreement": 1.0, "windows": 0, "decisions": 20}
                | {"balanced_accuracy": 0.9125},
                "cortex_m4": {"windows": 200, **same, **machine},
                "rv32imac": {"absent": "apt install [this]"},
            },
            "meters": {"rapl": {"absent": "no powercap"}, "nvml": metered},
            "imported": metered | {"energy_j_per_window": 3e-6},
        }

    monkeypatch.setattr(measuring, "measure_cell", measure)
    arguments = command(
        CELL, "--fold", "3", "--meter-log", "log.csv", "--windows", "10"
    )
    arguments.do(arguments)
    assert seen == [(CELL, 3, 3, Log(Path("log.csv"), 10))]
    printed = capsys.readouterr()
    text = " ".join((printed.out + printed.err).split())
    for words in (
        "host: 100.00% of 20 decisions as the integer model, balanced accuracy 0.912",
        "cortex_m4: 97.50% of 200 decisions as the integer model, 12,346 instructions "
        "a window, 0.457 µJ a window, 8,765 instructions a second running on, 20,000 "
        "restarting",
        "rv32imac: absent, apt install [this]",
        "rapl: absent, no powercap",
        "nvml: 250 µJ a window (200 to 300), idle 1.5 W",
        "log: 3 µJ a window",
    ):
        assert words in text
    assert "fold" not in text


def test_a_program_that_is_absent_is_one_line() -> None:
    lines = measured_lines({"emulated": {"absent": "two rates"}, "meters": {}})
    assert lines == ["emulated: absent, two rates"]
