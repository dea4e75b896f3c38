"""What neurons in fixed point share, and how a kind of them is found by its name.

The kind NAME is the one subclass of `IntegerNeurons` that NAME.py in this folder
defines; NAME.c beside it is the same step in C. Neurons have the kind of the name of
their equations (`Neuron.equations`).

State and constants are 32-bit, products 64-bit integers. All kinds take sums of weights
(time, batch, neuron), int64, of neurons with branches (time, batch, branch·neuron), and
return outputs (time, batch, neuron), int64, and the last state. `rounded` is in
`arithmetic`; `≫` is a shift.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from pipeline.networks.parts.layers import Unrolled
from pipeline.neurons.parts.layer import NeuronLayer, UpdateWords
from pipeline.quantization.arithmetic import fitting
from pipeline.quantization.bounds import ONE
from pipeline.quantization.scales import LinearMap, weight_steps
from pipeline.quantization.signed_digits import MOST_DIGITS, digits, nearest

FOLDER = Path(__file__).parent

MOST_SHIFT = 12
"""Fraction bits of a membrane beyond the weights': more would not change a spike."""


class IntegerNeurons(Unrolled):
    """The neurons of a layer in integers.

    A kind states its 32-bit constants of each neuron (`TENSORS`), the constants of the
    layer (`SHARED`) and the state variables (`STATES`) in the order that C has, those
    that each dendritic branch of a neuron has (`A_BRANCH`; the first constant is a
    neuron's), and which constants are leaks (`LEAKS`). `multiplications` are those of
    an update without the leaks': hardware computes leaks by shifts and additions, one
    for each of their digits.
    """

    kind: ClassVar[str]
    TENSORS: ClassVar[tuple[str, ...]]
    SHARED: ClassVar[tuple[str, ...]]
    STATES: ClassVar[tuple[str, ...]]
    A_BRANCH: ClassVar[tuple[str, ...]] = ()
    LEAKS: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, tensors: Mapping[str, Tensor], *, dt: float, **constants: Any
    ) -> None:
        nn.Module.__init__(self)
        for name in self.TENSORS:
            values = fitting(tensors[name].long(), f"{self.kind} neurons: {name}")
            self.register_buffer(name, values.int())
        self.constants = {"dt": dt, **constants}
        self.width = len(tensors[self.TENSORS[0]])
        self.dt = dt

    @property
    def equations(self) -> str:
        """Their kind."""
        return self.kind

    @property
    def branches(self) -> int:
        """Sums that each neuron takes: 1 without dendritic branches."""
        return 1

    @property
    def graded(self) -> bool:
        """Whether outputs have values: an event is not one spike alone."""
        return not self.spiking

    @classmethod
    def largest(cls, neurons: Unrolled) -> int:
        """Give the largest output that a layer's neurons will have: 1, a spike."""
        return 1

    @classmethod
    def weight_steps(cls, rows: Tensor, neurons: Unrolled) -> Tensor:
        """Give the steps to which rows of a layer's weights (sum, input) are rounded.

        They are those of `quantise`, if no bias or threshold asks for coarser ones.
        """
        return weight_steps(rows)

    @classmethod
    def check(cls, name: str, neurons: Unrolled) -> None:
        """Refuse settings of a layer's neurons that have no integer form: none.

        Raises
        ------
        QuantizationError
        """

    @classmethod
    def quantise(
        cls, inputs: LinearMap, neurons: Unrolled, scale: float
    ) -> "tuple[Tensor, IntegerNeurons]":
        """Put a layer's weights and neurons in integers; no gradients are recorded.

        Parameters
        ----------
        inputs : LinearMap
            Their inputs.
        neurons : Unrolled
            Neurons that `check` accepts; they are not changed.
        scale : float
            The size of one step of their activations, if they are graded.

        Returns
        -------
        weights : Tensor, shape (neuron, …), int8
        neurons : IntegerNeurons
            They take the sums of these weights.

        Raises
        ------
        QuantizationError
            Their numbers might overflow.
        """
        raise NotImplementedError

    def update_words(self) -> UpdateWords:
        """Count its states and its constants of each neuron; outputs have 8 bits."""
        n = len(self.STATES)
        return UpdateWords(n, n, n, constants=len(self.TENSORS), bits=8)

    def wide(self) -> list[Tensor]:
        """Give the constants in 64 bits."""
        return [self.get_buffer(name).long() for name in self.TENSORS]

    def shifted_additions(self) -> int:
        """Count the digits of all neurons' leaks: the additions of one update."""
        return sum(digits(leak) for name in self.LEAKS for leak in self._all(name))

    def _all(self, name: str) -> list[int]:
        if name in self.TENSORS:
            return [int(leak) for leak in self.get_buffer(name).tolist()]
        return [int(self.constants[name])] * self.width


Quantised = tuple[Tensor, IntegerNeurons]
"""int8 weights (neuron, …), and the neurons that take their sums."""


def available() -> list[str]:
    """List the kinds of neurons that run in integers, sorted."""
    modules = pkgutil.iter_modules([str(FOLDER)])
    return sorted(module.name for module in modules if module.name != "base")


def find(kind: str) -> type[IntegerNeurons]:
    """Find the neurons that `<kind>.py` in this folder defines.

    Raises
    ------
    KeyError
        There is no such file.
    """
    if kind not in available():
        raise KeyError(kind)
    module = importlib.import_module(f"pipeline.quantization.neurons.{kind}")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, IntegerNeurons)
        and value.__module__ == module.__name__
    )
    return found


def layer_of(neurons: Unrolled) -> NeuronLayer:
    """Give the layer that steps through time."""
    return cast("NeuronLayer", neurons.neurons)


def with_short_leaks(
    inputs: LinearMap, neurons: Unrolled, *names: str
) -> tuple[LinearMap, NeuronLayer]:
    """Use the time constants of leaks of few digits, so that the gains fit them too.

    Parameters
    ----------
    inputs : LinearMap
        The neurons' inputs.
    neurons : Unrolled
        They are not changed.
    *names : str
        The learned logarithms of the time constants; default: the membrane's alone.

    Returns
    -------
    inputs : LinearMap
        With the factors of the neurons' own currents in the weights.
    layer : NeuronLayer
        A copy in float64 of the layer that steps through time.
    """
    layer = deepcopy(layer_of(neurons)).double()
    for name in names or ("log_tau",):
        log_tau = layer.learned[name].data
        rounded = leaks((-layer.dt * (-log_tau).exp()).exp().flatten())
        kept = torch.tensor(rounded, dtype=log_tau.dtype).reshape_as(log_tau) / ONE
        layer.learned[name].data = (-layer.dt / kept.log()).log()
    ones = torch.ones(len(inputs.weights), dtype=torch.float64)
    return inputs.times(layer.driven(ones)), layer


def leaks(values: Tensor) -> list[int]:
    """Round leaks to 15 bits and few digits, so that shifts can compute them."""
    return [nearest(value, MOST_DIGITS) for value in values.tolist()]


def reset_name(subtract: float, zero: float) -> str:
    """Name what a spike does, from a kernel's options."""
    return "subtract" if subtract else "zero" if zero else "none"


def columns(**values: Sequence[int]) -> dict[str, Tensor]:
    """Make the tensors of constants from lists of one value a neuron."""
    return {name: torch.tensor(column) for name, column in values.items()}
