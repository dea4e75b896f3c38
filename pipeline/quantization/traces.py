"""The read-out of exponential traces in integers, of which membranes are the one-fold.

A trace of every time constant and class adds up weights and leaks, as a leaky neuron
that never fires. It is a state: it runs on, or begins with 0 where a network starts
anew, and a decision reads it as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from pipeline.networks.parts.head_maps import TraceMap
from pipeline.networks.parts.heads import At
from pipeline.quantization.arithmetic import LEAK_BITS, fitting, rounded
from pipeline.quantization.bounds import ONE, as_integers, finest, fits, settled
from pipeline.quantization.read_outs import IntegerReadOut
from pipeline.quantization.scales import LinearMap, channel_scales, multipliers, safe
from pipeline.quantization.signed_digits import MOST_DIGITS, digits, nearest
from pipeline.quantization.weights import IntegerLinear

MOST_SHIFT = 12
"""Fraction bits of a trace beyond the weights'."""


class IntegerTraces(IntegerReadOut):
    """Traces of a linear map of the outputs; a unit of a trace is its own.

    ::

        y[t]  = rounded(α·y[t−1], 15) + ((Σ weight·s[t]) ≪ up) + bias
        logit = Σ rounded(y·multiplier, shift)

    for each time constant and class; a class adds up those of all time constants.

    Parameters
    ----------
    weight : Tensor, shape (trace·class, channel), int8
        Row k·classes + c is time constant k of class c.
    tensors : mapping
        `alpha`, `bias` and `multiplier`, int32, a row.
    """

    kind = "traces"
    TENSORS = ("alpha", "bias", "multiplier")
    has_steps = True

    def __init__(
        self,
        weight: Tensor,
        tensors: Mapping[str, Tensor],
        *,
        classes: int,
        up: int,
        shift: int,
        scale: float,
    ) -> None:
        constants = {"classes": classes, "up": up, "shift": shift, "scale": scale}
        super().__init__(tensors, **constants)
        self.up = up
        self.linear = IntegerLinear(weight)

    @property
    def n_classes(self) -> int:
        """Each has a trace of every time constant."""
        return int(self.constants["classes"])

    def shifted_additions(self) -> int:
        """Count the digits of all leaks: the additions of one step."""
        return sum(digits(leak) for leak in self.get_buffer("alpha").tolist())

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Give the sums of weights at every step of a piece, (time, batch, trace)."""
        return cast("Tensor", self.linear(outputs).long())

    def read_at(self, outputs: Tensor, start: int, at: At) -> Tensor:
        """Give the same sums: a later decision may need all of them."""
        return self.read(outputs, start, 0)

    def steps(self, readings: Sequence[Tensor]) -> Tensor:
        """Give the logits at every step, (time, batch, class)."""
        return self._mapped(self._traces(readings))

    def logits(self, readings: Sequence[Tensor]) -> Tensor:
        """Decide at the last step."""
        return self._mapped(self._traces(readings)[-1])

    def logits_at(self, readings: Sequence[Tensor], at: At) -> Tensor:
        """Take the traces of the last step before each decision."""
        return self._mapped(self._traces(readings)[at.stop - 1, at.row])

    def _traces(self, readings: Sequence[Tensor]) -> Tensor:
        alpha, bias, _ = self.wide()
        sums = torch.cat(list(readings))
        trace, traces = torch.zeros_like(sums[0]), torch.empty_like(sums)
        for step, given in enumerate(sums.unbind(0)):
            trace = rounded(alpha * trace, LEAK_BITS) + (given << self.up) + bias
            traces[step] = fitting(trace, "read-out: traces")
        return traces

    def _mapped(self, traces: Tensor) -> Tensor:
        *_, multiplier = self.wide()
        shares = rounded(traces * multiplier, self.shift)
        apart = shares.reshape(*shares.shape[:-1], -1, self.n_classes)
        return fitting(apart.sum(-2), "read-out: logits")


def quantise_traces(traced: TraceMap, *, most: int, unit: float) -> IntegerTraces:
    """Put a read-out of traces in integers.

    A leak has few digits, as a neuron's, and the gain 1 − α that belongs to it is in
    the weights. Logits have the unit of the coarsest trace.

    Parameters
    ----------
    traced : TraceMap
    most : int
        The largest integer input: 1 for spikes.
    unit : float
        The value of one step of those integers.

    Raises
    ------
    QuantizationError
        Its numbers might overflow.
    """
    linear, alphas, n_classes = traced
    alpha = [nearest(value, MOST_DIGITS) for value in alphas.tolist()]
    gains = 1 - torch.tensor(alpha, dtype=torch.float64) / ONE
    weights, bias = linear.weight.detach().double() * unit, linear.bias.detach()
    inputs = LinearMap("read-out", weights, bias.double(), most).times(gains)
    scales = channel_scales(inputs.weights, inputs.bias)
    integers, charges = inputs.quantised(scales)

    def attempt(up: int) -> IntegerTraces | None:
        """Make the read-out with a shift; None if a value may overflow."""
        units = scales * 2.0**-up
        scale = float(safe(units.amax()))
        biases = as_integers(inputs.bias / safe(units))
        multiplier, shift = multipliers("read-out", (units / scale).tolist())
        rows = zip(charges, biases, alpha, strict=True)
        peaks = [settled((charge << up) + abs(b), a) for charge, b, a in rows]
        shares = [(p * m >> shift) + 1 for p, m in zip(peaks, multiplier, strict=True)]
        logits = [sum(shares[c::n_classes]) for c in range(n_classes)]
        if not fits([*peaks, *logits]):
            return None
        tensors: dict[str, Any] = {
            "alpha": torch.tensor(alpha),
            "bias": torch.tensor(biases),
            "multiplier": torch.tensor(multiplier),
        }
        return IntegerTraces(
            integers, tensors, classes=n_classes, up=up, shift=shift, scale=scale
        )

    return finest("read-out", MOST_SHIFT, attempt)
