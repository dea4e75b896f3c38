"""Training segments: the parts of stretches that an epoch draws.

Each segment is laid around a decision, its anchor, and as many anchors of every class
are drawn; so rare classes are met as often as asked. All other decisions in it count as
well, if they come after a warm-up in which the network's state forgets that the segment
did not begin with the stretch. Weights make up for what comes along:

    w[k] = (mean number of decisions a class / decisions of class k)^power

of the decisions that count in the epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import ConfigError
from pipeline.networks.parts.heads import At
from pipeline.training.batches import Batch, as_many_of_each_class

if TYPE_CHECKING:
    from pipeline.training.settings import TrainingSettings
    from pipeline.training.stretches import Stretches

LENGTH = 1.5
"""Default length of a segment, in windows."""
POWERS = {"none": 0.0, "square_root": 0.5, "balanced": 1.0}


class Drawn(NamedTuple):
    """Segments of stretches, by stretch and first step, (segment,) each."""

    stretch: Tensor
    begin: Tensor


@dataclass(frozen=True)
class Segments:
    """The rule that cuts segments from stretches.

    Parameters
    ----------
    stretches : Stretches
    n_steps : int
        Steps of a segment.
    warm_up : int
        Of them, steps whose decisions do not count.
    order : Tensor, shape (decision,)
        The decisions by stretch and step.
    key : Tensor, shape (decision,)
        Stretch and step as one number, in that order.
    reach : int or None
        Steps that gradients go back; None: all.
    """

    stretches: "Stretches"
    n_steps: int
    warm_up: int
    order: Tensor
    key: Tensor
    reach: int | None

    @staticmethod
    def of(stretches: "Stretches", settings: "TrainingSettings") -> "Segments":
        """Read the settings.

        Raises
        ------
        ConfigError
            The warm-up fills the segments.
        """
        n_steps = round(LENGTH * stretches.n_steps)
        if settings.segment_s is not None:
            n_steps = round(settings.segment_s / stretches.dt)
        warm_up = stretches.n_steps
        if settings.warm_up_s is not None:
            warm_up = round(settings.warm_up_s / stretches.dt)
        if warm_up >= n_steps:
            raise ConfigError(
                "params.yaml: training.segment_s",
                f"segments of {n_steps * stretches.dt:g} s, of which "
                f"{warm_up * stretches.dt:g} s are warm-up",
                expected="segments longer than their warm-up",
                remedy="set a larger training.segment_s, or a smaller "
                "training.warm_up_s (default: the length of a window)",
            )
        keys = stretches.stretch * _span(stretches) + stretches.step
        order = keys.argsort(stable=True)
        reach = None
        if settings.truncate_s is not None:
            reach = max(1, round(settings.truncate_s / stretches.dt))
        return Segments(stretches, n_steps, warm_up, order, keys[order], reach)

    def n_batches(self, settings: "TrainingSettings") -> int:
        """Count the batches of an epoch."""
        n_segments = settings.windows_per_class * len(self.stretches.classes)
        return -(-n_segments // settings.batch)

    def batches(
        self, settings: "TrainingSettings", rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Draw an epoch, and cut its batches one after the other."""
        count = settings.windows_per_class
        anchors = as_many_of_each_class(self.stretches, count, rng)
        stretch, begin = self._around(anchors, rng)
        counted, _ = self._counted(Drawn(stretch, begin))
        weights = class_weights(
            self.stretches.targets[counted],
            POWERS[settings.class_weights or "square_root"],
        )
        size = settings.batch
        for some in zip(
            torch.split(stretch, size), torch.split(begin, size), strict=True
        ):
            yield self._batch(Drawn(*some), weights)

    def _around(
        self, anchors: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Lay a segment around each anchor, which counts, and within its stretch."""
        device = self.stretches.step.device
        anchors = anchors.to(device)
        stretch, step = self.stretches.stretch[anchors], self.stretches.step[anchors]
        room = self.n_steps - self.warm_up
        later = torch.from_numpy(rng.integers(0, room, len(anchors))).to(device)
        begin = step - self.n_steps + later
        latest = (self.stretches.length[stretch] - self.n_steps).clamp(min=0)
        # An anchor beyond the last sample, in silence, keeps its segment around it.
        latest = torch.maximum(latest, step - self.n_steps)
        return stretch, torch.minimum(begin, latest).clamp(min=0)

    def _counted(self, drawn: Drawn) -> tuple[Tensor, Tensor]:
        """List the decisions that count in segments, and each one's segment."""
        # What begins with its stretch needs no warm-up: there is nothing before.
        after = torch.where(drawn.begin > 0, drawn.begin + self.warm_up, 0)
        span = _span(self.stretches)
        base = drawn.stretch * span
        # A segment longer than all stretches would reach into the next one's numbers.
        last = (drawn.begin + self.n_steps).clamp(max=span - 1)
        first = torch.searchsorted(self.key, base + after, right=True)
        stop = torch.searchsorted(self.key, base + last, right=True)
        count = (stop - first).clamp(min=0)
        segment = torch.repeat_interleave(count)
        before = count.cumsum(0) - count
        place = torch.arange(len(segment), device=count.device) - before[segment]
        return self.order[first[segment] + place], segment

    def _batch(self, drawn: Drawn, weights: Tensor) -> Batch:
        rows, segment = self._counted(drawn)
        stretches = self.stretches
        targets = stretches.targets[rows]
        return Batch(
            stretches.cut(drawn.stretch, drawn.begin, self.n_steps),
            targets,
            At(segment, stretches.step[rows] - drawn.begin[segment]),
            weights[targets],
            self.reach,
        )


def class_weights(targets: Tensor, power: float) -> Tensor:
    """Weigh each class by its decisions, (class,); 1 on average over the classes."""
    counts = torch.bincount(targets).float()
    there = counts > 0
    weights = torch.zeros_like(counts)
    weights[there] = (counts[there].mean() / counts[there]) ** power
    return weights


def _span(stretches: "Stretches") -> int:
    """Give a number above all steps."""
    return int(stretches.step.max()) + int(stretches.length.max()) + 2
