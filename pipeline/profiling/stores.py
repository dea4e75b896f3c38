"""The memory of layers: how many words they store, and how wide the words are."""

import torch
from torch import nn

from pipeline.networks.parts.layers import Unrolled
from pipeline.profiling.fan_out import Weights
from pipeline.profiling.words import NeuronStore, SynapseStore

INT8 = 8


def is_int8(layer: Weights) -> bool:
    """Whether weights are kept in a byte each."""
    return layer.weight.dtype == torch.int8


def synapse_store(layer: Weights, *, sources: int, value_bits: int) -> SynapseStore:
    """Describe the memory of a layer of weights; sums have 32 bits."""
    return SynapseStore(
        weights=layer.weight.numel(),
        sources=sources,
        targets=layer.weight.shape[0],
        weight_bits=INT8 if is_int8(layer) else 32,
        value_bits=value_bits,
    )


def sources_of(layer: Weights) -> int:
    """Count the inputs within a layer's reach at once."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    return layer.in_channels * layer.kernel_size[0]


def neuron_store(source: Unrolled) -> NeuronStore:
    """Describe the memory of a layer of neurons, and the words of one update."""
    variables, read, written, constants, bits = source.update_words()
    return NeuronStore(
        source.width, variables, read, written, constants, value_bits=bits
    )
