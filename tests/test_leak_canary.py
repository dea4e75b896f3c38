"""The leak canary: labels that mean nothing cannot be learned, unless the split leaks.

Every person, sitting and block of the simulated signals hums at frequencies of its own.
A group gets one random label: a classifier that meets the same group in training and
test knows the answer by its hum, one that does not can only guess.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from pipeline import files
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky
from pipeline.preparation import causal, signals
from pipeline.preparation.cutting import cut_windows
from pipeline.preparation.folds import FoldSettings, make_folds
from pipeline.preparation.windows import Annotations, Sliding, Timeline
from pipeline.spikes import pack
from pipeline.training.settings import TrainingSettings
from pipeline.training.task import Task, load_role

SFREQ = 100.0
N_SUBJECTS, N_SESSIONS, N_BLOCKS, BLOCK_S = 12, 3, 6, 4.0
SLIDING = Sliding(kind="sliding", length_s=1.0, step_s=0.5)
SIGNAL = signals.SignalSettings(
    l_freq=2, h_freq=45, scale=signals.Scale(tau_s=5, floor=1e-3)
)
N_PERMUTATIONS = 6

SCHEMES = {
    "cross_subject": ({"scheme": "cross_subject", "n_folds": 4}, ["subject"]),
    "leave one subject out": (
        {"scheme": "cross_subject", "n_folds": "subjects"},
        ["subject"],
    ),
    "repeated plain deals": (
        {
            "scheme": "cross_subject",
            "n_folds": 4,
            "repeats": 2,
            "stratified": False,
        },
        ["subject"],
    ),
    "cross_session": ({"scheme": "cross_session"}, ["subject", "session"]),
    "within_session": ({"scheme": "within_session", "n_folds": 3}, ["block"]),
    "predefined": (
        {
            "scheme": "predefined",
            "train": [f"{s}-{t}" for s in range(8) for t in range(3)],
            "test": [f"{s}-{t}" for s in range(8, 12) for t in range(3)],
        },
        ["subject"],
    ),
}


@cache
def recordings() -> tuple[pd.DataFrame, np.ndarray]:
    """Windows of every recording, and how far apart their log spectra are."""
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(20260101)
    tables, spectra = [], []
    plan = signals.design(SIGNAL, SFREQ)
    for subject in range(N_SUBJECTS):
        own_hz = rng.uniform(4, 40, 2)
        for session in range(N_SESSIONS):
            hum_hz = np.concatenate([own_hz, rng.uniform(4, 40, 2)])
            prepared, _ = causal.process(_hum(hum_hz, rng), None, plan)
            table = _windows(prepared.shape[1], f"{subject}-{session}", len(tables))
            tables.append(table.assign(subject=f"{subject}", session=f"{session}"))
            spectra += [_spectrum(prepared[0, a:b]) for a, b in _spans(table)]
    windows = pd.concat(tables, ignore_index=True)
    windows.insert(0, "window", np.arange(len(windows)))
    return windows, cdist(spectra, spectra)


def _hum(hum_hz: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    times = np.arange(int(N_BLOCKS * BLOCK_S * SFREQ)) / SFREQ
    block_hz = rng.uniform(4, 40, (N_BLOCKS, 2))[(times // BLOCK_S).astype(int)].T
    waves = np.sin(2 * np.pi * times * np.concatenate([block_hz, _rows(hum_hz, times)]))
    return waves.sum(0, keepdims=True) + rng.normal(0, 1, (1, len(times)))


def _rows(hum_hz: np.ndarray, times: np.ndarray) -> np.ndarray:
    return np.repeat(hum_hz[:, None], len(times), axis=1)


def _windows(n_samples: int, recording: str, place: int) -> pd.DataFrame:
    onset = BLOCK_S * np.arange(N_BLOCKS)
    classes = np.full(N_BLOCKS, "A", object)
    spans = Annotations(onset, np.full(N_BLOCKS, BLOCK_S), classes)
    table = cut_windows(SLIDING, spans, Timeline(n_samples, SFREQ, 0.0), ["A"])
    return table.assign(recording=recording, block=table["block"] + place * N_BLOCKS)


def _spans(table: pd.DataFrame) -> list[tuple[int, int]]:
    return list(table[["start", "stop"]].itertuples(index=False, name=None))


def _spectrum(samples: np.ndarray) -> np.ndarray:
    return np.log(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))[:45] + 1e-3)


def permuted(windows: pd.DataFrame, keys: list[str], seed: int) -> pd.DataFrame:
    """Give every group, as one, one of two labels at random.

    In pairs of neighbours, one gets each, so that no role lacks a label: blocks one
    after the other, or subjects in the sitting of the same name.
    """
    ordered = windows.sort_values([*reversed(keys)], kind="stable")
    place = ordered.groupby([*reversed(keys)]).ngroup().reindex(windows.index)
    flips = np.random.default_rng(seed).integers(0, 2, place.max() // 2 + 1)
    label = (place + flips[place // 2]) % 2
    return windows.assign(label=np.where(label == 1, "A", "B"))


def score(windows: pd.DataFrame, folds: pd.DataFrame, role: str) -> float:
    """Balanced accuracy of the nearest neighbour in a role, over all folds."""
    from sklearn.metrics import balanced_accuracy_score

    _, distances = recordings()
    label = windows["label"].to_numpy()
    truth, guesses = [], []
    for _, fold in folds.groupby("fold"):
        rows = {name: one["window"].to_numpy() for name, one in fold.groupby("role")}
        nearest = distances[np.ix_(rows[role], rows["train"])].argmin(axis=1)
        guesses.append(label[rows["train"][nearest]])
        truth.append(label[rows[role]])
    return float(balanced_accuracy_score(np.hstack(truth), np.hstack(guesses)))


def leaky_folds(windows: pd.DataFrame) -> pd.DataFrame:
    """Split as is often done: shuffle overlapping windows and cut."""
    order = np.random.default_rng(0).permutation(len(windows))
    roles = np.array(["train", "test", "train", "validation"])[order % 4]
    return pd.DataFrame({"window": windows["window"], "fold": 0, "role": roles})


@pytest.mark.parametrize("scheme", SCHEMES)
def test_permuted_labels_score_at_chance_unless_the_split_leaks(scheme):
    fields, keys = SCHEMES[scheme]
    chosen = TypeAdapter(FoldSettings).validate_python(fields)
    windows, _ = recordings()
    honest: dict[str, list[float]] = {"validation": [], "test": []}
    leaky = []
    for seed in range(N_PERMUTATIONS):
        labelled = permuted(windows, keys, seed)
        folds = make_folds(
            labelled, chosen, "AB", sfreq=SFREQ, seed=seed, where="canary"
        )
        for role, scores in honest.items():
            scores.append(score(labelled, folds, role))
        leaky.append(score(labelled, leaky_folds(labelled), "test"))
    for role, scores in honest.items():
        assert np.mean(scores) == pytest.approx(0.5, abs=0.1), role
    assert np.mean(leaky) > 0.75


N_FEATURES, N_OUTPUTS = 40, 60
RUNNING = Dense(units=(), read_out="traces", traces=4, longest_s=2.0)


@pytest.fixture(scope="module")
def spikes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Spike trains whose rates identify person, sitting and block."""
    folder, rng = tmp_path_factory.mktemp("spikes"), np.random.default_rng(5)
    for subject in range(N_SUBJECTS):
        own = rng.uniform(0, 0.3, N_FEATURES)
        for session in range(N_SESSIONS):
            sitting = own + rng.uniform(0, 0.3, N_FEATURES)
            blocks = sitting + rng.uniform(0, 0.4, (N_BLOCKS, N_FEATURES))
            rate = np.repeat(blocks, int(BLOCK_S * SFREQ), axis=0).T
            names = tuple(map(str, range(N_FEATURES)))
            bits = rng.random(rate.shape) < rate
            train = pack(bits, dt=1 / SFREQ, delay_s=0.0, features=names)
            files.save_spikes(folder / f"{subject}-{session}.h5", train)
    return folder


def scores_running(task: Task, network: Any, *roles: str) -> list[float]:
    """Balanced accuracy of the nearest neighbour in what a running network puts out.

    Its weights are drawn, its traces last for seconds, and no label has a part in it.
    """
    import torch
    from scipy.spatial.distance import cdist
    from sklearn.metrics import balanced_accuracy_score

    from pipeline.training.fitting import predict

    truth: dict[str, list[np.ndarray]] = {role: [] for role in roles}
    guesses: dict[str, list[np.ndarray]] = {role: [] for role in roles}
    for fold in sorted(set(task.folds["fold"])):
        outputs, targets = {}, {}
        for role in ("train", *roles):
            some = load_role(task, fold, role)
            targets[role] = some.targets.numpy()
            outputs[role] = predict(network, some, torch.arange(len(some.targets)))
        for role in roles:
            nearest = cdist(outputs[role], outputs["train"]).argmin(axis=1)
            guesses[role].append(targets["train"][nearest])
            truth[role].append(targets[role])
    return [
        float(balanced_accuracy_score(np.hstack(truth[role]), np.hstack(guesses[role])))
        for role in roles
    ]


@pytest.mark.parametrize(
    "scheme", ["cross_subject", "cross_session", "within_session", "predefined"]
)
def test_a_network_that_runs_on_carries_no_label_from_role_to_role(
    scheme: str, spikes: Path
) -> None:
    import torch

    fields, keys = SCHEMES[scheme]
    chosen = TypeAdapter(FoldSettings).validate_python(fields)
    windows = recordings()[0].assign(segment=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        shape = Shape(round(SFREQ), N_FEATURES, N_OUTPUTS, 1 / SFREQ)
        network = RUNNING.build(shape, Leaky(threshold=0.3)).eval()
    honest, leaky = [], []
    for seed in range(N_PERMUTATIONS):
        labelled = permuted(windows, keys, seed)
        folds = make_folds(
            labelled, chosen, "AB", sfreq=SFREQ, seed=seed, where="canary"
        )
        task = Task(
            name="canary", spikes=spikes, windows=labelled, folds=folds,
            labels=("A", "B"), network=RUNNING, neuron=Leaky(),
            settings=TrainingSettings(), seed=0, inputs={},
        )  # fmt: skip
        honest.append(scores_running(task, network, "validation", "test"))
        shuffled = replace(task, folds=leaky_folds(labelled))
        leaky += scores_running(shuffled, network, "test")
    assert np.mean(honest, axis=0) == pytest.approx(0.5, abs=0.1)
    assert np.mean(leaky) > 0.75
