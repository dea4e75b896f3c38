"""The memory of layers: how many words they store, and how wide the words are."""

import torch
from torch import nn

from pipeline.networks.parts.competing import Competing
from pipeline.networks.parts.layers import Unrolled
from pipeline.neurons.parts.layer import NeuronLayer
from pipeline.profiling.fan_out import Weights
from pipeline.profiling.words import NeuronStore, SynapseStore
from pipeline.quantization.neurons.base import IntegerNeurons

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
    if isinstance(source, IntegerNeurons):
        variables, constants = _probed_variables(source), len(source.TENSORS)
        bits = INT8
    elif isinstance(source, Competing):
        variables, constants, bits = _probed_variables(source), 1, 32
    elif layer := source.dynamics:
        variables = len(layer.model.rest())
        constants, bits = _own_constants(layer), 32
    else:
        variables, constants, bits = 0, 0, 32
    read, written = _moved_by_update(source, variables)
    return NeuronStore(
        source.width, variables, read, written, constants, value_bits=bits
    )


def _probed_variables(source: Unrolled) -> int:
    """Count the state variables of a neuron in the results of one silent step."""
    with torch.no_grad():
        _, *state = source(torch.zeros(1, 1, source.width).to(_kind_of(source)))
    return sum(int(each.numel()) for each in state) // int(source.width)


def _kind_of(source: Unrolled) -> torch.dtype:
    return torch.int64 if isinstance(source, IntegerNeurons) else torch.float32


def _own_constants(layer: NeuronLayer) -> int:
    """Count the constants that differ between neurons."""
    if layer.model.learned_per == "layer":
        return 0
    with torch.no_grad():
        return len(layer.constants())


def _moved_by_update(source: Unrolled, variables: int) -> tuple[int, int]:
    """Count the words of state that an update reads and writes."""
    if layer := source.dynamics:
        return layer.model.moved_by_update()
    return variables, variables
