"""A layer that learns by local rules: what it sees, and what is reported of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import files
from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.neurons.leaky import Leaky
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.normalisation import Normalisation
from pipeline.plasticity.parts.delays import DelayLine
from pipeline.plasticity.three_variable import ThreeVariable
from pipeline.profiling.profile import learning
from pipeline.spikes import pack
from pipeline.training import batches
from pipeline.training import train as training
from pipeline.training.local import first_weights, fit_locally, parts
from pipeline.training.settings import TrainingSettings
from pipeline.training.task import Task, role_windows
from pipeline.training.train import train
from pipeline.training.trained import load_network

LABELS = ("left", "right")
N_STEPS, N_WINDOWS = 40, 40
ROLES = ("test", "validation", "train", "train")
NETWORK = Competitive(
    units=8,
    delays=3,
    delay_s=0.01,
    inhibition=0.2,
    winners=2,
    windows=60,
    bins=2,
    rules=(
        ThreeVariable(a_plus=0.02, a_minus=0.008, dependence="power_law"),
        Normalisation(mean=0.2),
        AdaptiveThreshold(increment=0.01, tau_s=5.0),
    ),
)


def _recording(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make spikes (feature, time): the label is which two features fire together."""
    common = np.repeat(rng.random((len(labels), N_STEPS // 2)) < 0.4, 2, axis=1)
    spikes = rng.random((4, len(labels), N_STEPS)) < 0.05
    for label in range(2):
        mine = labels == label
        spikes[2 * label : 2 * label + 2, mine] |= common[mine]
    return spikes.reshape(4, -1)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    folder = tmp_path_factory.mktemp("spikes")
    rng, tables = np.random.default_rng(5), []
    for subject in range(4):
        labels = rng.permutation(np.arange(N_WINDOWS) % 2)
        spikes = pack(
            _recording(labels, rng), dt=0.005, delay_s=0.0, features=tuple("abcd")
        )
        files.save_spikes(folder / f"r{subject}.h5", spikes)
        start = np.arange(N_WINDOWS) * N_STEPS
        names = {"recording": f"r{subject}", "subject": f"s{subject}", "session": "1"}
        tables.append(
            pd.DataFrame(
                {
                    "window": subject * N_WINDOWS + np.arange(N_WINDOWS),
                    "segment": 0,
                    "block": np.arange(N_WINDOWS),
                    "start": start,
                    "stop": start + N_STEPS,
                    "segment_start": 0,
                    "segment_stop": N_WINDOWS * N_STEPS,
                    "label": np.array(LABELS)[labels],
                }
            ).assign(**names)
        )
    windows = pd.concat(tables, ignore_index=True)
    roles = windows["subject"].map({f"s{k}": role for k, role in enumerate(ROLES)})
    return Task(
        name="toy-delta-stdp",
        spikes=folder,
        windows=windows,
        folds=pd.DataFrame({"window": windows["window"], "fold": 0, "role": roles}),
        labels=LABELS,
        network=NETWORK,
        neuron=Leaky(tau_mem_s=0.02),
        settings=TrainingSettings(windows_per_class=40),
        seed=11,
        inputs={"spikes": "1234"},
    )


def _with(task: Task, **changes: object) -> Task:
    return Task(**{**vars(task), **changes})


def _bytes(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in found}


@pytest.fixture(scope="module", autouse=True)
def one_worker() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOSPIKE_WORKERS", "1")
        yield


@pytest.fixture(scope="module")
def run(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(task, folder)
    return folder


def _layer(task: Task, folder: Path) -> torch.nn.Module:
    network, _ = load_network(folder / "fold-0.safetensors", task.network, task.neuron)
    return network


def test_it_learns_to_distinguish_the_classes(run: Path) -> None:
    predictions = files.load_table(run / "predictions.parquet")
    right = predictions["label"] == predictions["predicted"]
    assert right.mean() > 0.85


def test_twice_it_is_the_same(task: Task, run: Path, tmp_path: Path) -> None:
    train(task, tmp_path)
    assert _bytes(tmp_path) == _bytes(run)


def test_its_snapshots_are_reported(task: Task, run: Path) -> None:
    weights = files.load_table(run / "weights.parquet")
    shares = weights.groupby(["fold", "windows"])["share"].sum()
    np.testing.assert_allclose(shares, 1, atol=1e-5)
    times = weights.drop_duplicates("windows").set_index("windows")["learned_s"]
    assert times.index.tolist() == list(range(0, 61, 3))
    np.testing.assert_allclose(times, times.index * N_STEPS * 0.005)
    units = files.load_table(run / "units.parquet")
    first = units[units["windows"] == 0]
    assert first["rate_hz"].isna().all()
    assert (first["threshold"] == 1).all()
    later = units[units["windows"] > 0]
    assert later["rate_hz"].notna().all()
    assert later["rate_hz"].max() > 0


def test_fields_are_the_networks_weights(task: Task, run: Path) -> None:
    fields = files.load_table(run / "fields.parquet")
    layer, _ = parts(_layer(task, run))
    assert list(fields["feature"].unique()) == list("abcd")
    assert sorted(fields["delay_s"].unique()) == [0.0, 0.01, 0.02]
    for unit in range(8):
        mine = fields[fields["unit"] == unit]
        weights = layer.linear.weight[unit].numpy()
        np.testing.assert_array_equal(mine["weight"].to_numpy(), weights)
    assert fields["start"].between(0.2, 0.6).all()
    assert (fields["start"] != fields["weight"]).mean() > 0.9


def test_no_window_is_learned_from_but_of_the_training_role(
    task: Task, run: Path, tmp_path: Path
) -> None:
    """Other subjects' windows may be anything: the layer comes out the same."""
    spikes = tmp_path / "spikes"
    spikes.mkdir()
    for subject, role in enumerate(ROLES):
        train_ = files.load_spikes(task.spikes / f"r{subject}.h5")
        bits = np.random.default_rng(subject).random((4, train_.n_steps)) < 0.3
        other = pack(bits, dt=0.005, delay_s=0.0, features=train_.features)
        kept = train_ if role == "train" else other
        files.save_spikes(spikes / f"r{subject}.h5", kept)
    train(_with(task, spikes=spikes), tmp_path / "run")
    (mine, _), (same, _) = (
        parts(_layer(task, folder)) for folder in (run, tmp_path / "run")
    )
    assert torch.equal(mine.linear.weight, same.linear.weight)


def test_labels_play_no_part_in_the_layer(
    task: Task, run: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    windows = task.windows.assign(label=rng.permutation(task.windows["label"]))
    train(_with(task, windows=windows), tmp_path)
    (mine, state), (same, again) = (
        parts(_layer(task, folder)) for folder in (run, tmp_path)
    )
    assert torch.equal(mine.linear.weight, same.linear.weight)
    assert torch.equal(state.thresholds, again.thresholds)


def test_without_windows_the_first_weights_stay(task: Task, tmp_path: Path) -> None:
    train(_with(task, network=NETWORK.model_copy(update={"windows": 0})), tmp_path)
    fields = files.load_table(tmp_path / "fields.parquet")
    np.testing.assert_allclose(fields["start"], fields["weight"], atol=1e-6)
    assert files.load_table(tmp_path / "units.parquet")["windows"].unique() == [0]


def test_a_finished_fold_is_kept(
    task: Task, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the fold was trained again")

    before = _bytes(run)
    monkeypatch.setattr(training, "fitted", never)
    train(task, run)
    assert _bytes(run) == before


def test_history_holds_rates_and_strengths(run: Path) -> None:
    history = pd.read_csv(run / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert (history["spike_rate"] > 0).all()
    assert (history["spike_rate_1"] == history["spike_rate"]).all()


def test_the_memory_of_learning_is_counted(task: Task, run: Path) -> None:
    network = _layer(task, run)
    tested = batches.load(task.spikes, role_windows(task, 0, "test"), LABELS)
    bill = learning(network, tested)
    assert bill is not None
    assert (bill["n_pre"], bill["n_post"]) == (12, 8)
    assert bill["n_steps"] == N_WINDOWS * N_STEPS
    assert bill["theta"] == ThreeVariable().theta
    words = {k: v["weight_words_read"] for k, v in bill["per_step"].items()}
    assert words["dense"] == 96
    assert 0 < words["compiled"] <= words["forward_only"] <= words["dense"]


def test_networks_that_learn_otherwise_have_no_such_bill(task: Task) -> None:
    from pipeline.networks.dense import Dense

    network = Dense(units=(4,)).build(Shape(N_STEPS, 4, 2, 0.005), Leaky())
    tested = batches.load(task.spikes, role_windows(task, 0, "test"), LABELS)
    assert learning(network, tested) is None


def test_the_snapshots_are_a_life_window_by_window(task: Task) -> None:
    """The same, step by step: rest, live through a window, look now and then."""
    train_ = batches.load(task.spikes, role_windows(task, 0, "train"), LABELS)
    judged = batches.load(task.spikes, role_windows(task, 0, "validation"), LABELS)
    shape = Shape(N_STEPS, 4, 2, 0.005)
    network = NETWORK.build(shape, task.neuron)
    layer, neurons = parts(network)
    snapshots, _ = fit_locally(
        network, NETWORK, train_, judged, task.settings,
        np.random.default_rng(1), np.random.default_rng(2),
    )  # fmt: skip

    population = NETWORK.population(shape, task.neuron)
    weights = first_weights(population, NETWORK, np.random.default_rng(2))
    state = population.start(weights, 1.0)
    order = np.random.default_rng(1).permutation(len(train_.first))[: NETWORK.windows]
    fired = []
    for row in order:
        window = train_.spikes(torch.tensor([row]))[:, 0].numpy() != 0
        copies, _ = DelayLine(3, 2).run(window, DelayLine(3, 2).start(4))
        population.rest(state)
        fired.append(population.run(state, copies).sum(0))
    assert np.array_equal(layer.linear.weight.numpy().T, state.weights)
    assert np.array_equal(neurons.thresholds.numpy(), state.thresholds)
    assert (state.thresholds > 1).any()
    # 60 windows, 20 looks: three windows of 0.2 s lie between two looks.
    rates = np.reshape(fired, (20, 3, 8)).sum(1) / 0.6
    reported = [snapshot["rates_hz"] for snapshot in snapshots.taken[1:]]
    np.testing.assert_allclose(reported, rates, rtol=1e-6)
