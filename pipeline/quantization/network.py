"""Complete networks in integers: the same `Stack`, whose parts hold integers.

So they run, and their operations are counted, like the network of floats.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pipeline.networks.parts.layers import Unrolled
from pipeline.networks.parts.stack import Layer, Stack
from pipeline.networks.parts.weights import Weights
from pipeline.quantization.neurons.base import IntegerNeurons, find
from pipeline.quantization.read_outs import IntegerHead, IntegerReadOut
from pipeline.quantization.recurrent import IntegerRecurrent, neurons_of
from pipeline.quantization.traces import IntegerTraces
from pipeline.quantization.weights import Convolution, Delayed, Dense


class IntegerNetwork(Stack):
    """A network in integers: spikes (time, batch, feature) in, int64 logits out."""

    head: IntegerReadOut
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

READ_OUTS: dict[str, type[IntegerHead] | type[IntegerTraces]] = {
    head.kind: head for head in (IntegerHead, IntegerTraces)
}
"""The read-outs that run in integers, by their kind."""


def describe(network: IntegerNetwork) -> dict[str, Any]:
    """Describe in plain values the parts that the tensors of `state_dict` belong to."""
    return {
        "layers": [
            {
                "weights": _described(layer.weights),
                "neurons": _described(neurons_of(layer.unrolled)),
                "recurrent": _recurrent(layer.unrolled),
            }
            for layer in network.layers
        ],
        "head": _described(network.head),
    }


def _described(module: Any) -> dict[str, Any]:
    return {"kind": module.kind, **module.constants}


def _recurrent(unrolled: Unrolled) -> dict[str, int] | None:
    return unrolled.constants if isinstance(unrolled, IntegerRecurrent) else None


def rebuild(tensors: Mapping[str, Tensor], parts: Mapping[str, Any]) -> IntegerNetwork:
    """Rebuild the network from its tensors and the parts that `describe` gave."""
    # Layers draw first weights, which are replaced at once.
    with torch.random.fork_rng(devices=[]):
        layers = [
            Layer(
                _weights(dict(layer["weights"]), tensors, f"layers.{k}.weights."),
                _unrolled(layer, tensors, f"layers.{k}.unrolled."),
            )
            for k, layer in enumerate(parts["layers"])
        ]
        head = _read_out(dict(parts["head"]), tensors)
    return IntegerNetwork(layers, head).eval()


def _weights(
    constants: dict[str, Any], tensors: Mapping[str, Tensor], prefix: str
) -> Weights:
    kind = WEIGHTS[constants.pop("kind")]
    (weight,) = (v for k, v in tensors.items() if k.startswith(prefix))
    return kind(weight, **constants)


def _unrolled(
    parts: Mapping[str, Any], tensors: Mapping[str, Tensor], prefix: str
) -> Unrolled:
    constants = dict(parts["neurons"])
    # Networks of before there were recurrent ones do not state it.
    if not (own := parts.get("recurrent")):
        return _neurons(constants, tensors, prefix)
    neurons = _neurons(constants, tensors, f"{prefix}neurons.")
    return IntegerRecurrent(neurons, tensors[f"{prefix}recurrent.weight"], **own)


def _neurons(
    constants: dict[str, Any], tensors: Mapping[str, Tensor], prefix: str
) -> IntegerNeurons:
    kind = find(constants.pop("kind"))
    return kind(_below(tensors, prefix), **constants)


def _read_out(
    constants: dict[str, Any], tensors: Mapping[str, Tensor]
) -> IntegerReadOut:
    # Networks of before there were others do not name theirs.
    kind = READ_OUTS[constants.pop("kind", IntegerHead.kind)]
    return kind(tensors["head.linear.weight"], _below(tensors, "head."), **constants)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
