"""A small cell in this folder, from raw files to predictions, that nothing trained."""

import hashlib
import json
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from pipeline import files, seeds
from pipeline.components import find
from pipeline.decisions.stored import write_example
from pipeline.encoding.encode import encode
from pipeline.networks.base import Shape
from pipeline.origins.lock import STAGES
from pipeline.preparation.signals import SignalSettings
from pipeline.preparation.streaming import prepare_recording
from pipeline.runs import HEADLINE, run_key
from pipeline.training.cell import TrainedCell
from pipeline.training.settings import TrainingSettings
from pipeline.training.task import Task
from pipeline.training.trained import predictions

NAMES = {"dataset": "toy", "encoder": "code", "model": "net"}
DATASET, CELL, SPIKES = "toy", "toy-code-net", "toy-code"
LABELS = ("calm", "busy")
CHANNELS, SFREQ, STEPS = ("a", "b"), 250.0, 50
SIGNAL = {"l_freq": 2, "h_freq": 40, "sfreq": 125, "scale": {"tau_s": 1, "floor": 1e-6}}
ISI = {"name": "isi", "frame_s": 0.08}
DELTA = {"name": "delta", "threshold": 0.5}
FOLDS = {1: {"r1": "test", "r2": "validation", "r3": "train"},
         3: {"r1": "train", "r2": "test", "r3": "validation"}}  # fmt: skip
RAW = {"RECORDS": b"r1 r2 r3", **{f"r{n}.dat": bytes([n] * 50) for n in (1, 2, 3)}}


def made(kind: str, settings: dict[str, Any]) -> Any:
    own = {key: value for key, value in settings.items() if key != "name"}
    return find(kind, settings["name"]).model_validate(own)


def write(
    encoder: dict[str, Any] = ISI, restart: str = "never", source: str = "synthetic_ecg"
) -> None:
    """Write the cell; its networks are those that a seed draws."""
    fetch(RAW)
    for number, name in enumerate(FOLDS[1]):
        record(name, number, encoder)
    network = {"name": "convolutional", "channels": [6], "kernels": [4],
               "strides": [3], "bins": 4, "restart": restart}  # fmt: skip
    settings = {
        "seed": 5, "labels": list(LABELS), "signal": SIGNAL, "encoder": encoder,
        "network": network, "neuron": {"name": "relu"}, "source": {"name": source},
        "folds": {"scheme": "cross_subject"}, "windows": {"memory_s": None},
    }  # fmt: skip
    tables()
    train(settings)
    describe()
    write_example(TrainedCell.open(CELL))
    lock()


def fetch(raw: dict[str, bytes]) -> None:
    """Write raw files, and their manifest."""
    folder = files.folder("raw", DATASET)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in raw.items():
        (folder / name).write_bytes(content)
    digests = {name: hashlib.sha256(raw[name]).hexdigest() for name in raw}
    files.save_json(folder / "manifest.json", {"files": digests, "root": ""})


def record(name: str, number: int, encoder: dict[str, Any]) -> None:
    """Write a recording of ten seconds, its signal and its spikes."""
    rng = np.random.default_rng(number)
    volts = rng.normal(0, 3e-5, (2, 2500)).cumsum(1) * 0.1
    info = mne.create_info(list(CHANNELS), SFREQ, "ecg")
    raw = mne.io.RawArray(volts, info, verbose="error")
    path = files.folder("recordings", DATASET) / f"{name}_raw.fif"
    files.save_recording(path, raw)
    kept = files.load_recording(path)
    settings = SignalSettings.model_validate(SIGNAL)
    signal = prepare_recording(kept, settings, where=name)
    files.save_signal(files.folder("signals", DATASET) / f"{name}.h5", signal)
    spikes = encode(made("encoders", encoder), signal, seeds.generator(0, name))
    files.save_spikes(files.folder("spikes", SPIKES) / f"{name}.h5", spikes)


def tables() -> None:
    """Write the tables of recordings, windows and folds."""
    rows = [
        {"recording": name, "subject": f"p{name[1]}", "session": "", "status": "used",
         "sfreq": SFREQ, "duration_s": 10.0, "channels": json.dumps(CHANNELS),
         "n_channels": 2, "annotations": json.dumps({"calm": 14, "busy": 7}),
         "segments": "[[0, 0.0]]", "left_out": "{}", "numbers": "{}", "reason": "",
         "flat_share": 0.0, "clipped_share": 0.0, "line_noise_share": 0.0}
        for name in FOLDS[1]
    ]  # fmt: skip
    refused = {**rows[0], "recording": "r4", "status": "refused", "subject": "p4"}
    refused["reason"] = "it is flat"
    folder = files.folder("recordings", DATASET)
    files.save_table(folder / "recordings.parquet", pd.DataFrame([*rows, refused]))
    files.save_json(folder / "labels.json", {"calm": "calm", "busy": "busy hand"})
    files.save_json(folder / "files.json", {"used": 3, "absent": {}, "left_out": {}})
    windows = pd.DataFrame(
        [
            {"window": 21 * k + n, "recording": name, "subject": f"p{name[1]}",
             "session": "", "segment": 0, "block": n, "segment_start": 10,
             "segment_stop": 1250, "start": 55 * n - 20, "stop": 55 * n - 20 + STEPS,
             "label": LABELS[n % 3 == 0], "onset_s": 0.4 * n, "reason": ""}
            for k, name in enumerate(FOLDS[1]) for n in range(21)
        ]
    )  # fmt: skip
    roles = [
        windows[["window"]].assign(fold=fold, role=windows["recording"].map(role))
        for fold, role in FOLDS.items()
    ]
    folder = files.folder("windows", DATASET)
    files.save_table(folder / "windows.parquet", windows)
    files.save_table(folder / "folds.parquet", pd.concat(roles, ignore_index=True))
    files.save_json(folder / "settings.json", {"seed": 5})


def train(settings: dict[str, Any]) -> None:
    """Write networks of random weights, and what they predict of test windows."""
    import torch

    windows, spikes = files.folder("windows", DATASET), files.folder("spikes", SPIKES)
    code = Path("data/code/train/net.json")
    files.save_json(code, {"modules": {}})
    inputs = files.file_digests(spikes, windows, code)
    network, neuron = (made(f"{p}s", settings[p]) for p in ("network", "neuron"))
    table, folds = (
        files.load_table(windows / f"{name}.parquet") for name in ("windows", "folds")
    )
    task = Task(
        CELL, spikes, table, folds, LABELS, network, neuron, TrainingSettings(), 5, {}
    )
    run, tested = files.folder("runs", CELL), []
    n_features = len(files.load_spikes(spikes / "r1.h5").features)
    shape = Shape(STEPS, n_features, len(LABELS), 1 / 125)
    for fold in FOLDS:
        with torch.random.fork_rng():
            torch.manual_seed(fold)
            built = network.build(shape, neuron).eval()
        meta = {"shape": {**vars(shape)}}
        path = run / f"fold-{fold}.safetensors"
        files.save_weights(path, built.state_dict(), meta=meta)
        tested.append(predictions(task, built, fold))
    files.save_table(run / "predictions.parquet", pd.concat(tested, ignore_index=True))
    summary = {"epochs": 2, "parameters": 100}
    about = {**NAMES, "labels": LABELS, "settings": settings, "inputs": inputs,
             "run_key": run_key(settings, inputs), "n_folds": 2, "unjudged": [],
             "folds": [{"fold": fold, **summary} for fold in FOLDS]}  # fmt: skip
    files.save_json(run / "run.json", about)
    columns = ["fold", "epoch", "train_loss"]
    files.save_csv(run / "history.csv", pd.DataFrame([(1, 0, 0.5)], columns=columns))


def describe() -> None:
    """Write the card of the data set, metrics and energy of the cell, and settings."""
    known = {"title": "Toy", "licence": "none", "citation": "nobody", "modality": "ecg",
             "home": None}  # fmt: skip
    files.save_json(files.DATA / "cards" / f"{DATASET}.json", known)
    estimate = {"value": 0.75, "low": 0.625, "high": 0.875}
    missed = {"value": 0.25, "low": None, "high": None}
    nothing = {"value": None, "low": None, "high": None, "reason": "one class"}
    metrics = {
        **dict.fromkeys(("balanced_accuracy", "macro_f1", "accuracy"), estimate),
        "auroc": nothing, "prior": {"value": 0.5}, "subjects": 2, "unjudged": [],
        "classes": {
            label: {"sensitivity": each, "positive_predictivity": estimate,
                    "f1": estimate, "auroc": nothing}
            for label, each in zip(LABELS, (estimate, missed), strict=True)
        },
        "clock": {"best": "trees", "trees": {"value": 0.7, "low": 0.6, "high": 0.8},
                  "near": True, "difference": 0.05, "p": 0.4},
        "interval": {"method": "BCa", "confidence": 0.95},
        "folds": [{"fold": fold, "accuracy": 0.5} for fold in FOLDS],
    }  # fmt: skip
    folder = files.folder("metrics", CELL)
    files.save_json(folder / "metrics.json", metrics)
    subjects = pd.DataFrame({"subject": ["p1", "p2"], "balanced_accuracy": [0.7, 0.8]})
    files.save_csv(folder / "subjects.csv", subjects)
    counted = {"per_window": {"effective_acs": 2.0}, "footprint_bytes": 400,
               "synapses": 100}  # fmt: skip
    estimated = {HEADLINE: {"energy_uj_per_window": 0.25, "source": "Horowitz"}}
    bill = {"counted": counted, "estimated": estimated, "int8": {"absent": "a test"}}
    files.save_json(files.folder("energy", CELL) / "energy.json", bill)
    grid = {"dataset": [DATASET], "encoder": ["code"], "model": ["net"]}
    params = {"seed": 5, "grid": grid, "evaluation": {"resamples": 100}}
    with Path("params.yaml").open("w") as stream:
        YAML(typ="safe").dump(params, stream)


def lock() -> None:
    """Write DVC's lock as if it had run the stages."""
    signals = [f"data/{kind}/{DATASET}" for kind in ("signals", "windows")]
    paths = [[f"data/raw/{DATASET}"], [f"data/recordings/{DATASET}"], signals,
             [f"data/spikes/{SPIKES}"], [f"data/runs/{CELL}"]]  # fmt: skip
    stages = {}
    for stage, reads, wrote in zip(STAGES, [[], *paths], paths, strict=False):
        name = stage.format(**NAMES)
        command = f"stages/run {name.replace('@', ' ')}"
        deps, outs = ([entry(path) for path in part] for part in (reads, wrote))
        stages[name] = {"cmd": command, "deps": deps, "outs": outs}
    with Path("dvc.lock").open("w") as stream:
        YAML(typ="safe").dump({"schema": "2.0", "stages": stages}, stream)


def entry(path: str) -> dict[str, str]:
    """Write a folder as DVC's lock has it: the MD5 of the list of its files."""
    rows = []
    for each in sorted(Path(path).rglob("*"), key=str):
        if each.is_file():
            md5 = hashlib.md5(each.read_bytes()).hexdigest()
            rows.append({"md5": md5, "relpath": str(each.relative_to(path))})
    listed = json.dumps(rows).encode()
    return {"path": path, "md5": f"{hashlib.md5(listed).hexdigest()}.dir"}
