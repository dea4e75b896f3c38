"""Read-outs without weights, of networks that have a neuron a class."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.networks.parts.heads import At, Head


class SpikeCountHead(Head):
    """The number of spikes of a class's neuron in the window is its logit.

    Of a network that runs on, in the last `n_read` steps.

    Parameters
    ----------
    n_read : int
    """

    averages = True
    has_steps = True

    def __init__(self, *, n_read: int) -> None:
        super().__init__()
        self.n_read = n_read

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Give the outputs themselves."""
        return outputs

    def read_at(self, outputs: Tensor, start: int, at: At) -> Tensor:
        """Give the same: a later decision may need all of them."""
        return outputs

    def steps(self, readings: Sequence[Tensor]) -> Tensor:
        """Give the outputs at every step as logits, (time, batch, class)."""
        return torch.cat(list(readings))

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Add up the steps."""
        return self.steps(readings).sum(0)

    def logits_at(self, readings: Sequence[Tensor], at: At) -> Tensor:
        """Add up the last steps before each decision."""
        steps = self.steps(readings)
        sums = torch.cat([torch.zeros_like(steps[:1]), steps]).double().cumsum(0)
        first = (at.stop - self.n_read).clamp(min=0)
        return (sums[at.stop, at.row] - sums[first, at.row]).to(steps.dtype)


class LastValueHead(SpikeCountHead):
    """What a module gives at a decision, such as membranes, are the logits."""

    averages = False

    def __init__(self) -> None:
        super().__init__(n_read=1)

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Decide at the last step."""
        return self.steps(readings)[-1]

    def logits_at(self, readings: Sequence[Tensor], at: At) -> Tensor:
        """Take the last step before each decision."""
        return self.steps(readings)[at.stop - 1, at.row]
