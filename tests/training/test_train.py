"""Folds: the same bytes every time, resumed, and blind to their test windows."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import files, unfinished
from pipeline.errors import ConfigError, DataError, PipelineError
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.neurons.complementary import Complementary
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.roles import unjudged
from pipeline.spikes import pack
from pipeline.training import fold as fold_module
from pipeline.training import quantizing
from pipeline.training import train as training
from pipeline.training.batches import Windows
from pipeline.training.fitting import Epoch
from pipeline.training.settings import (
    PruningSettings,
    SparsitySettings,
    TrainingSettings,
)
from pipeline.training.task import Task
from pipeline.training.train import devices, train
from pipeline.training.trained import load_quantized, predictions, quantized_path

LABELS = ("calm", "busy", "late")
N_STEPS, N_WINDOWS = 32, 36
WEIGHTS = ("layers.0.weights.convolution.weight", "head.linear.weight")
ROLES = ("test", "validation", "train", "train")
NETWORK = Convolutional(channels=(6,), kernels=(4,), strides=(2,), bins=4)


def _recording(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make spikes (feature, time) whose rate, or its place, marks the class."""
    rate = np.full((len(labels), N_STEPS), 0.05)
    rate[labels == 1] = 0.5
    rate[labels == 2, N_STEPS // 2 :] = 0.5
    return rng.random((2, rate.size)) < rate.ravel()


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """Four subjects with a recording each, in two folds."""
    folder = tmp_path_factory.mktemp("spikes")
    rng, tables = np.random.default_rng(5), []
    for subject in range(4):
        labels = rng.permutation(np.arange(N_WINDOWS) % 3)
        spikes = pack(
            _recording(labels, rng), dt=0.02, delay_s=0.0, features=("+", "-")
        )
        files.save_spikes(folder / f"r{subject}.h5", spikes)
        start = np.arange(N_WINDOWS) * N_STEPS
        tables.append(
            pd.DataFrame(
                {
                    "window": subject * N_WINDOWS + np.arange(N_WINDOWS),
                    "recording": f"r{subject}",
                    "subject": f"s{subject}",
                    "session": "1",
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
    windows = pd.concat(tables, ignore_index=True)
    return Task(
        name="toy-delta-lif",
        spikes=folder,
        windows=windows,
        folds=pd.concat([_fold(windows, k) for k in range(2)]),
        labels=LABELS,
        network=NETWORK,
        neuron=Leaky(),
        settings=TrainingSettings(
            epochs=7, windows_per_class=24, batch=24, learning_rate=0.05, segment_s=2
        ),
        seed=11,
        inputs={"spikes": "1234"},
    )


def _fold(windows: pd.DataFrame, fold: int) -> pd.DataFrame:
    """Give every subject a role, turned by the fold."""
    roles = {f"s{k}": ROLES[(k + fold) % 4] for k in range(4)}
    return pd.DataFrame(
        {
            "window": windows["window"],
            "fold": fold,
            "role": windows["subject"].map(roles),
        }
    )


def _with(task: Task, **changes: object) -> Task:
    return Task(**{**vars(task), **changes})


def _bytes(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in found}


def keep(name: str, run: Path, folder: Path) -> None:
    """Copy a finished file, with the note on what it was made of."""
    (folder / unfinished.NOTES).mkdir(exist_ok=True)
    for path in (Path(name), Path(unfinished.NOTES) / name):
        (folder / path).write_bytes((run / path).read_bytes())


def _trained(task: Task, folder: Path) -> Path:
    """Train a task in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOSPIKE_WORKERS", "1")
        train(task, folder)
    return folder


@pytest.fixture(scope="module")
def run(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The task, trained in this process; its network runs on."""
    return _trained(task, tmp_path_factory.mktemp("run"))


class Made(NamedTuple):
    """A task, and the folder of its run."""

    task: Task
    run: Path


@pytest.fixture(scope="module")
def restarting(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The task and its run, of a network that restarts for every window."""
    network = task.network.model_copy(update={"restart": "windows"})
    other = _with(task, network=network)
    return Made(other, _trained(other, tmp_path_factory.mktemp("restarting")))


@pytest.fixture(scope="module", params=["never", "windows"])
def made(
    task: Task, run: Path, restarting: Made, request: pytest.FixtureRequest
) -> Made:
    """A task and its run, of a network that runs on and of one that restarts."""
    return Made(task, run) if request.param == "never" else restarting


@pytest.fixture(scope="module")
def offset(task: Task) -> Task:
    """A fold of a linear read-out with heads, one against the rest, and offsets.

    In one segment the class `late` lies between the others in rate: against the rest it
    has no boundary, and seldom wins without an offset.
    """
    update = {"loss": "one_vs_rest", "offsets": "validation", "select": "macro_f1"}
    return _with(
        task,
        folds=task.folds[task.folds["fold"] == 0],
        network=Dense(units=(), bins=1, heads={"busy": ("plus",)}),
        parts=(("plus", 1), ("minus", 1)),
        settings=task.settings.model_copy(update=update),
    )


def _right(run: Path) -> float:
    table = pd.read_parquet(run / "predictions.parquet")
    return float((table["predicted"] == table["label"]).mean())


def test_offsets_are_in_the_biases_of_all_forms(offset: Task, tmp_path: Path) -> None:
    """As the file, the predictions and the network in integers have them."""
    without = offset.settings.model_copy(update={"offsets": "none"})
    runs = {
        name: _trained(_with(offset, settings=settings), tmp_path / name)
        for name, settings in (("with", offset.settings), ("without", without))
    }
    files_of = {
        name: files.load_weights(run / "fold-0.safetensors")
        for name, run in runs.items()
    }
    (tensors, meta), (plain, other) = files_of["with"], files_of["without"]
    assert other["offsets"] is None
    assert any(meta["offsets"])
    assert torch.equal(tensors["head.linear.weight"], plain["head.linear.weight"])
    gained = tensors["head.linear.bias"] - plain["head.linear.bias"]
    torch.testing.assert_close(gained, torch.tensor(meta["offsets"]))
    right = [_right(run) for run in runs.values()]
    assert right[0] > right[1]
    floats, integers = (
        pd.read_parquet(runs["with"] / name)
        for name in ("predictions.parquet", "quantized.parquet")
    )
    assert (floats["predicted"] == integers["predicted"]).mean() > 0.95
    columns = [f"p_{label}" for label in LABELS]
    np.testing.assert_allclose(floats[columns], integers[columns], atol=0.05)


def test_offsets_never_see_the_test_windows(offset: Task, tmp_path: Path) -> None:
    tested = offset.folds.loc[offset.folds["role"] == "test", "window"]
    windows = offset.windows.copy()
    windows.loc[windows["window"].isin(tested), "label"] = LABELS[0]
    weights = [
        files.load_weights(
            _trained(_with(offset, windows=table), tmp_path / name)
            / "fold-0.safetensors"
        )[0]
        for name, table in (("as it is", offset.windows), ("other labels", windows))
    ]
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name


def test_it_writes_what_the_next_stages_read(made: Made) -> None:
    task, run = made
    assert set(_bytes(run)) == {
        "fold-0.int8.safetensors",
        "fold-0.safetensors",
        "fold-1.int8.safetensors",
        "fold-1.safetensors",
        "history.csv",
        "learned.parquet",
        "portraits.parquet",
        "predictions.parquet",
        "quantized.parquet",
    }
    predictions = files.load_table(run / "predictions.parquet")
    test = task.folds[task.folds["role"] == "test"]
    assert predictions["window"].tolist() == test["window"].tolist()
    shares = predictions[[f"p_{label}" for label in LABELS]]
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert (shares.dtypes == np.float32).all()
    likely = shares.idxmax(axis=1).str.removeprefix("p_")
    assert likely.tolist() == predictions["predicted"].tolist()
    assert not predictions["cold"].any()
    history = pd.read_csv(run / "history.csv")
    assert history["fold"].unique().tolist() == [0, 1]
    assert (history["spike_rate"] > 0).all()
    assert (history["gradient_norm"] > 0).all()
    assert (history["skipped"] == 0).all()
    np.testing.assert_allclose(history["spike_rate_1"], history["spike_rate"], 1e-4)
    assert "layer_rates" not in history
    epochs = files.load_weights(run / "fold-0.safetensors")[1]["history"]
    assert [len(epoch["layer_rates"]) for epoch in epochs] == [1] * len(epochs)


def test_it_learns_to_classify_unseen_subjects(made: Made) -> None:
    run = made.run
    predictions = files.load_table(run / "predictions.parquet")
    right = predictions["label"] == predictions["predicted"]
    assert right.groupby(predictions["label"]).mean().min() > 0.7


def test_two_workers_give_the_same_bytes(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, run = made
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")
    train(task, tmp_path)
    assert _bytes(tmp_path) == _bytes(run)


def test_the_summary_lists_every_fold(made: Made) -> None:
    task, run = made
    first, second = train(task, run)
    assert (first["fold"], second["fold"]) == (0, 1)
    assert first["n_train"] == 2 * N_WINDOWS
    assert first["n_validation"] == first["n_test"] == N_WINDOWS
    network, shape = training.load_network(
        run / "fold-0.safetensors", task.network, task.neuron
    )
    assert first["parameters"] == sum(p.numel() for p in network.parameters())
    assert not network.training
    assert (shape.n_steps, shape.n_features, shape.n_classes) == (N_STEPS, 2, 3)
    history = pd.read_csv(run / "history.csv").query("fold == 0")
    best = history["validation_balanced_accuracy"].idxmax()
    assert first["best_epoch"] == history.loc[best, "epoch"]
    assert first["epochs"] == len(history)


def _noted(monkeypatch: pytest.MonkeyPatch, name: str, place: int) -> list[int]:
    """Note the folds that a step of the training is done for."""
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    seen: list[int] = []
    original: Callable[..., Any] = getattr(training, name)

    def noted(*arguments: Any) -> Any:
        seen.append(arguments[place])
        return original(*arguments)

    monkeypatch.setattr(training, name, noted)
    return seen


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """List the folds that are trained rather than kept."""
    return _noted(monkeypatch, "fitted", 1)


@pytest.fixture
def put_in_integers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """List the folds that are put in integers rather than kept."""
    return _noted(monkeypatch, "_quantize_fold", 3)


def _half_done(run: Path, folder: Path) -> None:
    """Leave what a kill in the middle of fold 1 leaves."""
    keep("fold-0.safetensors", run, folder)
    (folder / ".partial-77-fold-1.safetensors").write_bytes(b"cut")
    (folder / "fold-7.safetensors").write_bytes(b"of an older run")


def test_a_killed_run_keeps_its_finished_folds(
    made: Made, tmp_path: Path, trained: list[int]
) -> None:
    task, run = made
    _half_done(run, tmp_path)
    train(task, tmp_path)
    assert trained == [1]
    assert _bytes(tmp_path) == _bytes(run)


def test_a_fold_whose_file_was_cut_is_made_again(
    task: Task, run: Path, tmp_path: Path, trained: list[int]
) -> None:
    for fold in range(2):
        name = f"fold-{fold}.safetensors"
        keep(name, run, tmp_path)
        content = (run / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) - fold])
    train(task, tmp_path)
    assert trained == [1]
    assert _bytes(tmp_path) == _bytes(run)


def test_integers_of_weights_that_are_gone_are_made_again(
    task: Task, run: Path, tmp_path: Path, trained: list[int]
) -> None:
    for fold in range(2):
        name = f"fold-{fold}.int8.safetensors"
        tensors, meta = files.load_weights(run / name)
        other = {key: torch.zeros_like(tensor) for key, tensor in tensors.items()}
        files.save_weights(tmp_path / name, other, meta=meta)
    train(task, tmp_path)
    assert trained == [0, 1]
    assert _bytes(tmp_path) == _bytes(run)


def test_a_run_killed_before_its_integers_makes_only_these(
    task: Task,
    run: Path,
    tmp_path: Path,
    trained: list[int],
    put_in_integers: list[int],
) -> None:
    """Fold 0 was complete, fold 1 lacks its second file, and the results lack both."""
    for name in ("fold-0.safetensors", "fold-0.int8.safetensors", "fold-1.safetensors"):
        keep(name, run, tmp_path)
    (tmp_path / ".partial-77-fold-1.int8.safetensors").write_bytes(b"cut")
    train(task, tmp_path)
    assert (trained, put_in_integers) == ([], [1])
    assert _bytes(tmp_path) == _bytes(run)


def test_integers_of_other_inputs_are_made_again(
    task: Task, run: Path, tmp_path: Path, put_in_integers: list[int]
) -> None:
    for fold in range(2):
        name = f"fold-{fold}.safetensors"
        keep(name, run, tmp_path)
        keep(quantized_path(run, fold).name, run, tmp_path)
    unfinished.note_inputs(quantized_path(tmp_path, 0), "of something else")
    train(task, tmp_path)
    assert put_in_integers == [0]
    assert _bytes(tmp_path) == _bytes(run)


def test_a_fold_that_is_trained_again_is_put_in_integers_again(
    task: Task, run: Path, tmp_path: Path, put_in_integers: list[int]
) -> None:
    """Elsewhere the same inputs may have given other weights."""
    for name in ("fold-0.int8.safetensors", "fold-1.int8.safetensors"):
        keep(name, run, tmp_path)
    keep("fold-1.safetensors", run, tmp_path)
    train(task, tmp_path)
    assert put_in_integers == [0]
    assert _bytes(tmp_path) == _bytes(run)


def test_tuning_after_a_kill_gives_the_same_bytes(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is drawn for it hangs on the fold, not on what training drew before."""
    monkeypatch.setattr(quantizing, "TOLERATED", -1.0)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    candidates = []
    original = quantizing.tuned

    def noted(*arguments: Any) -> Any:
        for one in original(*arguments):
            candidates.append(
                {name: values.clone() for name, values in one.state_dict().items()}
            )
            yield one

    monkeypatch.setattr(quantizing, "tuned", noted)
    network = task.network.model_copy(update={"dropout": 0.3})
    fold = task.folds[task.folds["fold"] == 0]
    small = TrainingSettings(epochs=1, windows_per_class=12, batch=12)
    one = _with(task, network=network, folds=fold, settings=small)
    train(one, tmp_path)
    first, n_candidates = _bytes(tmp_path), len(candidates)
    assert n_candidates > 0
    quantized_path(tmp_path, 0).unlink()
    train(one, tmp_path)
    assert _bytes(tmp_path) == first
    assert len(candidates) == 2 * n_candidates
    for before, after in zip(
        candidates[:n_candidates], candidates[n_candidates:], strict=True
    ):
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_predictions_in_integers_are_of_the_file(made: Made) -> None:
    task, run = made
    table, tables = files.load_table(run / "quantized.parquet"), []
    floats = files.load_table(run / "predictions.parquet")
    assert list(table.columns) == list(floats.columns)
    assert table["window"].tolist() == floats["window"].tolist()
    assert table["label"].tolist() == floats["label"].tolist()
    for fold in range(2):
        network, summary = load_quantized(quantized_path(run, fold))
        assert network is not None
        tables.append(predictions(task, network, fold))
        assert set(summary) == {"validation_float32", "validation_int8", "fine_tuned"}
    pd.testing.assert_frame_equal(pd.concat(tables, ignore_index=True), table)
    shares = [f"p_{label}" for label in LABELS]
    np.testing.assert_allclose(table[shares].sum(axis=1), 1, rtol=1e-6)
    # Rounded, but the same network: close, and not the same.
    np.testing.assert_allclose(table[shares], floats[shares], atol=0.25)
    assert not np.allclose(table[shares], floats[shares], atol=1e-6)
    assert (table["predicted"] == floats["predicted"]).mean() > 0.9


def test_the_summary_reports_what_rounding_cost(task: Task, run: Path) -> None:
    for fold, line in enumerate(train(task, run)):
        _, summary = load_quantized(quantized_path(run, fold))
        assert line["quantized"] == summary
        assert 0.5 < summary["validation_int8"] <= 1


def test_neurons_that_have_no_integers_are_reported(
    task: Task, tmp_path: Path, put_in_integers: list[int]
) -> None:
    """An older table of such predictions does not stay."""
    (tmp_path / "quantized.parquet").write_bytes(b"of an older run")
    small = TrainingSettings(epochs=1, windows_per_class=12, batch=12)
    lines = train(_with(task, neuron=Complementary(), settings=small), tmp_path)
    reasons = {line["quantized"]["absent"] for line in lines}
    assert len(reasons) == 1
    assert "layer" in reasons.pop()
    assert not (tmp_path / "quantized.parquet").exists()
    assert len(files.load_table(tmp_path / "predictions.parquet")) == 2 * N_WINDOWS
    network, summary = load_quantized(quantized_path(tmp_path, 1))
    assert network is None
    assert summary == lines[1]["quantized"]
    again = train(_with(task, neuron=Complementary(), settings=small), tmp_path)
    assert put_in_integers == [0, 1]  # a reason is a result: it is kept
    assert again == lines


def test_half_the_folds_in_integers_are_no_table(
    task: Task, run: Path, tmp_path: Path
) -> None:
    for path in run.glob("fold-*"):
        keep(path.name, run, tmp_path)
    path = quantized_path(tmp_path, 1)
    inputs, _ = (path.parent / unfinished.NOTES / path.name).read_text().split()
    meta = files.load_weights(path)[1]
    none = {**meta, "network": None, "quantized": {"absent": "too wide"}}
    files.save_weights(path, {}, meta=none)
    unfinished.note_inputs(path, inputs)
    first, second = train(task, tmp_path)
    assert "validation_int8" in first["quantized"]
    assert second["quantized"] == {"absent": "too wide"}
    assert not (tmp_path / "quantized.parquet").exists()
    assert quantized_path(tmp_path, 0).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": {"spikes": "5678"}},
        {"neuron": Leaky(tau_mem_s=0.1)},
        {"settings": TrainingSettings(epochs=1, windows_per_class=24)},
        {"seed": 12},
        {"network": NETWORK.model_copy(update={"restart": "windows"})},
        {"sparsity": SparsitySettings(hoyer_weight=0.1)},
        {"sparsity": SparsitySettings(pruning=PruningSettings(share=0.1, epochs=1))},
    ],
)
def test_folds_made_of_something_else_are_made_again(
    task: Task,
    run: Path,
    tmp_path: Path,
    trained: list[int],
    changes: dict[str, object],
) -> None:
    _half_done(run, tmp_path)
    train(_with(task, **changes), tmp_path)
    assert trained == [0, 1]


def test_a_cutoff_trains_nothing_again(
    restarting: Made, tmp_path: Path, trained: list[int]
) -> None:
    task, run = restarting
    _half_done(run, tmp_path)
    train(_with(task, sparsity=SparsitySettings(cutoff={})), tmp_path)
    assert trained == [1]
    assert _bytes(tmp_path) == _bytes(run)


def test_pruned_weights_are_zero_in_the_file(task: Task, tmp_path: Path) -> None:
    fold = task.folds[task.folds["fold"] == 0]
    pruning = PruningSettings(share=0.75, epochs=3)
    sparsity = SparsitySettings(pruning=pruning, hoyer_weight=0.01)
    (metrics,) = train(_with(task, sparsity=sparsity, folds=fold), tmp_path)
    tensors, _ = files.load_weights(tmp_path / "fold-0.safetensors")
    learned = [tensors[name] for name in tensors if name in WEIGHTS]
    assert len(learned) == 2
    zeros = sum(int((weights == 0).sum()) for weights in learned)
    assert zeros == round(0.75 * sum(weights.numel() for weights in learned))
    history = pd.read_csv(tmp_path / "history.csv")
    first = task.settings.epochs
    assert history["pruned"].tolist()[first:] == [0.75] * (metrics["epochs"] - first)
    assert history["pruned"].isna().sum() == first
    after = history[history["pruned"].notna()]
    best = after["validation_balanced_accuracy"].idxmax()
    assert metrics["best_epoch"] == history.loc[best, "epoch"]


def test_sparsity_that_does_not_fit_is_refused(task: Task, tmp_path: Path) -> None:
    linear = _with(task, network=Dense(units=(), bins=4), neuron=Relu())
    with pytest.raises(ConfigError, match="none learns by gradient"):
        train(_with(linear, sparsity=SparsitySettings(hoyer_weight=1)), tmp_path)
    with pytest.raises(ConfigError, match="restart: never"):
        train(_with(task, sparsity=SparsitySettings(cutoff={})), tmp_path)


def test_test_windows_change_nothing_but_their_own_predictions(
    made: Made, tmp_path: Path
) -> None:
    """Labels and spikes of the first fold's test subject are others."""
    task, run = made
    windows = task.windows.copy()
    tested = windows["subject"] == "s0"
    windows.loc[tested, "label"] = "calm"
    windows.loc[tested, "recording"] = "other"
    spikes = tmp_path / "spikes"
    shutil.copytree(task.spikes, spikes)
    bits = np.random.default_rng(1).random((2, N_WINDOWS * N_STEPS)) < 0.3
    other = pack(bits, dt=0.02, delay_s=0.0, features=("+", "-"))
    files.save_spikes(spikes / "other.h5", other)
    one_fold = task.folds[task.folds["fold"] == 0]
    changed = _with(task, spikes=spikes, windows=windows, folds=one_fold)
    _trained(changed, tmp_path / "run")
    before, after = (
        files.load_table(folder / "predictions.parquet").query("fold == 0")
        for folder in (run, tmp_path / "run")
    )
    assert not np.allclose(before["p_calm"], after["p_calm"])
    for name in ("fold-0.safetensors", "fold-0.int8.safetensors"):
        ours, theirs = (
            files.load_weights(folder / name)[0] for folder in (tmp_path / "run", run)
        )
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_matched_ann_trains_the_same_way(task: Task, tmp_path: Path) -> None:
    fold = task.folds[task.folds["fold"] == 0]
    train(_with(task, neuron=Relu(), folds=fold), tmp_path)
    assert pd.read_csv(tmp_path / "history.csv")["spike_rate"].isna().all()


def test_a_linear_read_out_trains_the_same_way(task: Task, tmp_path: Path) -> None:
    fold = task.folds[task.folds["fold"] == 0]
    settings = TrainingSettings(epochs=20, windows_per_class=24, learning_rate=0.05)
    linear = _with(task, network=Dense(units=(), bins=4), neuron=Relu(), folds=fold)
    (metrics,) = train(_with(linear, settings=settings), tmp_path)
    assert metrics["parameters"] == (2 * 4 + 1) * 3
    assert not (tmp_path / "learned.parquet").exists()
    predictions = files.load_table(tmp_path / "predictions.parquet")
    assert (predictions["label"] == predictions["predicted"]).mean() > 0.7


@pytest.mark.parametrize("network", ["convolutional", "read-out"])
def test_a_class_that_a_fold_does_not_train_is_unjudged_there(
    made: Made, tmp_path: Path, network: str
) -> None:
    """Fold 0 trains no `late`; fold 2 would test nothing else, and is not trained."""
    task = made.task
    folds = task.folds.copy()
    rare = task.windows.loc[task.windows["label"] == "late", "window"]
    rare_here = folds["window"].isin(rare) & (folds["fold"] == 0)
    tested = rare_here & (folds["role"] == "test")
    folds.loc[tested, "role"] = "unjudged"
    folds = folds[~(rare_here & (folds["role"] != "unjudged"))]
    alone = pd.DataFrame({"window": rare[:4], "fold": 2, "role": "unjudged"})
    changes: dict[str, Any] = {"folds": pd.concat([folds, alone])}
    if network == "read-out":
        linear = Dense(units=(), bins=4, restart=task.network.restarts)
        changes |= {"network": linear, "neuron": Relu()}
    changed = _with(task, **changes)
    assert unjudged(changed.windows, changed.folds) == [
        {"fold": 0, "label": "late", "windows": int(tested.sum())},
        {"fold": 2, "label": "late", "windows": 4},
    ]
    lines = train(changed, tmp_path)
    assert [line["fold"] for line in lines] == [0, 1]
    for name in ("predictions.parquet", "quantized.parquet"):
        first, second = (
            rows for _, rows in files.load_table(tmp_path / name).groupby("fold")
        )
        assert set(first["label"]) == {"calm", "busy"}
        assert set(second["label"]) == set(LABELS)
        assert "late" not in set(first["predicted"])
        assert (first["predicted"] == first["label"]).mean() > 0.8
        total = first[[f"p_{label}" for label in LABELS]].sum(axis=1)
        np.testing.assert_allclose(total, 1, atol=1e-5)


def test_nothing_is_unjudged_where_all_classes_train(task: Task) -> None:
    assert unjudged(task.windows, task.folds) == []


def test_a_fold_that_trains_one_class_is_named(made: Made, tmp_path: Path) -> None:
    task = made.task
    folds = task.folds[task.folds["fold"] == 0]
    other = task.windows.loc[task.windows["label"] != "busy", "window"]
    purged = folds[~(folds["window"].isin(other) & (folds["role"] == "train"))]
    with pytest.raises(DataError, match="windows in train are of busy alone"):
        train(_with(task, folds=purged), tmp_path)


@pytest.mark.parametrize(("targets", "kept"), [([1, 1], 3), ([0, 1], 2)])
def test_validation_of_one_class_chooses_no_epoch(
    targets: list[int], kept: int
) -> None:
    history = [Epoch(k, 0.5, 0.5, right, None) for k, right in ((1, 0.6), (2, 0.9))]
    history.append(Epoch(3, 0.5, 0.5, 0.7, None))
    silence = torch.zeros(8, 2, dtype=torch.uint8)
    judges = Windows(silence, torch.tensor([0, 4]), torch.tensor(targets), 4, 0.02)
    last = fold_module._kept(history, judges, "balanced_accuracy")
    assert last.epoch == kept


def test_a_validation_role_may_lack_classes(made: Made, tmp_path: Path) -> None:
    task = made.task
    folds = task.folds[task.folds["fold"] == 0]
    other = task.windows.loc[task.windows["label"] != "calm", "window"]
    validating = folds["role"] == "validation"
    folds = folds[~(folds["window"].isin(other) & validating)]
    (line,) = train(_with(task, folds=folds), tmp_path)
    assert line["epochs"] == line["best_epoch"] == task.settings.epochs
    assert line["n_validation"] == N_WINDOWS // 3


def test_a_fold_without_a_role_is_named(made: Made, tmp_path: Path) -> None:
    task = made.task
    folds = task.folds[(task.folds["fold"] == 0) & (task.folds["role"] != "validation")]
    with pytest.raises(DataError, match="no windows in the role validation"):
        train(_with(task, folds=folds), tmp_path)


def test_a_loss_that_explodes_names_its_epoch(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = SimpleNamespace(loss=math.nan, gradient_norm=1.0, skipped=0)
    monkeypatch.setattr("pipeline.training.fitting._learn", lambda *_: steps)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    with pytest.raises(PipelineError, match="lif, fold 0, epoch 1: the loss is nan"):
        train(task, tmp_path)
    assert not (tmp_path / "fold-0.safetensors").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_neurons_that_run_away_name_fold_layer_and_step(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", workers)
    wild = TrainingSettings(epochs=4, windows_per_class=24, learning_rate=1.0)
    network = Dense(units=(6,), bias=False)
    neuron = Leaky(learning_rates={"log_threshold": 1000.0, "log_tau": 1000.0})
    with pytest.raises(PipelineError, match=r"lif, fold \d: layer 1, step \d+: a neur"):
        train(_with(task, settings=wild, network=network, neuron=neuron), tmp_path)


@pytest.mark.usefixtures("three_threads")
def test_repeatable_puts_everything_back() -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    with devices.repeatable(5):
        first = torch.rand(3)
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    with devices.repeatable(5):
        assert torch.equal(torch.rand(3), first)
    assert torch.get_num_threads() == 3
    assert not torch.are_deterministic_algorithms_enabled()


def test_an_unknown_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOSPIKE_DEVICE", "cpu")
    assert devices.choose() == torch.device("cpu")
    monkeypatch.setenv("BIOSPIKE_DEVICE", "gpu")
    with pytest.raises(ConfigError, match="'gpu', and torch sees"):
        devices.choose()
