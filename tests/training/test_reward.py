"""A read-out learns from one number a window, and from nothing else of the label."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.networks.parts.reward_head import RewardHead
from pipeline.networks.parts.reward_settings import RewardReadOut
from pipeline.networks.parts.stack import Stack
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.reward import Reward
from pipeline.training.batches import Windows
from pipeline.training.fitting import Epoch, balanced, predict
from pipeline.training.reward import RewardLearner, fit_by_reward
from pipeline.training.settings import TrainingSettings

N_STEPS, DT, UNITS = 40, 0.01, 6
CHOICES = RewardReadOut(temperature=1.5)
SEED = 4
SETTINGS = TrainingSettings(epochs=4, windows_per_class=60, patience=4)


def _windows(seed: int, count: int = 160) -> Windows:
    """Make windows of two classes; in each, one half of the units fires more."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    busy = np.repeat(np.stack([targets == 0, targets == 1], 1), UNITS // 2, axis=1)
    shares = np.where(busy, 0.2, 0.08)[:, None]
    trains = rng.random((count, N_STEPS, UNITS)) < shares
    return Windows(
        torch.from_numpy(trains.reshape(-1, UNITS).astype(np.uint8)),
        torch.arange(count) * N_STEPS,
        torch.from_numpy(targets),
        N_STEPS,
        DT,
    )


def _network() -> Stack:
    head = RewardHead(UNITS, 2, bins=2, dt=DT, choices=CHOICES)
    return Stack([], head)


def _fit(
    network: Stack, train: Windows, settings: TrainingSettings = SETTINGS
) -> list[Epoch]:
    rng, first = np.random.default_rng(1), np.random.default_rng(2)
    judged = _windows(8)
    return list(fit_by_reward(network, train, judged, settings, CHOICES, rng, first))


def _accuracy(network: Stack) -> float:
    """Balanced accuracy on windows of no other role."""
    windows = _windows(9, 400)
    logits = predict(network, windows, torch.arange(400))
    return balanced(logits, windows.targets)[1]


def _permuted(windows: Windows) -> Windows:
    order = torch.from_numpy(np.random.default_rng(5).permutation(len(windows.targets)))
    return replace(windows, targets=windows.targets[order])


def test_it_learns_from_reward() -> None:
    network = _network()
    epochs = _fit(network, _windows(7))
    assert _accuracy(network) > 0.85
    assert epochs[-1].train_loss < 0.6
    assert epochs[-1].spike_rate is not None
    assert epochs[-1].spike_rate > 0


def test_validation_of_one_class_keeps_the_last_epoch() -> None:
    network, judged = _network(), _windows(8)
    judged = replace(judged, targets=torch.zeros_like(judged.targets))
    rng, first = np.random.default_rng(1), np.random.default_rng(2)
    settings = TrainingSettings(epochs=3, windows_per_class=10, patience=1)
    epochs = fit_by_reward(network, _windows(7), judged, settings, CHOICES, rng, first)
    weights = [network.head.weights.weight.detach().clone() for _ in epochs]
    assert len(weights) == 3
    assert torch.equal(network.head.weights.weight, weights[-1])


def test_labels_without_information_teach_nothing() -> None:
    windows = _permuted(_windows(7))
    accuracies = []
    for seed in range(3):
        learner = _learner(seed)
        rows, rng = torch.arange(len(windows.first)).repeat(2), np.random.default_rng(0)
        learner.learn_from(windows, rows, np.ones(len(rows)), rng)
        learner.keep()
        accuracies.append(_accuracy(Stack([], learner.head)))
    assert abs(np.mean(accuracies) - 0.5) < 0.15


def _learner(seed: int = 0) -> RewardLearner:
    return RewardLearner.of(_network(), CHOICES, np.random.default_rng(seed))


def _weights(learner: RewardLearner) -> np.ndarray:
    weights: np.ndarray = learner.head.neurons.population.values(learner.state)
    return weights


def _copies(learner: RewardLearner, windows: Windows, row: int) -> np.ndarray:
    copies: Tensor = learner.head.gates(windows.spikes(torch.tensor([row])))
    connected: np.ndarray = copies[:, 0].bool().numpy()
    return connected


def _learn_one(target: int, share: float = 1.0) -> tuple[RewardLearner, float]:
    """Run a learner through one window that is labelled with a class."""
    learner, windows = _learner(), _windows(7)
    windows = replace(windows, targets=torch.full_like(windows.targets, target))
    rng = np.random.default_rng(SEED)
    loss = learner.learn_from(windows, torch.tensor([4]), np.array([share]), rng)
    return learner, loss


def test_only_the_class_that_was_chosen_learns_by_the_error_of_the_prediction() -> None:
    before, windows = _learner(), _windows(7)
    likely = before.likelihoods(_copies(before, windows, 4))
    eligibility = before.eligibility.copy()
    choice = int(np.random.default_rng(SEED).choice(2, p=likely))
    assert likely[choice] < 0.5, "choose a seed that draws the less likely class"
    rule = CHOICES.rules[0]
    assert isinstance(rule, Reward)
    rate = rule.rate * np.exp(-DT / rule.tau_eligibility_s)
    start = _weights(before).copy()
    for target in (0, 1):
        learner, loss = _learn_one(target)
        change = _weights(learner) - start
        error = float(choice == target) - likely[choice]
        expected = np.zeros_like(change)
        expected[:, choice] = rate * error * eligibility[:, choice]
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(change, expected, atol=1e-6)
        assert loss == pytest.approx(-np.log(likely[target]), rel=1e-6)


def test_no_other_class_ever_learns() -> None:
    """Neurons that are still charged when the window ends stay out of it, too."""
    choices = RewardReadOut(threshold=0.2)
    head = RewardHead(UNITS, 3, bins=2, dt=DT, choices=choices)
    rng = np.random.default_rng(1)
    learner = RewardLearner.of(Stack([], head), choices, rng)
    population = head.neurons.population
    charged = 0
    for choice in np.arange(60) % 3:
        learner.likelihoods(rng.random((40, population.n_pre)) < 0.2)
        charged += int((learner.state.membranes[1] > 0.2).any())
        start = _weights(learner).copy()
        learner.deliver(int(choice), 0.5)
        changed = (_weights(learner) != start).any(0)
        assert changed[choice]
        assert not np.delete(changed, choice).any()
    assert charged > 30


def test_no_rate_left_no_change() -> None:
    learner, _ = _learn_one(1, share=0.0)
    assert np.array_equal(_weights(learner), _weights(_learner()))


def test_all_neurons_of_a_class_are_rewarded_together() -> None:
    choices = RewardReadOut(per_class=3)
    head = RewardHead(UNITS, 2, bins=2, dt=DT, choices=choices)
    learner = RewardLearner.of(Stack([], head), choices, np.random.default_rng(0))
    learner.eligibility[:] = 1
    start = _weights(learner).copy()
    learner.deliver(1, 1.0)
    changed = (_weights(learner) != start).all(0)
    assert changed.tolist() == [False] * 3 + [True] * 3


def test_the_same_bits_twice() -> None:
    networks = _network(), _network()
    histories = [_fit(network, _windows(7)) for network in networks]
    assert histories[0] == histories[1]
    one, other = (network.state_dict() for network in networks)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_best_epoch_is_kept_and_loads_into_a_new_network() -> None:
    network, other = _network(), _network()
    epochs = _fit(network, _permuted(_windows(7)))
    judged = _windows(8)
    rows = torch.arange(len(judged.first))
    logits = predict(network, judged, rows)
    best = max(epochs, key=lambda epoch: epoch.validation_balanced_accuracy)
    assert best is not epochs[-1]
    assert balanced(logits, judged.targets) == pytest.approx(
        (best.validation_loss, best.validation_balanced_accuracy)
    )
    other.load_state_dict(copy.deepcopy(network.state_dict()))
    assert torch.equal(predict(other, judged, rows), logits)


def test_it_stops_when_it_gets_no_better() -> None:
    patient = SETTINGS.model_copy(update={"epochs": 30, "patience": 2})
    epochs = _fit(_network(), _windows(7), patient)
    accuracies = [epoch.validation_balanced_accuracy for epoch in epochs]
    assert len(epochs) < 30
    assert int(np.argmax(accuracies)) == len(epochs) - 3


def test_ties_are_no_better() -> None:
    choices = RewardReadOut(rules=(Reward(rate=1e-9),))
    head = RewardHead(UNITS, 2, bins=2, dt=DT, choices=choices)
    patient = SETTINGS.model_copy(update={"patience": 2})
    rngs = np.random.default_rng(1), np.random.default_rng(2)
    windows, judged = _windows(7), _windows(8)
    epochs = fit_by_reward(Stack([], head), windows, judged, patient, choices, *rngs)
    assert len(list(epochs)) == 3


def test_windows_do_not_affect_each_other() -> None:
    learner, windows = _learner(), _windows(7)
    one, other = (_copies(learner, windows, row) for row in (4, 5))
    alone = learner.likelihoods(one)
    eligibility = learner.eligibility.copy()
    learner.likelihoods(other)
    # Time goes on for what is done every second; nothing is due yet.
    again = _learner()
    again.likelihoods(other)
    assert np.array_equal(again.likelihoods(one), alone)
    assert np.array_equal(again.eligibility, eligibility)


def test_thresholds_are_kept_too() -> None:
    rules = Reward(), AdaptiveThreshold(increment=0.1, tau_s=50)
    choices = RewardReadOut(rules=rules)
    head = RewardHead(UNITS, 2, bins=2, dt=DT, choices=choices)
    learner = RewardLearner.of(Stack([], head), choices, np.random.default_rng(0))
    learner.likelihoods(_copies(learner, _windows(7), 4))
    learner.keep()
    assert (head.neurons.thresholds > 1).all()
    assert np.array_equal(head.neurons.thresholds.numpy(), learner.state.thresholds)
