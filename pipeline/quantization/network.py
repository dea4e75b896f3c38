"""Whole networks in integers: the same `Stack`, whose parts hold integers.

So they are run, and their operations counted, as the network they came from.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from pipeline.networks._heads import At, Head, SegmentRates, Share, summed
from pipeline.networks._stack import Layer, Stack
from pipeline.quantization.arithmetic import fitting, rounded
from pipeline.quantization.neurons import NEURONS, IntegerNeurons
from pipeline.quantization.weights import Convolution, Delayed, Dense, IntegerLinear


class SegmentSums(SegmentRates):
    """Sums of each channel's outputs in equal segments of the window."""

    def scaled(self, sums: Tensor, length: int | Tensor) -> Tensor:
        """Leave sums as they are: the lengths are in the weights that follow."""
        return sums


class IntegerHead(Head):
    """A linear map of sums in equal segments; what a spike adds is a row of weights.

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

    def read(self, outputs: Tensor, start: int, n_steps: int) -> Tensor:
        """Give what a piece adds to the sums."""
        sums: Tensor = self.rates(outputs, start, n_steps)
        return sums

    def read_at(self, outputs: Tensor, start: int, at: At) -> Share:
        """Give what a piece adds to the sums before each decision."""
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

    @property
    def scale(self) -> float:
        """What a unit of the logits is in those of the float network."""
        return cast("IntegerHead", self.head).scale


WEIGHTS: dict[str, type[Convolution] | type[Dense] | type[Delayed]] = {
    weights.kind: weights for weights in (Convolution, Dense, Delayed)
}
"""The weights that run in integers, by their kind."""


def describe(network: IntegerNetwork) -> dict[str, Any]:
    """Say in plain values what the tensors of `state_dict` are parts of."""
    return {
        "layers": [
            {
                "weights": _described(layer.weights),
                "neurons": _described(layer.unrolled),
            }
            for layer in network.layers
        ],
        "head": dict(cast("IntegerHead", network.head).constants),
    }


def _described(module: Any) -> dict[str, Any]:
    return {"kind": module.kind, **module.constants}


def rebuild(tensors: Mapping[str, Tensor], told: Mapping[str, Any]) -> IntegerNetwork:
    """Make the network again from its tensors and what `describe` told of them."""
    # Layers draw first weights, which are replaced at once.
    with torch.random.fork_rng(devices=[]):
        layers = [
            Layer(
                _weights(dict(layer["weights"]), tensors, f"layers.{k}.weights."),
                _neurons(dict(layer["neurons"]), tensors, f"layers.{k}.unrolled."),
            )
            for k, layer in enumerate(told["layers"])
        ]
        weight = tensors["head.linear.weight"]
        head = IntegerHead(weight, _below(tensors, "head."), **told["head"])
    return IntegerNetwork(layers, head).eval()


def _weights(
    told: dict[str, Any], tensors: Mapping[str, Tensor], prefix: str
) -> nn.Module:
    kind = WEIGHTS[told.pop("kind")]
    (weight,) = (v for k, v in tensors.items() if k.startswith(prefix))
    return kind(weight, **told)


def _neurons(
    told: dict[str, Any], tensors: Mapping[str, Tensor], prefix: str
) -> IntegerNeurons:
    kind = NEURONS[told.pop("kind")]
    return kind(_below(tensors, prefix), **told)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
