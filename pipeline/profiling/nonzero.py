"""Count the values that are not 0, and test if all are spikes, in few passes.

Arithmetic on floats runs in vector instructions; comparisons and booleans, in torch,
mostly do not. Blocks stay in the cache, and their memory is used again.
"""

import torch
from torch import Tensor

BLOCK = 2**16
"""Values looked at together; so many ones add up in single precision exactly."""


class NonzeroCounts:
    """Counts, call by call, the values that are not 0 in tensors of one shape.

    Attributes
    ----------
    rows : int
        Seen, along the first axis.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._nonzero: Tensor | None = None
        self._graded = False
        self._waiting: list[Tensor] = []
        self._size = 0

    def add(self, values: Tensor) -> None:
        """Look at a tensor; small ones, of single steps, wait for others."""
        self.rows += len(values)
        if values.numel() >= BLOCK:
            self._look(values)
            return
        # A copy, because the caller may overwrite the tensor.
        self._waiting.append(values.clone())
        self._size += values.numel()
        if self._size >= BLOCK:
            self._look_at_waiting()

    def nonzero(self) -> Tensor:
        """Count the values that were not 0, by their position in a row; int64."""
        self._look_at_waiting()
        nothing = torch.zeros(0, dtype=torch.int64)
        return nothing if self._nonzero is None else self._nonzero

    def graded(self) -> bool:
        """Whether some value was neither −1, 0 nor 1."""
        self._look_at_waiting()
        return self._graded

    def _look_at_waiting(self) -> None:
        if self._waiting:
            self._look(torch.cat(self._waiting))
            self._waiting, self._size = [], 0

    def _look(self, values: Tensor) -> None:
        rows = max(1, BLOCK // max(values[:1].numel(), 1))
        for block in torch.split(values, rows):
            marks = block.sign().abs_()
            nonzero = marks.sum(0).long()
            so_far = self._nonzero
            self._nonzero = nonzero if so_far is None else so_far + nonzero
            self._graded = self._graded or _differ(block, marks)


def _differ(values: Tensor, marks: Tensor) -> bool:
    """Whether magnitudes are not their marks: a sum of differences is 0 if all are."""
    return bool(values.abs().sub_(marks).abs_().sum() != 0)
