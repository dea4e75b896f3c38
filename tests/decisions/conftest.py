"""A small trained cell in a checkout of its own, with pauses in its recordings."""

from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest

from pipeline import files
from pipeline.networks.convolutional import Convolutional
from pipeline.neurons.leaky import Leaky
from pipeline.signals import Signal
from pipeline.spikes import pack
from pipeline.training.settings import TrainingSettings
from pipeline.training.task import Task
from pipeline.training.train import train

LABELS = ("calm", "busy")
STEPS, WINDOWS, DT, DELAY_S, LAG = 16, 24, 0.02, 0.06, 3
"""A window's steps, a recording's windows, and how late filter (s) and code (steps)."""
PAUSE_S, SECOND = 5.0, 12 * STEPS
"""Before the second segment, and its first prepared sample."""
SETTINGS = TrainingSettings(
    epochs=2, windows_per_class=16, batch=16, learning_rate=0.05, segment_s=0.6
)
ROLES = {"r0": "test", "r1": "validation", "r2": "train"}


@pytest.fixture(scope="session", params=["never", "windows"])
def checkout(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """A checkout whose cell `toy-delta-lif` runs on, or restarts."""
    network = Convolutional(
        channels=(6,), kernels=(4,), strides=(2,), bins=4, restart=request.param
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("checkout"))
        make(network, Leaky(threshold=0.5))
        return Path.cwd()


@pytest.fixture
def here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(checkout)
    return checkout


def make(network: Any, neuron: Any) -> None:
    """Write and train the cell in this folder."""
    rng = np.random.default_rng(3)
    busy = {name: rng.permutation(np.arange(WINDOWS) % 2) for name in ROLES}
    windows = pd.concat([_windows(n, *each) for n, each in enumerate(busy.items())])
    folder = files.folder("windows", "toy")
    files.save_table(folder / "windows.parquet", windows)
    folds = windows[["window"]].assign(fold=0, role=windows["recording"].map(ROLES))
    folds = folds[folds["window"] != 2]  # a window that no fold tests
    files.save_table(folder / "folds.parquet", folds)
    for name, each in busy.items():
        _record(name, each, rng)
    inputs = {"spikes": "1234"}
    spikes, used = files.folder("spikes", "toy-delta"), windows.reset_index(drop=True)
    task = Task(
        "toy-delta-lif",
        *(spikes, used, folds, LABELS, network, neuron, SETTINGS, 11, inputs),
    )
    run = files.folder("runs", task.name)
    lines = train(task, run)
    parts = {"network": network, "neuron": neuron}
    names = {"network": "convolutional", "neuron": "leaky"}
    settings = {k: {"name": names[k], **v.model_dump()} for k, v in parts.items()}
    about = {"dataset": "toy", "encoder": "delta", "model": "lif", "labels": LABELS}
    plain = {**about, "folds": lines, "settings": settings, "run_key": "ab" * 32}
    files.save_json(run / "run.json", plain)


def _windows(number: int, name: str, busy: np.ndarray) -> pd.DataFrame:
    start = np.arange(WINDOWS) * STEPS
    later = start >= SECOND
    table = {
        "window": number * WINDOWS + np.arange(WINDOWS),
        "recording": name,
        "subject": f"person {number}",
        "session": "1",
        "segment": later.astype(int),
        "block": np.arange(WINDOWS),
        "start": start,
        "stop": start + STEPS,
        "segment_start": np.where(later, SECOND, 0),
        "segment_stop": np.where(later, WINDOWS * STEPS, SECOND),
        "label": np.array(LABELS)[busy],
        "onset_s": start * DT - DELAY_S + PAUSE_S * later,
        "reason": "",
    }
    return pd.DataFrame(table)


def _record(name: str, busy: np.ndarray, rng: np.random.Generator) -> None:
    """Write a recording of 100 samples/s whose samples are their time, nV a second."""
    rate = np.repeat(np.where(busy, 0.5, 0.05), STEPS)
    bits = rng.random((2, rate.size)) < rate
    spikes = pack(bits, dt=DT, delay_s=LAG * DT, features=("+", "-"))
    files.save_spikes(files.folder("spikes", "toy-delta") / f"{name}.h5", spikes)
    sample = np.arange(WINDOWS * STEPS)
    time_s = sample * DT - DELAY_S + PAUSE_S * (sample >= SECOND)
    signal = Signal(
        time_s[None].astype(np.float32), 1 / DT, ("lead",), ("1",), DELAY_S, (0, SECOND)
    )
    files.save_signal(files.folder("signals", "toy") / f"{name}.h5", signal)
    n = np.arange(2 * WINDOWS * STEPS)
    clock_s = n * DT / 2 + PAUSE_S * (n >= 2 * SECOND)
    raw = mne.io.RawArray(
        1e-9 * np.stack([clock_s, -clock_s]),
        mne.create_info(["lead", "other"], 2 / DT, "ecg"),
        verbose="error",
    )
    folder = files.folder("recordings", "toy")
    files.save_recording(folder / f"{name}_raw.fif", raw)
    segments = f"[[0, 0.0], [{2 * SECOND}, {SECOND * DT + PAUSE_S}]]"
    table = pd.DataFrame({"recording": list(ROLES), "segments": segments})
    files.save_table(folder / "recordings.parquet", table)
