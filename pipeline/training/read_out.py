"""Fit a linear read-out of spike rates by logistic regression.

Where nothing but a linear map of rates is learned, the loss is convex and needs no
stochastic descent: each strength of regularisation has one best read-out, and the
validation windows choose the strength.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.networks.parts.head_maps import RateMap
from pipeline.networks.parts.heads import SegmentRates, summed
from pipeline.networks.parts.scaled import mask_of
from pipeline.networks.parts.stack import Stack
from pipeline.training.batches import some_of_each_class
from pipeline.training.fitting import Epoch, Examples, balanced, chooses, fit
from pipeline.training.losses import DENSE
from pipeline.training.offsets import drawn_macro_f1
from pipeline.training.pruning import prune_and_train
from pipeline.training.segments import POWERS
from pipeline.training.settings import SparsitySettings, TrainingSettings
from pipeline.training.stretches import Stretches

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse regularisation, scikit-learn's C, from strong to weak."""
UNTRAINED = -14.0
"""Logit of a class without training windows: below a millionth of what is likeliest,
for those of the others add up to 0 (one against the rest, each of them is near 0)."""
EPOCHS_FITTED = 4
"""Epochs whose windows a read-out is fitted to."""
AT_ONCE = 256
MOST_STEPS = 1000


def is_read_out(network: nn.Module) -> bool:
    """Whether a network is nothing but a linear read-out of rates or counts."""
    if not isinstance(network, Stack) or len(network.layers):
        return False
    return network.head.rate_map is not None


def is_regressed(network: nn.Module, settings: TrainingSettings) -> bool:
    """Whether a network is a read-out that a regression can find.

    Where classes read different parts, only one against the rest is a regression.
    """
    if not is_read_out(network):
        return False
    return settings.loss == "one_vs_rest" or mask_of(_rate_map(network).linear) is None


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
        if is_regressed(network, settings)
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

    It is multinomial, or one logistic regression a class against the rest, each of the
    inputs that the class reads. Every class counts the same unless `class_weights` is
    set; what is drawn of a class stands for all of it. Nothing is dropped out. Rates
    are standardised by the training windows, which is folded into the weights. The
    network is left with the read-out that classifies the validation windows best; with
    that of the weakest regularisation where these cannot choose.

    Parameters
    ----------
    network : nn.Module
        For which `is_regressed` holds; it is changed.
    train, validation : Windows or Stretches
    settings : TrainingSettings
        Its numbers of windows, `loss`, `class_weights` and `select` matter here.
    rng : Generator
        Draws the windows.
    """
    from sklearn.preprocessing import StandardScaler

    fitted = some_of_each_class(train, EPOCHS_FITTED * settings.windows_per_class, rng)
    rows = validation.validation_rows(settings.validation_windows_per_class, rng)
    rates = _rates(network, train, fitted)
    validation_rates = _rates(network, validation, rows)
    last = not chooses(validation)
    targets, validation_targets = train.targets[fitted], validation.targets[rows]
    scaler = StandardScaler().fit(rates.double().cpu().numpy())
    standard = scaler.transform(rates.double().cpu().numpy())
    linear = _rate_map(network).linear
    weights = _weights(train.targets, targets, settings.class_weights or "balanced")
    regress = _one_vs_rest if settings.loss == "one_vs_rest" else _multinomial
    best, kept = -1.0, linear.state_dict()
    for number, strength in enumerate(STRENGTHS, start=1):
        found = regress(standard, targets.cpu().numpy(), weights, strength, linear)
        _put(linear, found, scaler.mean_, scaler.scale_)
        with torch.no_grad():
            loss, _ = balanced(linear(rates), targets)
            logits = linear(validation_rates)
        epoch = Epoch(
            number,
            loss,
            *balanced(logits, validation_targets),
            None,
            validation_macro_f1=drawn_macro_f1(logits, validation.targets, rows),
        )
        yield epoch
        if last or epoch.score(settings.select) > best:
            best = epoch.score(settings.select)
            kept = {k: v.clone() for k, v in linear.state_dict().items()}
    linear.load_state_dict(kept)


class _Found(NamedTuple):
    """A read-out of standardised rates, a row a class that occurs in training."""

    classes: np.ndarray
    weights: np.ndarray
    biases: np.ndarray


def _weights(targets: Tensor, drawn: Tensor, how: str) -> np.ndarray:
    """Weigh each class that occurs by its decisions; 1 on average over those drawn.

    With n decisions, of which d were drawn, one of these counts n^(1 − power) / d.
    """
    occur, taken = (np.unique(t.cpu(), return_counts=True)[1] for t in (targets, drawn))
    shares = occur ** (1 - POWERS[how])
    weights: np.ndarray = shares * taken.sum() / (taken * shares.sum())
    return weights


def _multinomial(
    standard: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    strength: float,
    linear: nn.Linear,
) -> _Found:
    """Fit all classes together."""
    classes = np.unique(targets)
    by_class = dict(zip(classes.tolist(), weights.tolist(), strict=True))
    model = _fitted(standard, targets, strength, class_weight=by_class)
    coefficients, biases = model.coef_, model.intercept_
    if len(coefficients) == 1:
        # Of two classes scikit-learn gives the difference.
        coefficients, biases = (
            np.concatenate([-v, v]) / 2 for v in (coefficients, biases)
        )
    return _Found(classes, coefficients, biases)


def _one_vs_rest(
    standard: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    strength: float,
    linear: nn.Linear,
) -> _Found:
    """Fit each class against the rest, from the inputs that it reads."""
    classes, place = np.unique(targets, return_inverse=True)
    mask = mask_of(linear)
    found = _Found(
        classes, np.zeros((len(classes), standard.shape[1])), np.zeros(len(classes))
    )
    for row, k in enumerate(classes):
        read = slice(None) if mask is None else mask[k].cpu().numpy() > 0
        # Newton's steps need a fifth of the time where inputs are far fewer than rows.
        model = _fitted(
            standard[:, read],
            place == row,
            strength,
            solver="newton-cholesky",
            sample_weight=weights[place],
        )
        found.weights[row, read] = model.coef_[0]
        found.biases[row] = model.intercept_[0]
    return found


def _fitted(
    standard: np.ndarray,
    targets: np.ndarray,
    strength: float,
    *,
    solver: str = "lbfgs",
    class_weight: dict[int, float] | None = None,
    sample_weight: np.ndarray | None = None,
) -> "LogisticRegression":
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(
        C=strength, class_weight=class_weight, solver=solver, max_iter=MOST_STEPS
    )
    # With several threads sums have another order, and other last bits.
    with threadpool_limits(1):
        return model.fit(standard, targets, sample_weight=sample_weight)


def _rates(network: nn.Module, examples: Examples, rows: Tensor) -> Tensor:
    """Compute what the head maps: rates (decision, segment·feature), or the mean."""
    pool = SegmentRates(_rate_map(network).bins)
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


def _rate_map(network: nn.Module) -> RateMap:
    return cast("RateMap", cast("Stack", network).head.rate_map)


def _put(linear: nn.Linear, found: _Found, mean: np.ndarray, scale: np.ndarray) -> None:
    """Put a read-out of standardised rates into a linear map of plain ones."""
    plain = found.weights / scale
    biases = found.biases - plain @ mean
    classes = torch.from_numpy(found.classes)
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.fill_(UNTRAINED)
        linear.weight[classes] = torch.from_numpy(plain).to(linear.weight)
        linear.bias[classes] = torch.from_numpy(biases).to(linear.bias)
