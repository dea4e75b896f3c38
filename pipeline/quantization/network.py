"""Complete networks in integers: the same `Stack`, whose parts hold integers.

So they run, and their operations are counted, like the network of floats.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pipeline.networks.parts.heads import (
    At,
    Head,
    SegmentRates,
    Share,
    segment_ends,
    summed,
)
from pipeline.networks.parts.stack import Layer, Stack
from pipeline.networks.parts.weights import Weights
from pipeline.quantization.arithmetic import fitting, rounded
from pipeline.quantization.neurons.base import IntegerNeurons, find
from pipeline.quantization.weights import Convolution, Delayed, Dense, IntegerLinear


class SegmentSums(SegmentRates):
    """Sums of each channel's outputs in equal segments of the window."""

    def scaled(self, sums: Tensor, length: int | Tensor) -> Tensor:
        """Leave sums as they are: the lengths are in the weights that follow."""
        return sums


class IntegerHead(Head):
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
        super().__init__()
        self.constants = {
            "n_read": n_read,
            "bins": bins,
            "shift": shift,
            "scale": scale,
        }
        self.n_read = n_read
        self.rates = SegmentSums(bins)
        self.linear = IntegerLinear(weight)
        self.shift, self.scale = shift, scale
        for name in ("bias", "multiplier"):
            values = fitting(tensors[name].long(), f"read-out: {name}")
            self.register_buffer(name, values.int())

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
        bias, multiplier = (self.get_buffer(n).long() for n in ("bias", "multiplier"))
        driven = fitting(sums + bias, "read-out: sums")
        return fitting(rounded(driven * multiplier, self.shift), "read-out: logits")


class IntegerNetwork(Stack):
    """A network in integers: spikes (time, batch, feature) in, int64 logits out."""

    head: IntegerHead
    on_processor = True

    @property
    def scale(self) -> float:
        """The float network's logits for one unit of these."""
        return self.head.scale

    def values(self, logits: Tensor) -> Tensor:
        """Give the float network's logits."""
        return logits.double() * self.scale


WEIGHTS: dict[str, type[Convolution] | type[Dense] | type[Delayed]] = {
    weights.kind: weights for weights in (Convolution, Dense, Delayed)
}
"""The weights that run in integers, by their kind."""


def describe(network: IntegerNetwork) -> dict[str, Any]:
    """Describe in plain values the parts that the tensors of `state_dict` belong to."""
    return {
        "layers": [
            {
                "weights": _described(layer.weights),
                "neurons": _described(layer.unrolled),
            }
            for layer in network.layers
        ],
        "head": dict(network.head.constants),
    }


def _described(module: Any) -> dict[str, Any]:
    return {"kind": module.kind, **module.constants}


def rebuild(tensors: Mapping[str, Tensor], parts: Mapping[str, Any]) -> IntegerNetwork:
    """Rebuild the network from its tensors and the parts that `describe` gave."""
    # Layers draw first weights, which are replaced at once.
    with torch.random.fork_rng(devices=[]):
        layers = [
            Layer(
                _weights(dict(layer["weights"]), tensors, f"layers.{k}.weights."),
                _neurons(dict(layer["neurons"]), tensors, f"layers.{k}.unrolled."),
            )
            for k, layer in enumerate(parts["layers"])
        ]
        weight = tensors["head.linear.weight"]
        head = IntegerHead(weight, _below(tensors, "head."), **parts["head"])
    return IntegerNetwork(layers, head).eval()


def _weights(
    constants: dict[str, Any], tensors: Mapping[str, Tensor], prefix: str
) -> Weights:
    kind = WEIGHTS[constants.pop("kind")]
    (weight,) = (v for k, v in tensors.items() if k.startswith(prefix))
    return kind(weight, **constants)


def _neurons(
    constants: dict[str, Any], tensors: Mapping[str, Tensor], prefix: str
) -> IntegerNeurons:
    kind = find(constants.pop("kind"))
    return kind(_below(tensors, prefix), **constants)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
