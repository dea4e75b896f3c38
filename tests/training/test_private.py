"""Certified protection: gradients beside a slow reference, persons, noise, refusals."""

import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from pipeline import files, secret
from pipeline.errors import ConfigError, DataError
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.parts.initial import calibrate
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.leaky import Leaky
from pipeline.privacy.certified import certified, sentence
from pipeline.spikes import pack, unpack
from pipeline.training import private, train
from pipeline.training.accounting import Guarantee
from pipeline.training.batches import Batch, Windows
from pipeline.training.fitting import Epoch
from pipeline.training.fold import Fitted, fitted
from pipeline.training.losses import differentiate
from pipeline.training.privacy_settings import PrivacySettings
from pipeline.training.settings import (
    CutoffSettings,
    PruningSettings,
    SparsitySettings,
    TrainingSettings,
)
from pipeline.training.stretches import Stretches
from pipeline.training.task import Task
from tests.training.persons import LABELS, N_PERSONS, private_task

SETTINGS = TrainingSettings(epochs=3, patience=3, batch=24, learning_rate=0.02)
SHAPE = Shape(n_steps=20, n_features=3, n_classes=2, dt=0.02)
NETWORKS = {
    "convolutional": Convolutional(
        channels=(5,), kernels=(4,), strides=(2,), bins=2, norm="none", dropout=0
    ),
    "recurrent": Recurrent(units=(4,), bins=2, dropout=0),
    "linear": Dense(units=(), bins=2, dropout=0),
}


def built(name: str = "convolutional") -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = NETWORKS[name].build(SHAPE, Leaky())
    spikes = private.made_up(SHAPE, np.random.default_rng(0))
    calibrate(network, spikes[:, :8])
    return network.train()


def batches(count: int) -> list[Batch]:
    """One batch a person, of other sizes and labels."""
    rng = torch.Generator().manual_seed(1)
    made = []
    for person in range(count):
        size = 2 + person
        bits = torch.rand((20, size, 3), generator=rng) < 0.1 + 0.1 * person
        targets = torch.randint(2, (size,), generator=rng)
        made.append(Batch(bits.float(), targets))
    return made


def plain_sum(network: nn.Module, made: list[Batch], clip: float) -> list[np.ndarray]:
    """The slow and obvious way: all numbers of a person in one vector."""
    shapes = [tuple(p.shape) for p in network.parameters()]
    total = np.zeros(sum(math.prod(shape) for shape in shapes))
    for batch in made:
        network.zero_grad()
        differentiate(network, batch, SETTINGS)
        parts = [
            np.zeros(p.numel()) if p.grad is None else p.grad.double().numpy().ravel()
            for p in network.parameters()
        ]
        vector = np.concatenate(parts)
        length = np.sqrt((vector**2).sum())
        total += vector * (clip / length if length > clip else 1.0)
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    return list(np.split(total, ends))


def flat(total: dict[nn.Parameter, Tensor]) -> np.ndarray:
    return np.concatenate([t.double().numpy().ravel() for t in total.values()])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("clip", [0.01, 0.3, 100.0])
def test_the_sum_is_that_of_clipped_gradients(name: str, clip: float) -> None:
    network, made = built(name), batches(4)
    expected = np.concatenate(plain_sum(network, made, clip))
    found = flat(private.clipped_sum(network, made, SETTINGS, clip))
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * clip)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_person_changes_the_sum_by_one_clip_at_most(name: str) -> None:
    network, made, clip = built(name), batches(5), 0.05
    everyone = flat(private.clipped_sum(network, made, SETTINGS, clip))
    changes = []
    for person in range(5):
        others = [batch for k, batch in enumerate(made) if k != person]
        without = flat(private.clipped_sum(network, others, SETTINGS, clip))
        changes.append(np.linalg.norm(everyone - without))
    assert max(changes) <= clip * (1 + 1e-5)
    assert min(changes) == pytest.approx(clip, rel=1e-4)  # all of these are clipped


def test_learned_dynamics_are_in_the_clipped_vector() -> None:
    network = built("recurrent")
    total = private.clipped_sum(network, batches(2), SETTINGS, 1.0)
    learned = [p for n, p in network.named_parameters() if "learned" in n]
    assert learned
    assert all(total[parameter].abs().sum() > 0 for parameter in learned)


def test_a_gradient_that_is_not_finite_counts_as_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, made = built(), batches(3)
    expected = flat(private.clipped_sum(network, made[1:], SETTINGS, 0.1))

    def spoilt(network: nn.Module, batch: Batch, *rest: Any) -> float:
        loss = differentiate(network, batch, *rest)
        if batch is made[0]:
            next(network.parameters()).grad[:] = math.inf  # type: ignore[index]
        return loss

    monkeypatch.setattr(private, "differentiate", spoilt)
    found = flat(private.clipped_sum(network, made, SETTINGS, 0.1))
    np.testing.assert_array_equal(found, expected)


def test_neurons_that_run_away_on_a_person_count_as_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unstable(*_: Any) -> float:
        raise UnstableError(3)

    monkeypatch.setattr(private, "differentiate", unstable)
    assert not flat(private.clipped_sum(built(), batches(2), SETTINGS, 0.1)).any()


def test_persons_are_drawn_independently() -> None:
    rng = np.random.default_rng(4)
    steps = [private.drawn_persons(30, 0.2, rng) for _ in range(4000)]
    drawn = np.array([np.isin(np.arange(30), step) for step in steps])
    assert np.abs(drawn.mean(axis=0) - 0.2).max() < 5 * np.sqrt(0.16 / 4000)
    sizes = drawn.sum(axis=1)
    assert sizes.var() == pytest.approx(30 * 0.16, rel=0.1)  # fixed sizes have none
    together = np.corrcoef(drawn.T) - np.eye(30)
    assert np.abs(together).max() < 5 / np.sqrt(4000)
    assert private.drawn_persons(3, 1.0, rng) == [0, 1, 2]


class Still(nn.Module):
    """A network whose gradient is 0, so that a step has nothing but noise."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2, bias=False)
        self.idle = nn.Parameter(torch.zeros(40_000))

    def forward(self, spikes: Tensor) -> Tensor:
        return self.linear(0 * spikes.mean(0)) + 0 * self.idle.sum()


def test_noise_has_the_spread_that_was_accounted_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[Tensor] = []
    network = Still()
    guarantee = Guarantee(1, 1e-3, 6, 4.0, 10, 0.5, 3.0)

    def watch(*_: Any, **__: Any) -> None:
        steps.append(network.idle.grad.clone())  # type: ignore[union-attr]

    monkeypatch.setattr(torch.optim.AdamW, "step", watch)
    people = [windows([0, 1]) for _ in range(6)]
    list(run_fit(network, people, guarantee))
    noise = torch.stack(steps)
    assert len(noise) == 10
    assert noise.std() == pytest.approx(3.0 * 0.5 / 4.0, rel=0.02)
    assert abs(float(noise.mean())) < 5 * 0.375 / math.sqrt(noise.numel())
    assert abs(float((noise[0] * noise[1]).mean())) < 5 * 0.375**2 / 200


def test_a_constant_that_is_one_number_is_hidden_too() -> None:
    """As `beta` of snnTorch's neurons is, if they learn it."""
    network = Still()
    network.idle = nn.Parameter(torch.tensor(0.0))
    people = [windows([0, 1]) for _ in range(3)]
    list(run_fit(network, people, Guarantee(1, 1e-3, 3, 2.0, 10, 1.0, 1.0)))
    assert network.idle.shape == ()
    assert float(network.idle.detach()) != 0


def windows(targets: list[int]) -> Windows:
    bits = np.random.default_rng(0).random((20 * len(targets), 3)) < 0.3
    return Windows(
        torch.from_numpy(bits.astype(np.uint8)),
        torch.arange(len(targets)) * 20,
        torch.tensor(targets),
        20,
        0.02,
    )


def run_fit(
    network: nn.Module,
    people: list[Windows],
    guarantee: Guarantee,
    *,
    public: int = 1,
    hidden_seed: int = 2,
) -> Iterator[Epoch]:
    rng, hidden = np.random.default_rng(public), np.random.default_rng(hidden_seed)
    return private.fit_privately(
        network, people, windows([0, 1]), SETTINGS, guarantee, rng, hidden
    )


@pytest.mark.parametrize("name", ["windows", "dropout"])
def test_all_that_a_step_draws_is_secret(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With draws that are known, one person more would change those of all who follow.
    monkeypatch.setattr(private, "_put_noisy", lambda *_: None)
    drawn: list[Tensor] = []

    def watch(network: nn.Module, batch: Batch, *_: Any) -> float:
        drawn.append(batch.spikes if name == "windows" else torch.rand(3))
        return 0.0

    monkeypatch.setattr(private, "differentiate", watch)
    people = [windows([0] * 9 + [1] * 9) for _ in range(3)]
    guarantee = Guarantee(1, 1e-3, 3, 3.0, 10, 1.0, 1.0)  # all are drawn in each step
    runs = []
    for public, hidden_seed in ((1, 2), (5, 2), (1, 3)):
        with torch.random.fork_rng():
            torch.manual_seed(public)
            list(
                run_fit(
                    Still(), people, guarantee, public=public, hidden_seed=hidden_seed
                )
            )
        runs.append(torch.stack(drawn))
        drawn.clear()
    assert len(runs[0]) == 30
    assert len({tuple(each.flatten().tolist()) for each in runs[0]}) > 20
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_each_person_gives_a_share_of_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Tensor] = []

    def watch(network: nn.Module, batch: Batch, *_: Any) -> float:
        seen.append(batch.targets)
        return 0.0

    monkeypatch.setattr(private, "differentiate", watch)
    people = [windows([0] * 9 + [1]), windows([1, 1])]
    list(run_fit(Still(), people, Guarantee(1, 1e-3, 2, 2.0, 10, 1.0, 1.0)))
    counts = {tuple(torch.bincount(each, minlength=2).tolist()) for each in seen}
    assert counts == {(6, 6), (0, 12)}  # of 24 a step, and 2 persons
    assert len(seen) == 20


def test_nothing_is_measured_on_persons() -> None:
    people = [windows([0, 1])] * 3
    epochs = list(run_fit(built(), people, Guarantee(1, 1e-3, 3, 2.0, 10, 1.0, 1.0)))
    assert len(epochs) == SETTINGS.epochs
    for epoch in epochs:
        assert epoch.train_loss is None
        assert epoch.gradient_norm is None


def test_decisions_are_parted_by_person() -> None:
    whole = windows([0, 1, 1, 0, 1])
    one, other = private.by_person(whole, ["b", "a", "b", "a", "a"])
    assert one.targets.tolist() == [1, 0, 1]
    assert other.targets.tolist() == [0, 1]
    assert torch.equal(one.spikes(torch.tensor([1])), whole.spikes(torch.tensor([3])))
    with pytest.raises(DataError, match="nobody knows who was recorded in 2 windows"):
        private.by_person(whole, ["b", "", "b", "", "b"])


def test_decisions_of_stretches_are_parted_by_person() -> None:
    bits = torch.zeros((100, 3), dtype=torch.uint8)
    first, length = torch.tensor([0, 40]), torch.tensor([40, 60])
    stretch, step = torch.tensor([0, 1, 1]), torch.tensor([20, 30, 50])
    whole = Stretches(
        bits, first, length, stretch, step, torch.tensor([0, 1, 0]), 20, 1
    )
    one, other = private.by_person(whole, ["x", "y", "y"])
    assert isinstance(other, Stretches)
    assert (one.stretch.tolist(), one.step.tolist()) == ([0], [20])
    assert (other.stretch.tolist(), other.step.tolist()) == ([1, 1], [30, 50])
    assert torch.equal(other.length, whole.length)


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm1d(3),
        nn.BatchNorm1d(3, track_running_stats=False),
        nn.InstanceNorm1d(3, track_running_stats=True),
    ],
)
def test_a_norm_of_several_persons_is_refused_in_any_network(norm: nn.Module) -> None:
    network = nn.Sequential(norm)
    with pytest.raises(ConfigError, match="taken over a batch"):
        next(run_fit(network, [windows([0, 1])], Guarantee(1, 0.1, 1, 1, 10, 1, 1)))


FAULTS: dict[str, tuple[Any, Any, Any]] = {
    "norm over batches": (Convolutional(), SETTINGS, SparsitySettings()),
    "stops early": (
        NETWORKS["linear"],
        TrainingSettings(epochs=3, patience=2),
        SparsitySettings(),
    ),
    "chooses an epoch": (
        NETWORKS["linear"],
        SETTINGS.model_copy(update={"select": "macro_f1"}),
        SparsitySettings(),
    ),
    "fitted without noise": (
        NETWORKS["linear"],
        SETTINGS.model_copy(update={"offsets": "validation"}),
        SparsitySettings(),
    ),
    "pruning trains": (
        NETWORKS["linear"],
        SETTINGS,
        SparsitySettings(pruning=PruningSettings(share=0.5)),
    ),
    "the cutoff is fitted": (
        NETWORKS["linear"],
        SETTINGS,
        SparsitySettings(cutoff=CutoffSettings()),
    ),
}


@pytest.mark.parametrize("message", FAULTS)
def test_what_learns_without_noise_is_refused(message: str) -> None:
    network, training, sparsity = FAULTS[message]
    PrivacySettings().check(network, training, sparsity)  # nothing is asked for
    with pytest.raises(ConfigError, match=message):
        PrivacySettings(noise=1).check(network, training, sparsity)


def test_local_rules_are_refused() -> None:
    class Local(Dense):
        @property
        def local(self) -> Any:
            return "any"

    with pytest.raises(ConfigError, match="local rules"):
        PrivacySettings(noise=1).check(Local(), SETTINGS, SparsitySettings())


@pytest.mark.parametrize(
    "settings", [{"epsilon": 1, "noise": 1}, {"clip": 2}, {"steps": 100}]
)
def test_either_epsilon_or_noise_is_set(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="either epsilon or noise"):
        PrivacySettings.model_validate(settings)
    assert not PrivacySettings().certified
    assert PrivacySettings.model_validate(PrivacySettings().model_dump())


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    return private_task(tmp_path_factory.mktemp("spikes"), NETWORKS["convolutional"])


@pytest.fixture(scope="module")
def once(task: Task) -> Fitted:
    return fitted(task, 0)


def weights(made: Fitted) -> list[np.ndarray]:
    return [value.numpy().copy() for value in made.network.state_dict().values()]


def same(one: Fitted, other: Fitted) -> bool:
    pairs = zip(weights(one), weights(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def seeded(task: Task, fold: int = 0) -> Fitted:
    """Train with equal first weights, as `train` does."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return fitted(task, fold)


def test_equal_settings_and_secrets_give_equal_networks(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = seeded(task)
    assert same(first, seeded(task))
    monkeypatch.setenv(secret.VARIABLE, str(tmp_path / "key"))
    assert not same(first, seeded(task))


def test_other_persons_get_other_noise(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With the same noise, the difference of two networks would be the person's.
    drawn: list[float] = []

    def note(*args: Any) -> Iterator[Epoch]:
        drawn.append(args[6].random())
        return iter(())

    monkeypatch.setattr(private, "fit_privately", note)
    fewer = task.folds[~task.folds["window"].isin(range(36, 48))]
    other = PrivacySettings(noise=1.5, persons_per_step=3, steps=12)
    for changes in ({}, {}, {"folds": fewer}, {"privacy": other}, {"seed": 6}):
        with pytest.raises(IndexError):  # no epoch
            fitted(Task(**{**vars(task), **changes}), 0)
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 4


def test_no_cluster_trains_what_draws_from_the_secret(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def note(*_: Any, what: str, here: bool) -> None:
        asked.append(here)
        raise InterruptedError(what)

    monkeypatch.setattr(train, "parallel_map", note)
    for each in (task, replace(task, privacy=PrivacySettings())):
        with pytest.raises(InterruptedError):
            train.train(each, tmp_path)
    assert asked == [True, False]


def test_a_fold_states_its_guarantee(once: Fitted) -> None:
    summary = once.meta["summary"]
    assert summary["privacy"] == asdict(Guarantee(**summary["privacy"]))
    assert summary["privacy"]["persons"] == N_PERSONS - 2
    assert summary["privacy"]["delta"] == pytest.approx(0.1 / (N_PERSONS - 2))
    assert 0 < summary["privacy"]["epsilon"] < math.inf
    assert summary["best_epoch"] == summary["epochs"]  # the last, whatever validates
    assert "n_train" not in summary  # it is in the file of the network
    run = {"folds": [summary, {**summary, "privacy": {**summary["privacy"]}}]}
    assert certified(run)["epsilon"] == summary["privacy"]["epsilon"]
    assert f"of {N_PERSONS - 2} persons" in sentence(run)
    assert not certified({"folds": [summary, {}]})
    assert sentence({"folds": [{}]}) == ""


def test_the_start_depends_on_nobody(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []
    monkeypatch.setattr(
        private, "fit_privately", lambda network, *_: starts.append(network) or iter(())
    )
    for inputs in ("1", "2"):
        other = Task(
            **{**vars(task), "spikes": task.spikes.parent / f"spikes-{inputs}"}
        )
        flipped(task.spikes, other.spikes, invert=inputs == "2")
        with pytest.raises(IndexError):
            seeded(other)
    one, two = (list(network.state_dict().values()) for network in starts)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def flipped(source: Path, target: Path, *, invert: bool) -> None:
    """Copy spikes, or what is silent in them."""
    for path in source.glob("*.h5"):
        train = files.load_spikes(path)
        bits = unpack(train).astype(bool) != invert
        made = pack(bits, dt=train.dt, delay_s=0.0, features=train.features)
        files.save_spikes(target / path.name, made)


def test_a_killed_run_goes_on_and_gives_the_same_bytes(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    done = train.train(task, whole)
    kept = private.fit_privately

    def killed(*args: Any) -> Iterator[Epoch]:
        yield next(kept(*args))
        raise KeyboardInterrupt

    monkeypatch.setattr(private, "fit_privately", killed)
    with pytest.raises(KeyboardInterrupt):
        train.train(task, broken)
    monkeypatch.setattr(private, "fit_privately", kept)
    assert train.train(task, broken) == done
    for name in ("fold-0.safetensors", "fold-0.int8.safetensors", "history.csv"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()
    assert done[0]["quantized"]["fine_tuned"] is False
    history = pd.read_csv(whole / "history.csv")
    assert history["train_loss"].isna().all()
    table = pd.read_parquet(whole / "predictions.parquet")
    assert set(table["predicted"]) <= set(LABELS)
