"""Fit a linear read-out of spike rates by logistic regression.

Where nothing but a linear map of rates is learned, the loss is convex and needs no
stochastic descent: each strength of regularisation has one best read-out, and the
validation windows choose the strength.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.networks.parts.heads import RateHead, SegmentRates, summed
from pipeline.networks.parts.stack import Stack
from pipeline.networks.parts.step_heads import CountHead
from pipeline.training.batches import some_of_each_class
from pipeline.training.fitting import Epoch, Examples, balanced, chooses, fit
from pipeline.training.losses import DENSE
from pipeline.training.pruning import prune_and_train
from pipeline.training.settings import SparsitySettings, TrainingSettings
from pipeline.training.stretches import Stretches

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse regularisation, scikit-learn's C, from strong to weak."""
UNTRAINED = -14.0
"""Logit of a class without training windows: below a millionth of what is likeliest,
for those of the others add up to 0."""
EPOCHS_FITTED = 4
"""Of how many epochs' windows a read-out learns."""
AT_ONCE = 256
MOST_STEPS = 1000


def is_read_out(network: nn.Module) -> bool:
    """Whether a network is nothing but a linear read-out of rates or counts."""
    if not isinstance(network, Stack) or len(network.layers):
        return False
    return isinstance(network.head, RateHead | CountHead)


def fit_sparsely(
    network: nn.Module,
    train: Examples,
    validation: Examples,
    settings: TrainingSettings,
    rng: np.random.Generator,
    sparsity: SparsitySettings = DENSE,
) -> Iterator[Epoch]:
    """Fit a network in its own way; prune it and train what is left, if asked to.

    What is left of a read-out that was found by regression is trained by gradients: no
    regression leaves out other weights for every class.

    Parameters
    ----------
    network : nn.Module
        It is changed.
    train, validation : Windows or Stretches
    settings : TrainingSettings
    rng : Generator
        Draws the windows.
    sparsity : SparsitySettings
    """
    again = partial(fit, network, train, validation, rng=rng, sparsity=sparsity)
    epochs = (
        fit_read_out(network, train, validation, settings, rng)
        if is_read_out(network)
        else again(settings)
    )
    return prune_and_train(network, epochs, again, settings, sparsity.pruning)


def fit_read_out(
    network: nn.Module,
    train: Examples,
    validation: Examples,
    settings: TrainingSettings,
    rng: np.random.Generator,
) -> Iterator[Epoch]:
    """Fit a linear read-out for each strength in turn; yields each as an epoch.

    Every class counts the same, and nothing is dropped out. Rates are standardised by
    the training windows, which is folded into the weights. The network is left with the
    read-out that classifies the validation windows best; with that of the weakest
    regularisation where these cannot choose.

    Parameters
    ----------
    network : nn.Module
        For which `is_read_out` holds; it is changed.
    train, validation : Windows or Stretches
    settings : TrainingSettings
        Only its numbers of windows matter here.
    rng : Generator
        Draws the windows.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    fitted = some_of_each_class(train, EPOCHS_FITTED * settings.windows_per_class, rng)
    rows = validation.validation_rows(settings.validation_windows_per_class, rng)
    rates = _rates(network, train, fitted)
    validation_rates = _rates(network, validation, rows)
    last = not chooses(validation)
    targets, validation_targets = train.targets[fitted], validation.targets[rows]
    scaler = StandardScaler().fit(rates.double().cpu().numpy())
    standard = scaler.transform(rates.double().cpu().numpy())
    linear = _head(network).linear
    best, kept = -1.0, linear.state_dict()
    for number, strength in enumerate(STRENGTHS, start=1):
        model = LogisticRegression(
            C=strength, class_weight="balanced", max_iter=MOST_STEPS
        )
        # With several threads sums have another order, and other last bits.
        with threadpool_limits(1):
            model.fit(standard, targets.cpu().numpy())
        _put(linear, model, scaler.mean_, scaler.scale_)
        with torch.no_grad():
            loss, _ = balanced(linear(rates), targets)
            validated = balanced(linear(validation_rates), validation_targets)
        yield Epoch(number, loss, *validated, None)
        if last or validated[1] > best:
            best, kept = (
                validated[1],
                {k: v.clone() for k, v in linear.state_dict().items()},
            )
    linear.load_state_dict(kept)


def _rates(network: nn.Module, examples: Examples, rows: Tensor) -> Tensor:
    """Compute what the head maps: rates (decision, segment·feature), or the mean."""
    head = _head(network)
    pool = head.rates if isinstance(head, RateHead) else SegmentRates(1)
    if isinstance(examples, Stretches):
        return _trailing(pool, examples)[rows]
    split = torch.split(rows.to(examples.first.device), AT_ONCE)
    return torch.cat([pool(examples.spikes(some)) for some in split])


def _trailing(pool: SegmentRates, stretches: Stretches) -> Tensor:
    """Compute the rates before each decision, (decision, segment·feature)."""
    parts, order = [], []
    for run in stretches.runs(1):
        shares, start = [], 0
        for piece in run.pieces:
            shares.append(pool.trailing(piece, start, run.at, stretches.n_steps))
            start += len(piece)
        parts.append(summed(shares, len(run.rows)))
        order.append(run.rows)
    return torch.cat(parts)[torch.cat(order).argsort()]


def _head(network: nn.Module) -> RateHead | CountHead:
    return cast("RateHead | CountHead", network.head)


def _put(
    linear: nn.Linear, model: "LogisticRegression", mean: np.ndarray, scale: np.ndarray
) -> None:
    """Put a read-out of standardised rates into a linear map of plain ones."""
    weights, biases = model.coef_, model.intercept_
    if len(weights) == 1:
        # Of two classes scikit-learn gives the difference.
        weights, biases = (np.concatenate([-v, v]) / 2 for v in (weights, biases))
    plain = weights / scale
    classes = torch.from_numpy(model.classes_)
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.fill_(UNTRAINED)
        linear.weight[classes] = torch.from_numpy(plain).to(linear.weight)
        linear.bias[classes] = torch.from_numpy(biases - plain @ mean).to(linear.bias)
