"""A trained cell that decides about samples as they come, in chunks of any size.

Filter, code and network go on from the states that the chunk before left, as they do in
a recording: the decisions are those of the recording in one piece.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipeline import seeds
from pipeline.axes import Precise
from pipeline.errors import ConfigError
from pipeline.networks.parts.deployed import fixed
from pipeline.networks.parts.stack import States
from pipeline.preparation.causal import process
from pipeline.preparation.signals import SignalSettings, design
from pipeline.training.cell import TrainedFold


@dataclass(frozen=True)
class Decision:
    """A decision.

    Parameters
    ----------
    at_s : float
        The moment that it is about, seconds of signal since it began anew.
    label : str
        The class with the highest probability.
    probabilities : tuple of float
        Of all classes, in their order.
    """

    at_s: float
    label: str
    probabilities: tuple[float, ...]

    @property
    def probability(self) -> float:
        """Of the class that it names."""
        return max(self.probabilities)


class LiveDecider:
    """Filter, code and network of a fold, with what they remember of a stream.

    Parameters
    ----------
    fold : TrainedFold
    channels : tuple of str
        Of the stream, as the cell takes them.
    sfreq : float
        Samples per second of the stream.
    every_s : float
        Seconds of signal from one decision to the next.

    Raises
    ------
    ConfigError
        The rate does not fit the cell's filters, or the network starts anew where
        labels change, which nobody knows beforehand.
    """

    def __init__(
        self,
        fold: TrainedFold,
        channels: tuple[str, ...],
        sfreq: float,
        every_s: float,
    ) -> None:
        if fold.cell.network.restarts == "blocks":
            raise ConfigError(
                f"{fold.cell.name}: network.restart",
                "blocks: it starts anew where labels change",
                expected="a network that runs on, or restarts for every decision",
                remedy="choose a cell with restart: never or windows",
            )
        self.fold, self.channels, self.sfreq = fold, channels, sfreq
        self.network = fixed(fold.network)
        settings = SignalSettings.model_validate(fold.cell.run["settings"]["signal"])
        self.plan = design(settings, sfreq)
        self.encoder = fold.cell.encoder.on(channels)
        self.every = max(1, round(every_s * self.plan.sfreq))
        limit_s = fold.cell.memory_s
        self.limit = max(1, round(limit_s / fold.shape.dt)) if limit_s else None
        code_s = self.encoder.delay_s(self.plan.sfreq)
        steps = (self.plan.delay_s, code_s)
        self.lag = sum(round(delay_s * self.plan.sfreq) for delay_s in steps)
        self.reset()

    @property
    def delay_s(self) -> float:
        """Seconds that filter, code and network lag behind the signal, at most."""
        waits = self.network.stride - 1
        return (self.lag + waits) / self.plan.sfreq

    def reset(self) -> None:
        """Begin anew, as a recording does."""
        cell, n_channels = self.fold.cell, len(self.channels)
        rng = seeds.generator(cell.run["settings"]["seed"], "raw", cell.name)
        self._filter: Any = None
        self._code = self.encoder.initial_state(n_channels, self.plan.sfreq, rng)
        self._skip = self.lag
        self._n_steps, self._next = 0, self.every
        n_features = self.fold.shape.n_features
        self._last = torch.zeros(0, 1, n_features)
        self._begin(0)

    def push(self, samples: Precise) -> list[Decision]:
        """Take the next samples; gives the decisions that are due.

        Parameters
        ----------
        samples : array, shape (channel, time)
            Volts, finite, without a gap; may be empty.
        """
        prepared, self._filter = process(samples, self._filter, self.plan)
        if not prepared.shape[1]:
            return []
        bits, self._code = self.encoder.encode(prepared, self._code)
        bits = bits[:, self._skip :]
        self._skip -= min(self._skip, prepared.shape[1])
        spikes = torch.from_numpy(bits.T.astype(np.float32))[:, None]
        self._n_steps += len(spikes)
        self._last = torch.cat([self._last, spikes])
        with torch.inference_mode():
            decided = list(self._due())
            self._run(self._n_steps)
        self._forget()
        return decided

    def _due(self) -> Iterator[Decision]:
        """Take the decisions whose steps are there."""
        while self._n_steps >= self._next:
            if self.fold.cell.network.restarts == "windows":
                logits = self.network(self._window())
            else:
                logits = self._running()
                if logits is None:
                    return
            yield self._decision(logits)
            self._next += self.every

    def _decision(self, logits: Tensor) -> Decision:
        likely = self.network.values(logits)[0].softmax(0).tolist()
        label = self.fold.cell.labels[int(np.argmax(likely))]
        return Decision(self._next / self.plan.sfreq, label, tuple(likely))

    def _window(self) -> Tensor:
        """Cut the last window out; before the first step there was silence."""
        n_steps, first = self.fold.shape.n_steps, self._n_steps - len(self._last)
        window = self._last[max(self._next - n_steps - first, 0) : self._next - first]
        return functional.pad(window, (0, 0, 0, 0, n_steps - len(window), 0))

    def _running(self) -> Tensor | None:
        """Decide as a network that runs on; None: its stride is not complete."""
        part = (self._next - 1) // self.limit if self.limit else 0
        if part != self._part:
            self._begin(max(self._next - self.fold.shape.n_steps, 0), part)
        stride = self.network.stride
        needed = -(-(self._next - self._first) // stride) * stride + self._first
        if needed > self._n_steps:
            return None
        self._run(needed)
        return self.network.head.now(self._memory)

    def _begin(self, step: int, part: int = 0) -> None:
        """Let the network start anew at a step."""
        self._first = self._done = step
        self._part = part
        self._states: States = [() for _ in self.network.layers]
        self._memory: Any = None

    def _run(self, stop: int) -> None:
        """Run the layers up to a step, as far as strides are complete.

        What comes after the next decision waits for it.
        """
        network = self.network
        if self.fold.cell.network.restarts == "windows":
            return
        stop = min(stop, self._first + self._rounded(self._next - self._first))
        n_steps = (stop - self._done) // network.stride * network.stride
        if n_steps <= 0:
            return
        place = self._done - (self._n_steps - len(self._last))
        values, after = self._last[place : place + n_steps], []
        for layer, state in zip(network.layers, self._states, strict=True):
            values, *last = layer(values, None, *state)
            after.append(tuple(last))
        self._states = after
        self._memory = network.head.follow(values, self._memory)
        self._done += n_steps

    def _rounded(self, n_steps: int) -> int:
        """Round up to complete strides."""
        stride = self.network.stride
        return -(-n_steps // stride) * stride

    def _forget(self) -> None:
        """Keep the spikes that are still needed."""
        waiting = self._n_steps - self._done
        kept = waiting
        if self.limit or self.fold.cell.network.restarts == "windows":
            kept = self.fold.shape.n_steps + self.network.stride
        if self.fold.cell.network.restarts != "windows":
            kept = max(kept, waiting)
        self._last = self._last[max(len(self._last) - kept, 0) :]
