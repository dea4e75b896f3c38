"""Trained neurons in fixed point, with their input weights, by the neurons' kind."""

from typing import cast

import torch
from torch import Tensor

from pipeline.components import available as components
from pipeline.components import find as find_component
from pipeline.networks.parts.layers import Unrolled
from pipeline.neurons.base import Neuron
from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.neurons.base import (
    IntegerNeurons,
    available,
    find,
    layer_of,
)
from pipeline.quantization.recurrent import quantise_recurrent
from pipeline.quantization.scales import LinearMap


def check_neurons(name: str, neurons: Unrolled) -> None:
    """Refuse neurons that do not run in integers.

    Raises
    ------
    QuantizationError
    """
    kind_of(name, neurons).check(name, neurons)


def quantise_neurons(
    inputs: LinearMap, neurons: Unrolled, scale: float
) -> tuple[Tensor, Unrolled]:
    """Put a layer's weights and neurons in integers.

    Parameters
    ----------
    inputs : LinearMap
        Their inputs.
    neurons : Unrolled
        Neurons that `check_neurons` accepts.
    scale : float
        The size of one step of their activations, if they are graded.

    Raises
    ------
    QuantizationError
        Their numbers might overflow.
    """
    kind = kind_of(inputs.name, neurons)
    with torch.no_grad():
        if neurons.recurrent_weights is not None:
            return quantise_recurrent(kind, inputs, neurons, scale)
        return kind.quantise(inputs, neurons, scale)


def kind_of(name: str, neurons: Unrolled) -> type[IntegerNeurons]:
    """Find the integer form of a layer's neurons.

    Raises
    ------
    QuantizationError
        There is none.
    """
    if neurons.equations not in available():
        raise QuantizationError(
            name,
            f"{type(layer_of(neurons).model).__name__} neurons have no integer form",
            expected=f"neurons of the kinds {', '.join(in_integers())}",
        )
    return find(neurons.equations)


def in_integers() -> list[str]:
    """List the neurons that run in integers, and the kinds that are no neuron's."""
    names = components("neurons")
    kinds = {
        name: cast("type[Neuron]", find_component("neurons", name)).equations()
        for name in names
    }
    others = set(available()) - set(kinds.values())
    return sorted({*others, *(name for name in names if kinds[name] in available())})
