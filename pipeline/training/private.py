"""Train so that a network hides, certified, whether a person was in its training set.

A step of differentially private gradient descent [1]_, a person at a time [2]_:

    each person is drawn with probability q = persons_per_step / persons
    g[p] = gradient of the mean loss of decisions of person p
    g    = (Σ_drawn g[p] · min(1, clip / ‖g[p]‖) + noise · clip · ξ) / persons_per_step

with ξ standard normal and ‖·‖ over all that is learned, dynamics too. The decisions of
a person are batch / persons_per_step, so a step sees a batch on average. AdamW takes g.
Whatever a person's recordings are, the sum has changed by one clip at most; so a
gradient that is not finite, or a network that runs away on them, counts as none.
Everything else is either of one person alone, such as class weights, or of nobody: the
network starts calibrated on spikes made up at random, the steps are as many as asked,
and the last network is kept. What training would measure on persons, its loss among
it, is not kept.

All that a step draws, the noise, persons, decisions and what is dropped out, comes from
this machine's secret and everything that shapes the training. Who knows it could take
the noise off again, and so could who has two networks of one noise and of other
persons. Decisions and dropout are secret because those of one person are drawn after
those of another: with draws that are known, one person more would change the gradients
of all who follow, and so the sum by more than a clip.

References
----------
.. [1] M. Abadi et al., "Deep learning with differential privacy", CCS 2016.
.. [2] H. B. McMahan et al., "Learning differentially private recurrent language
   models", ICLR 2018.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.errors import ConfigError, DataError
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.base import Shape
from pipeline.roles import UNKNOWN
from pipeline.training.accounting import Guarantee
from pipeline.training.batches import Batch
from pipeline.training.fitting import Epoch, Examples, Steps, optimized, validated
from pipeline.training.losses import DENSE, check_loss, differentiate
from pipeline.training.settings import SparsitySettings, TrainingSettings

HIDDEN = Steps(loss=None, gradient_norm=None, skipped=0)
"""What is known of an epoch's steps: they were taken."""
FIRED, WINDOWS = 0.2, 64
"""Share of the bits that are spikes, and windows, of spikes that are made up."""


def fit_privately(
    network: nn.Module,
    people: Sequence[Examples],
    validation: Examples,
    settings: TrainingSettings,
    guarantee: Guarantee,
    rng: np.random.Generator,
    secret: np.random.Generator,
    sparsity: SparsitySettings = DENSE,
) -> Iterator[Epoch]:
    """Fit a network; gives `epochs` results on the validation decisions on the way.

    Parameters
    ----------
    network : nn.Module
        As for `fitting.fit`; it is changed, and left as the last step made it.
    people : sequence of Windows or Stretches
        The decisions of each person.
    validation : Windows or Stretches
        They choose nothing.
    settings : TrainingSettings
        Its `batch` is what a step sees on average, of all persons together.
    guarantee : Guarantee
        Of as many persons.
    rng : Generator
        Draws the decisions that validate.
    secret : Generator
        Draws all that a step draws; it seems random to all others.
    sparsity : SparsitySettings
        What activity costs.

    Raises
    ------
    ConfigError
        The loss needs another read-out, or a norm mixes persons.
    """
    check_loss(network, settings)
    _check_norms(network)
    rows = validation.validation_rows(settings.validation_windows_per_class, rng)
    optimizer, schedule = optimized(network, settings, guarantee.steps)
    size = max(1, round(settings.batch / guarantee.persons_per_step))
    parts = np.array_split(
        np.arange(guarantee.steps), min(settings.epochs, guarantee.steps)
    )
    for number, steps in enumerate(parts, start=1):
        network.train()
        for _ in steps:
            drawn = drawn_persons(len(people), guarantee.share, secret)
            batches = (_batch(people[k], size, settings, secret) for k in drawn)
            with torch.random.fork_rng():
                torch.manual_seed(int(secret.integers(2**63)))  # draws the dropout
                total = clipped_sum(
                    network, batches, settings, guarantee.clip, sparsity
                )
            _put_noisy(total, guarantee, secret)
            optimizer.step()
            schedule.step()
        yield validated(number, HIDDEN, network, validation, rows)


def drawn_persons(count: int, share: float, secret: np.random.Generator) -> list[int]:
    """Draw each of so many persons with a probability, whoever else is drawn."""
    places: list[int] = np.flatnonzero(secret.random(count) < share).tolist()
    return places


def clipped_sum(
    network: nn.Module,
    batches: Iterable[Batch],
    settings: TrainingSettings,
    clip: float,
    sparsity: SparsitySettings = DENSE,
) -> dict[nn.Parameter, Tensor]:
    """Add up the gradients of batches, one a person, each no longer than `clip`.

    Returns
    -------
    total : dict of Parameter to Tensor
        Of all that is learned.
    """
    total = {p: torch.zeros_like(p) for p in network.parameters() if p.requires_grad}
    for batch in batches:
        network.zero_grad()
        try:
            differentiate(network, batch, settings, sparsity)
        except UnstableError:
            continue
        own = {p: p.grad for p in total if p.grad is not None}
        norm = math.sqrt(sum(float(g.double().square().sum()) for g in own.values()))
        if math.isfinite(norm):
            factor = min(1.0, clip / norm) if norm else 0.0
            for parameter, gradient in own.items():
                total[parameter].add_(gradient, alpha=factor)
    return total


def _put_noisy(
    total: dict[nn.Parameter, Tensor],
    guarantee: Guarantee,
    secret: np.random.Generator,
) -> None:
    """Make a sum with noise, as a mean over the persons expected, the gradient."""
    spread = guarantee.noise * guarantee.clip
    for parameter, summed in total.items():
        noise = np.asarray(spread * secret.standard_normal(summed.shape))
        noisy = summed + torch.from_numpy(noise).to(summed)
        parameter.grad = noisy / guarantee.persons_per_step


def _batch(
    person: Examples, size: int, settings: TrainingSettings, rng: np.random.Generator
) -> Batch:
    """Draw decisions of a person, as many of each class that the person has."""
    count = -(-size // len(person.classes))
    whole = {"windows_per_class": count, "batch": count * len(person.classes)}
    return next(iter(person.batches(settings.model_copy(update=whole), rng)))


def by_person(examples: Examples, subjects: Sequence[str]) -> list[Examples]:
    """Part decisions by person.

    Parameters
    ----------
    examples : Windows or Stretches
    subjects : sequence of str
        The person of each decision.

    Raises
    ------
    DataError
        Nobody knows who was recorded.
    """
    known = np.asarray(subjects)
    if (known == UNKNOWN).any():
        raise DataError(
            "windows.parquet",
            f"nobody knows who was recorded in {(known == UNKNOWN).sum()} windows",
            expected="a person of each recording: only persons can be protected",
            remedy="state under the data set's `values` who was recorded, or take out "
            "models.*.privacy",
        )
    rows = (torch.from_numpy(np.flatnonzero(known == s)) for s in np.unique(known))
    device = examples.targets.device
    return [examples.only(own.to(device)) for own in rows]


def made_up(shape: Shape, rng: np.random.Generator) -> Tensor:
    """Make up spikes, (time, window, feature), that nobody's heart or muscle gave."""
    bits = rng.random((shape.n_steps, WINDOWS, shape.n_features)) < FIRED
    return torch.from_numpy(bits.astype(np.float32))


def content(examples: Examples) -> str:
    """Digest spikes and labels: other recordings, other noise."""
    digest = hashlib.sha256()
    for tensor in (examples.trains, examples.targets):
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def _check_norms(network: nn.Module) -> None:
    """Refuse norms over batches, or that keep means of them, of whatever network."""
    if any(
        isinstance(module, _BatchNorm)
        or getattr(module, "running_mean", None) is not None
        for module in network.modules()
    ):
        raise ConfigError(
            "params.yaml: models.*.privacy",
            "certified protection, but a norm of the network is taken over a batch, or "
            "keeps what it has seen",
            expected="nothing that is computed from several persons together",
            remedy="set models.*.network.norm to none, or choose another network",
        )
