"""Linear read-outs: the best there is for each strength, and the best of those."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky
from pipeline.training.batches import Windows
from pipeline.training.fitting import balanced, predict
from pipeline.training.read_out import STRENGTHS, fit_read_out, is_read_out
from pipeline.training.settings import TrainingSettings

N_STEPS = 20
SETTINGS = TrainingSettings(windows_per_class=50, validation_windows_per_class=40)


def windows(n_classes: int, seed: int, count: int = 200) -> Windows:
    """Make windows of four features; the rate of feature k marks class k."""
    rng = np.random.default_rng(seed)
    targets = np.where(
        rng.random(count) < 0.6, 0, rng.integers(0, n_classes, count)
    )  # the first class is common
    rate = np.full((count, N_STEPS, 4), 0.1)
    rate[np.arange(count), :, targets] = 0.3
    trains = (rng.random(rate.shape) < rate).reshape(-1, 4).astype(np.uint8)
    first = torch.arange(count) * N_STEPS
    return Windows(
        torch.from_numpy(trains), first, torch.from_numpy(targets), N_STEPS, 0.01
    )


def read_out(n_classes: int, **settings: object) -> torch.nn.Module:
    network = Dense(units=(), bins=2, **settings)
    torch.manual_seed(0)
    return network.build(Shape(N_STEPS, 4, n_classes, 0.01), Leaky())


def fitted(network: torch.nn.Module, n_classes: int) -> list[float]:
    rng = np.random.default_rng(0)
    epochs = fit_read_out(
        network, windows(n_classes, 1), windows(n_classes, 2), SETTINGS, rng
    )
    return [epoch.validation_balanced_accuracy for epoch in epochs]


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("kind", ["rates", "count"])
def test_it_distinguishes_classes(n_classes: int, kind: str) -> None:
    network = read_out(n_classes, read_out=kind)
    accuracies = fitted(network, n_classes)
    assert len(accuracies) == len(STRENGTHS)
    unseen = windows(n_classes, 3)
    logits = predict(network, unseen, torch.arange(200))
    assert balanced(logits, unseen.targets)[1] > 0.75


def test_the_best_strength_is_kept() -> None:
    network = read_out(4)
    accuracies = fitted(network, 4)
    assert len(set(accuracies)) > 1
    judged = windows(4, 2)
    kept = predict(network, judged, torch.arange(200))
    rare = [40, *(int((judged.targets == k).sum()) for k in range(1, 4))]
    assert max(rare[1:]) <= 40
    every = balanced(kept, judged.targets)[1]
    # The judges are all windows of the rare classes and some of the common one.
    assert abs(every - max(accuracies)) < 0.06


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_scikit_learns(n_classes: int) -> None:
    """The network's probabilities are those of the same regression by hand."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = read_out(n_classes)
    train = windows(n_classes, 1)
    epochs = fit_read_out(network, train, train, SETTINGS, rng=np.random.default_rng(0))
    next(epochs)
    every = torch.arange(200)
    rates = network.head.rates(train.spikes(every)).numpy()
    # As many windows of the common class as were drawn: all of them fit in.
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=STRENGTHS[0], class_weight="balanced")
    ).fit(rates, train.targets.numpy())
    predicted = predict(network, train, every).softmax(1).numpy()
    np.testing.assert_allclose(predicted, model.predict_proba(rates), atol=1e-4)


def test_a_class_without_training_windows_is_never_predicted() -> None:
    network, train = read_out(4), windows(3, 1)
    list(fit_read_out(network, train, train, SETTINGS, np.random.default_rng(0)))
    unseen = windows(3, 3)
    likely = predict(network, unseen, torch.arange(200)).softmax(1)
    assert (likely[:, 3] < 1e-5).all()
    three = read_out(3)
    list(fit_read_out(three, train, train, SETTINGS, np.random.default_rng(0)))
    expected = predict(three, unseen, torch.arange(200)).softmax(1)
    torch.testing.assert_close(likely[:, :3], expected, atol=1e-4, rtol=0)


def test_validation_of_one_class_keeps_the_weakest_regularisation() -> None:
    network, train = read_out(3), windows(3, 1)
    targets = torch.zeros_like(train.targets)
    judges = replace(train, targets=targets)
    rng = np.random.default_rng(0)
    epochs = fit_read_out(network, train, judges, SETTINGS, rng)
    weights = [network.head.linear.weight.detach().clone() for _ in epochs]
    assert torch.equal(network.head.linear.weight, weights[-1])
    assert not torch.equal(weights[0], weights[-1])


def test_the_same_twice() -> None:
    one, other = read_out(3), read_out(3)
    assert fitted(one, 3) == fitted(other, 3)
    assert torch.equal(one.head.linear.weight, other.head.linear.weight)


def test_a_feature_that_never_fires_does_no_harm() -> None:
    network, train = read_out(3), windows(3, 1)
    train.trains[:, 3] = 0
    list(fit_read_out(network, train, train, SETTINGS, np.random.default_rng(0)))
    assert torch.isfinite(network.head.linear.weight).all()


def test_what_is_a_read_out() -> None:
    assert is_read_out(read_out(2))
    assert is_read_out(read_out(2, read_out="count"))
    assert not is_read_out(read_out(2, read_out="membrane"))
    hidden = Dense(units=(4,)).build(Shape(N_STEPS, 4, 2, 0.01), Leaky())
    assert not is_read_out(hidden)


def test_a_class_without_training_windows_has_a_millionth_of_the_likeliest() -> None:
    network, train = read_out(4), windows(3, 1)
    list(fit_read_out(network, train, train, SETTINGS, np.random.default_rng(0)))
    likely = predict(network, windows(3, 3), torch.arange(200)).softmax(1)
    assert (likely[:, 3] < 1e-6 * likely.amax(1)).all()
    assert (likely[:, 3] > 0).all()
