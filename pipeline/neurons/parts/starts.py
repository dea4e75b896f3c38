"""First values of what neurons learn, without torch."""

import math
from dataclasses import dataclass

GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Spread:
    """First values that differ from neuron to neuron, evenly from `low` to `high`.

    Parameters
    ----------
    low, high : float
    mixed : bool
        Whether the values come in another order than those of other parameters, so that
        neurons have all combinations of two parameters: by the golden ratio, which
        leaves no gaps.
    """

    low: float
    high: float
    mixed: bool = False

    def over(self, count: int) -> tuple[float, ...]:
        """Give the values of so many neurons; of one, the middle."""
        middles = [(k + 0.5) / count for k in range(count)]
        if self.mixed:
            places = [k * GOLDEN % 1 for k in range(count)]
            order = sorted(range(count), key=places.__getitem__)
            rank = {k: position for position, k in enumerate(order)}
            middles = [middles[rank[k]] for k in range(count)]
        return tuple(self.low + (self.high - self.low) * share for share in middles)


Start = float | tuple[float, ...] | Spread
"""A learned parameter's first value, several values a neuron, or a spread of them."""
