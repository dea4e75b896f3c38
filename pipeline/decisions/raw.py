"""A decision from recorded samples: filter, code and network of a fold in one.

What is given counts as a recording from its first sample on: before it there was
silence, as in every recording. The decision is taken at its last sample, so what the
code and the filter lag behind the signal must be in it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import seeds
from pipeline.axes import Precise
from pipeline.encoding.encode import encode
from pipeline.errors import DataError
from pipeline.preparation.signals import SignalSettings, design
from pipeline.signals import Signal
from pipeline.spikes import unpack
from pipeline.training.cell import TrainedCell, TrainedFold

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.preparation.causal import Design

PREDICTED, PROBABILITY = "predicted", "p_{}"
"""Columns of a decision, as `predictions.parquet` names them."""


@dataclass(frozen=True)
class Input:
    """The recorded signal that a cell takes.

    Parameters
    ----------
    channels : tuple of str
        In their order.
    sfreq : float
        Samples per second, where nothing else is stated.
    """

    channels: tuple[str, ...]
    sfreq: float


@dataclass(frozen=True)
class RawDecider:
    """A trained cell that decides about recorded samples.

    Parameters
    ----------
    cell : TrainedCell
    takes : Input
    """

    cell: TrainedCell
    takes: Input

    def decide(
        self, recorded: Precise, fold: int | None = None, sfreq: float | None = None
    ) -> pd.DataFrame:
        """Decide at the end of each excerpt.

        Parameters
        ----------
        recorded : array, shape (excerpt, time, channel)
            Volts.
        fold : int, optional
            Whose network decides; default: the first.
        sfreq : float, optional
            Samples per second; default: as the data set was recorded.

        Returns
        -------
        decisions : DataFrame
            A row an excerpt: `predicted`, and `p_CLASS` of each class.

        Raises
        ------
        DataError
            There is no such fold, or the samples are not what the cell takes.
        ConfigError
            The rate does not fit the cell's filters.
        """
        import torch

        trained = self._fold(fold)
        self._check(recorded)
        rate = self.takes.sfreq if sfreq is None else sfreq
        self._check_rate(rate)
        settings = SignalSettings.model_validate(self.cell.run["settings"]["signal"])
        plan = design(settings, rate)
        with torch.inference_mode():
            spikes = torch.stack([self._steps(one.T, plan) for one in recorded], dim=1)
            logits = _logits(trained, spikes)
            likely = trained.network.values(logits).softmax(1).numpy()
        return self._named(likely)

    def _fold(self, number: int | None) -> TrainedFold:
        folds = {fold.number: fold for fold in self.cell.folds}
        if number is not None and number not in folds:
            raise DataError(
                f"{self.cell.name}: fold",
                f"{number} is no fold of this model",
                expected=f"one of {', '.join(map(str, folds))}",
                remedy="leave `fold` out to take the first",
            )
        return self.cell.folds[0] if number is None else folds[number]

    def _check(self, recorded: Precise) -> None:
        """Refuse what is no signal of these channels."""
        names = ", ".join(self.takes.channels)
        found = ""
        if recorded.ndim != 3 or recorded.shape[2] != len(self.takes.channels):
            found = f"samples of shape {recorded.shape}"
        elif not recorded.shape[0] or not recorded.shape[1]:
            found = f"{recorded.shape[0]} excerpts of {recorded.shape[1]} samples"
        elif not np.isfinite(recorded).all():
            found = f"{np.sum(~np.isfinite(recorded))} samples are no finite numbers"
        if found:
            raise DataError(
                f"{self.cell.name}: samples",
                found,
                expected=f"volts of shape (excerpt, time, channel), channels {names}",
                remedy="give these channels in this order, recorded without a gap",
            )

    def _check_rate(self, rate: float) -> None:
        if not (np.isfinite(rate) and rate > 0):
            raise DataError(
                f"{self.cell.name}: sfreq",
                f"{rate} samples a second",
                expected="a positive number",
                remedy=f"leave `sfreq` out for {self.takes.sfreq:g}",
            )

    def _steps(self, samples: Precise, plan: "Design") -> "Tensor":
        """Prepare and encode (channel, time); gives the spikes (time, feature)."""
        import torch

        from pipeline.preparation.causal import process

        prepared, _ = process(samples, None, plan)
        names = self.takes.channels
        units = ("1",) * len(names)
        signal = Signal(prepared, plan.sfreq, names, units, plan.delay_s)
        rng = seeds.generator(self.cell.run["settings"]["seed"], "raw", self.cell.name)
        train = encode(self.cell.encoder, signal, rng)
        lag = round(plan.delay_s * plan.sfreq) + round(train.delay_s / train.dt)
        if train.n_steps <= lag:
            raise _too_short(self.cell, 0, (lag + 1 - train.n_steps) * train.dt)
        return torch.from_numpy(unpack(train, lag).T.astype(np.float32))

    def _named(self, likely: np.ndarray) -> pd.DataFrame:
        labels = self.cell.labels
        predicted = pd.Index(labels)[likely.argmax(1)]
        named = {
            PROBABILITY.format(label): likely[:, k].astype(np.float64)
            for k, label in enumerate(labels)
        }
        return pd.DataFrame({PREDICTED: predicted, **named})


def _logits(fold: TrainedFold, spikes: "Tensor") -> "Tensor":
    """Decide at the last step of spikes (time, excerpt, feature), as in testing.

    A network that restarts sees one window. One that runs on sees all, or as much as it
    is to remember, and decides by the last of its outputs that is complete.
    """
    import torch
    from torch.nn import functional

    from pipeline.networks.parts.heads import At

    network, shape, cell = fold.network, fold.shape, fold.cell
    if cell.network.restarts == "windows":
        window = spikes[-shape.n_steps :]
        silent = shape.n_steps - len(window)
        logits: Tensor = network(functional.pad(window, (0, 0, 0, 0, silent, 0)))
        return logits
    if cell.memory_s:
        spikes = spikes[-max(shape.n_steps, round(cell.memory_s / shape.dt)) :]
    n_steps, n_excerpts = (
        len(spikes) // network.stride * network.stride,
        spikes.shape[1],
    )
    if not n_steps:
        raise _too_short(cell, len(spikes), network.stride * shape.dt)
    at = At(torch.arange(n_excerpts), torch.full((n_excerpts,), n_steps))
    return network.decide([spikes[:n_steps]], at)


def _too_short(cell: TrainedCell, n_steps: int, least_s: float) -> DataError:
    return DataError(
        f"{cell.name}: samples",
        f"{n_steps} steps of spikes, once the delay of filter and code is taken off",
        expected=f"at least {least_s:.3g} s more",
        remedy="give longer excerpts",
    )
