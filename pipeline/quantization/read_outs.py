"""Read-outs in integers, and what they share."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor

from pipeline.networks.parts.heads import (
    At,
    Head,
    SegmentRates,
    Share,
    segment_ends,
    summed,
)
from pipeline.quantization.arithmetic import fitting, rounded
from pipeline.quantization.weights import IntegerLinear


class IntegerReadOut(Head):
    """A read-out in integers: int8 weights, 32-bit constants, one unit of all logits.

    Parameters
    ----------
    tensors : mapping
        The constants that `TENSORS` names, int32.
    **constants
        Those of all classes; `scale` is the unit of the float network's logits.

    Attributes
    ----------
    linear : IntegerLinear
        Its weights; each kind sets them, after what comes before them.
    """

    kind: ClassVar[str]
    TENSORS: ClassVar[tuple[str, ...]]
    linear: IntegerLinear

    def __init__(self, tensors: Mapping[str, Tensor], **constants: Any) -> None:
        super().__init__()
        self.constants = constants
        self.shift, self.scale = int(constants["shift"]), float(constants["scale"])
        for name in self.TENSORS:
            values = fitting(tensors[name].long(), f"read-out: {name}")
            self.register_buffer(name, values.int())

    @property
    def n_classes(self) -> int:
        """Logits of a decision."""
        raise NotImplementedError

    def wide(self) -> list[Tensor]:
        """Give the constants in 64 bits."""
        return [self.get_buffer(name).long() for name in self.TENSORS]


class SegmentSums(SegmentRates):
    """Sums of each channel's outputs in equal segments of the window."""

    def scaled(self, sums: Tensor, length: int | Tensor) -> Tensor:
        """Leave sums as they are: the lengths are in the weights that follow."""
        return sums


class IntegerHead(IntegerReadOut):
    """A linear map of sums in equal segments; each spike adds a row of weights.

    ::

        logit = rounded((Σ weight·sum + bias)·multiplier, shift)

    a class; the lengths of the segments are in the weights. All classes have one unit,
    `scale` of the float network's logits.

    Parameters
    ----------
    weight : Tensor, shape (class, bin·channel), int8
        Column b·channels + c is channel c in segment b.
    tensors : mapping
        `bias` and `multiplier`, int32, a class.
    """

    kind = "rates"
    TENSORS = ("bias", "multiplier")
    averages = True

    def __init__(
        self,
        weight: Tensor,
        tensors: Mapping[str, Tensor],
        *,
        n_read: int,
        bins: int,
        shift: int,
        scale: float,
    ) -> None:
        constants = {"n_read": n_read, "bins": bins, "shift": shift, "scale": scale}
        super().__init__(tensors, **constants)
        self.n_read = n_read
        self.rates = SegmentSums(bins)
        self.linear = IntegerLinear(weight)

    @property
    def n_classes(self) -> int:
        """A row of weights each."""
        return self.linear.out_features

    def ends(self, n_steps: int) -> list[int]:
        """List the ends of its segments."""
        return segment_ends(n_steps, self.rates.bins)

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Give the sums of a piece."""
        sums: Tensor = self.rates(outputs, start, n_steps)
        return sums

    def read_at(self, outputs: Tensor, start: int, at: At) -> Share:
        """Give the sums of a piece before each decision."""
        return self.rates.trailing(outputs, start, at, self.n_read)

    def logits_at(self, readings: Sequence[Share], at: At) -> Tensor:
        """Map the sums."""
        return self.logits([summed(readings, len(at.row))])

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Map the sums to logits (batch, class), int64."""
        first, *others = readings
        sums = self.linear(sum(others, first)).long()
        bias, multiplier = self.wide()
        driven = fitting(sums + bias, "read-out: sums")
        return fitting(rounded(driven * multiplier, self.shift), "read-out: logits")
