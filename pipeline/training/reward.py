"""Learning of a read-out from reward: one number per window, and no gradient.

::

    nₖ        spikes of class k's neurons in the window, without reward
    pₖ        exp(nₖ/T) / Σ exp(n/T)                  how sure of class k
    c         drawn by p                              the choice
    e_ij      eligibility of pairs of spikes; kept by the neurons of c alone
    w_ij      w_ij + η·(R − p_c)·e_ij                 R = 1 if c is right, else 0

What the label does is decide R. p_c is the reward that the choice promised, so what
arrives is the error of a prediction: nothing is learned from success that was sure. All
else is local; that only the neurons which made the choice stay eligible is what
inhibition of the others by them would do. η falls evenly to 0.

References
----------
.. [1] P. R. Roelfsema, A. van Ooyen, "Attention-gated reinforcement learning of
   internal representations for classification", Neural Computation 17, 2005.
.. [2] R. V. Florian, "Reinforcement learning through modulation of
   spike-timing-dependent synaptic plasticity", Neural Computation 19, 2007.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.axes import SpikeBits
from pipeline.networks.parts.reward_head import RewardHead
from pipeline.networks.parts.reward_settings import RewardReadOut
from pipeline.networks.parts.stack import Stack
from pipeline.plasticity.parts.state import LearningState
from pipeline.training.batches import (
    Windows,
    as_many_of_each_class,
    some_of_each_class,
)
from pipeline.training.fitting import (
    Epoch,
    balanced,
    chooses,
    predict,
)
from pipeline.training.settings import TrainingSettings

AT_ONCE = 64


def fit_by_reward(
    network: Stack,
    train: Windows,
    validation: Windows,
    settings: TrainingSettings,
    choices: RewardReadOut,
    rng: np.random.Generator,
    weights_rng: np.random.Generator,
) -> Iterator[Epoch]:
    """Let a read-out learn from reward, and yield every epoch.

    It ends as `fit` does, and leaves the network with the weights of its best epoch.

    Parameters
    ----------
    network : Stack
        A `RewardHead` and nothing else; it is changed.
    train, validation : Windows
        What it learns from, and what decides which epoch was the best.
    settings : TrainingSettings
        Of which epochs, windows and patience count here.
    choices : RewardReadOut
        What the head was made of.
    rng : Generator
        Draws windows and choices.
    weights_rng : Generator
        Draws the weights before learning.

    Yields
    ------
    Epoch
        Its training loss is the cross-entropy of the choices' likelihoods; the spike
        rate is of the class neurons.
    """
    learner = RewardLearner.of(network, choices, weights_rng)
    validating = some_of_each_class(
        validation, settings.validation_windows_per_class, rng
    )
    last = not chooses(validation)
    best_epoch, best_accuracy, best_weights = 0, -1.0, network.state_dict()
    for number in range(1, settings.epochs + 1):
        rows = as_many_of_each_class(train, settings.windows_per_class, rng)
        left = 1 - (np.arange(len(rows)) / len(rows) + number - 1) / settings.epochs
        loss = learner.learn_from(train, rows, left, rng)
        learner.keep()
        epoch = Epoch(number, loss, *learner.score(network, validation, validating))
        if last or epoch.validation_balanced_accuracy > best_accuracy:
            best_epoch, best_accuracy = number, epoch.validation_balanced_accuracy
            best_weights = copy.deepcopy(network.state_dict())
        yield epoch
        if number - best_epoch >= settings.patience:
            break
    network.load_state_dict(best_weights)


@dataclass(frozen=True)
class RewardLearner:
    """A head, and what learning changes of it.

    Parameters
    ----------
    head : RewardHead
    state : LearningState
    eligibility : array, shape (source, neuron)
        The state's, of the rule that waits for reward.
    """

    head: RewardHead
    state: LearningState
    eligibility: np.ndarray

    @classmethod
    def of(
        cls, network: Stack, choices: RewardReadOut, rng: np.random.Generator
    ) -> "RewardLearner":
        """Start from weights that are drawn uniformly."""
        head = cast("RewardHead", network.head)
        population = head.neurons.population
        shape = population.n_pre, population.n_post
        drawn = population.w_max * rng.uniform(*choices.first_weights, shape)
        thresholds = head.neurons.thresholds.cpu().numpy()
        state = population.start(drawn.astype(np.float32), thresholds)
        (rewarded,) = (
            traces
            for rule, traces in zip(population.rules, state.traces, strict=True)
            if rule.takes_reward
        )
        return cls(head, state, rewarded.synapse[0])

    def learn_from(
        self, windows: Windows, rows: Tensor, left: np.ndarray, rng: np.random.Generator
    ) -> float:
        """Decide on windows and learn from what that earns; gives the mean loss.

        `left` gives, for each, how much of the rate is left.
        """
        targets = windows.targets[rows.to(windows.targets.device)].cpu()
        gains, likelihoods = iter(zip(targets.tolist(), left, strict=True)), []
        for some in torch.split(rows.to(windows.first.device), AT_ONCE):
            copies = self.head.gates(windows.spikes(some)).transpose(0, 1) != 0
            for window in copies.contiguous().cpu().numpy():
                target, share = next(gains)
                likely = self.likelihoods(window)
                choice = int(rng.choice(len(likely), p=likely))
                reward = float(choice == target) - likely[choice]
                self.deliver(choice, share * reward)
                likelihoods.append(likely)
        loss, _ = balanced(torch.from_numpy(np.log(likelihoods)), targets)
        return loss

    def likelihoods(self, window: SpikeBits) -> np.ndarray:
        """Run through a window, and give the probability of every class."""
        population = self.head.neurons.population
        population.rest(self.state)
        counts = population.run(self.state, window).sum(0)
        logits = counts.reshape(self.head.n_classes, -1).sum(1) / self.head.temperature
        # No class is ever impossible, or its logarithm would be infinite.
        shares = np.maximum(np.exp(logits - logits.max()), 1e-12)
        return np.asarray(shares / shares.sum())

    def deliver(self, choice: int, reward: float) -> None:
        """Reward the neurons that made the choice, in a silent step."""
        population = self.head.neurons.population
        owners = np.arange(population.n_post) * self.head.n_classes // population.n_post
        self.eligibility[:, owners != choice] = 0
        # What is left of the window would make neurons fire, and be eligible again.
        self.state.membranes[:] = 0
        silence = np.zeros((1, population.n_pre), np.bool_)
        population.run(self.state, silence, np.array([reward], np.float32))

    def keep(self) -> None:
        """Put what was learned into the network."""
        weights = self.head.neurons.population.values(self.state)
        with torch.no_grad():
            self.head.weights.weight.copy_(torch.from_numpy(weights).t())
            self.head.neurons.thresholds.copy_(torch.from_numpy(self.state.thresholds))

    def score(
        self, network: nn.Module, windows: Windows, rows: Tensor
    ) -> tuple[float, float, float]:
        """Compute loss and accuracy of windows, and the class neurons' rate."""
        rows = rows.to(windows.first.device)
        logits = predict(network, windows, rows)
        lived_s = len(rows) * self.head.neurons.width * windows.n_steps * windows.dt
        rate = float(logits.sum()) * self.head.temperature / lived_s
        return *balanced(logits, windows.targets[rows]), rate
