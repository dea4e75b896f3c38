"""A layer of neurons as numbers, from which its nodes in NIR are computed."""

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.neurons.parts.circuit import LayerValues
from pipeline.neurons.parts.layer import NeuronLayer


def read_values(name: str, layer: Any) -> LayerValues:
    """Read the numbers of a layer of neurons, the result of `Neuron.build`."""
    kind = type(layer.model).__name__
    if not isinstance(layer, NeuronLayer):
        return LayerValues(name, kind)
    exact = deepcopy(layer).double()
    ones = torch.ones(exact.shape, dtype=torch.float64)
    with torch.no_grad():
        return LayerValues(
            name=name,
            kind=kind,
            constants=list(exact.constants().numpy()),
            options=layer.options,
            quantities={k: _spread(v, layer) for k, v in exact.quantities().items()},
            gain=_spread(exact.driven(ones), layer),
        )


def _spread(values: Tensor, layer: NeuronLayer) -> np.ndarray:
    """Give each neuron its value, or several along the first axis."""
    lead = values.shape[: values.dim() - len(layer.shape)]
    return values.expand(*lead, *layer.shape).reshape(*lead, -1).numpy()
