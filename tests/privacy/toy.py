"""A small cell whose labels are drawn by lot: what is known of them is memorised."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.encoders.delta import Delta
from pipeline.networks.dense import Dense
from pipeline.neurons.relu import Relu
from pipeline.privacy import opening
from pipeline.signals import Signal
from pipeline.spikes import pack
from pipeline.training.cell import TrainedCell
from pipeline.training.settings import SparsitySettings, TrainingSettings

CELL = "toy-delta-ann"
N_PERSONS, N_WINDOWS, N_STEPS, DT = 10, 10, 24, 0.02
LABELS = ["calm", "busy"]
FEATURES = ("+", "-", "2+", "2-")


def settings() -> dict[str, Any]:
    """The settings of the run."""
    training = TrainingSettings(
        epochs=5, windows_per_class=200, batch=50, learning_rate=0.03
    )
    network = Dense(units=(64,), bins=8, restart="windows")
    parts = {"encoder": Delta(), "network": network, "neuron": Relu()}
    names = {"encoder": "delta", "network": "dense", "neuron": "relu"}
    return {
        "seed": 3,
        "windows": {},
        "training": training.model_dump(mode="json"),
        "sparsity": SparsitySettings().model_dump(mode="json"),
        **{
            part: {"name": names[part], **each.model_dump(mode="json")}
            for part, each in parts.items()
        },
    }


def write(rng: np.random.Generator) -> TrainedCell:
    """Write the files of a trained cell into this folder: two sessions a person."""
    tables = []
    for person in range(N_PERSONS):
        for session in range(2):
            recording = f"r{person}_{session}"
            _write_recording(recording, rng)
            start = np.arange(N_WINDOWS) * N_STEPS
            labels = rng.permutation(np.arange(N_WINDOWS) % 2)
            tables.append(
                pd.DataFrame(
                    {
                        "recording": recording,
                        "subject": f"s{person}",
                        "session": f"{session}",
                        "segment": 0,
                        "block": np.arange(N_WINDOWS),
                        "start": start,
                        "stop": start + N_STEPS,
                        "segment_start": 0,
                        "segment_stop": N_WINDOWS * N_STEPS,
                        "label": np.array(LABELS)[labels],
                    }
                )
            )
    windows = pd.concat(tables, ignore_index=True).reset_index(names="window")
    folder = files.folder("windows", "toy")
    files.save_table(folder / "windows.parquet", windows)
    folds = windows[["window"]].assign(fold=0, role="train")
    files.save_table(folder / "folds.parquet", folds)
    spikes = files.folder("spikes", "toy-delta")
    files.save_json(spikes / "settings.json", {"parts": [["delta", 4]]})
    return _write_run(files.file_digests(spikes, folder))


def _write_recording(recording: str, rng: np.random.Generator) -> None:
    bits = rng.random((len(FEATURES), N_WINDOWS * N_STEPS)) < 0.3
    spikes = pack(bits, dt=DT, delay_s=0.0, features=FEATURES)
    files.save_spikes(files.folder("spikes", "toy-delta") / f"{recording}.h5", spikes)
    samples = rng.normal(size=(2, N_WINDOWS * N_STEPS)).astype(np.float32)
    signal = Signal(samples, 1 / DT, ("a", "b"), ("", ""), 0.0)
    files.save_signal(files.folder("signals", "toy") / f"{recording}.h5", signal)


def _write_run(inputs: dict[str, str]) -> TrainedCell:
    path = files.folder("runs", CELL) / "run.json"
    names = dict(zip(("dataset", "encoder", "model"), CELL.split("-"), strict=True))
    run = {**names, "labels": LABELS, "run_key": "ab" * 32, "settings": settings()}
    files.save_json(path, run | {"inputs": inputs, "folds": [{"fold": 0}]})
    code = opening.code_digest(TrainedCell.open(CELL), "train")
    inputs = inputs | {Path("data/code/train/ann.json").as_posix(): code}
    files.save_json(path, run | {"inputs": inputs, "folds": [{"fold": 0}]})
    return TrainedCell.open(CELL)
