"""A layer of neurons as numbers, from which its nodes in NIR are computed."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.exporting.parts.circuit import InexpressibleError
from pipeline.neurons.parts.layer import NeuronLayer


@dataclass(frozen=True)
class Neurons:
    """A layer of neurons as numbers, float64 and one a neuron.

    Parameters
    ----------
    name : str
        The layer's name; the names of its nodes begin with it.
    kind : str
        The model's name.
    constants : list of array
        The kernel's constants.
    options : tuple of float
        The kernel's options.
    quantities : dict of array
        The learned values, in units.
    gain : array
        The factor of the neurons' current before the kernel.
    """

    name: str
    kind: str
    constants: list[np.ndarray]
    options: tuple[float, ...]
    quantities: dict[str, np.ndarray]
    gain: np.ndarray

    def refuse(self, reason: str, remedy: str = "") -> InexpressibleError:
        """Describe why NIR cannot express these neurons."""
        message = f"{self.kind} neurons have no form in NIR: {reason}"
        return InexpressibleError(self.name, message, remedy=remedy)


def read_neurons(name: str, layer: NeuronLayer) -> Neurons:
    """Read the numbers of a layer of neurons."""
    exact = deepcopy(layer).double()
    ones = torch.ones(exact.shape, dtype=torch.float64)
    with torch.no_grad():
        return Neurons(
            name=name,
            kind=type(layer.model).__name__,
            constants=list(exact.constants().numpy()),
            options=layer.options,
            quantities={k: _spread(v, layer) for k, v in exact.quantities().items()},
            gain=_spread(exact.model.drive(ones, dict(exact.learned), layer.dt), layer),
        )


def _spread(values: Tensor, layer: NeuronLayer) -> np.ndarray:
    """Give each neuron its value, or several along the first axis."""
    lead = values.shape[: values.dim() - len(layer.shape)]
    return values.expand(*lead, *layer.shape).reshape(*lead, -1).numpy()
