"""Integer weights: sums of int8 weights over spikes or int8 activations, exact."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.parts.competing import Delays
from pipeline.networks.parts.layers import with_past
from pipeline.networks.parts.weights import Taps, Weights, delayed_taps, kernel_taps


class IntegerConv1d(nn.Conv1d):
    """A convolution with int8 kernels (out, in, time); sums as exact doubles."""

    def __init__(self, weight: Tensor, stride: int) -> None:
        n_out, n_in, kernel = weight.shape
        super().__init__(n_in, n_out, kernel, stride, bias=False)
        self.weight = _int8_parameter(weight)

    def forward(self, values: Tensor) -> Tensor:
        """Map (batch, feature, time) to sums."""
        weight = self.weight.double()
        return functional.conv1d(values.double(), weight, stride=self.stride)


class IntegerLinear(nn.Linear):
    """A linear map with int8 weights (out, in); sums as exact doubles."""

    def __init__(self, weight: Tensor) -> None:
        n_out, n_in = weight.shape
        super().__init__(n_in, n_out, bias=False)
        self.weight = _int8_parameter(weight)

    def forward(self, values: Tensor) -> Tensor:
        """Map (…, feature) to sums."""
        return functional.linear(values.double(), self.weight.double())


def _int8_parameter(weight: Tensor) -> nn.Parameter:
    if weight.dtype != torch.int8:
        raise TypeError(f"weights of type {weight.dtype}, not int8")
    return nn.Parameter(weight, requires_grad=False)


class Convolution(Weights):
    """A causal strided convolution over time, as `CausalConvolution`, in integers.

    Output step j is complete when input step (j + 1)·stride − 1 is in.
    """

    kind = "convolution"

    def __init__(self, weight: Tensor, *, stride: int) -> None:
        super().__init__()
        self.constants = {"stride": stride}
        self.n_past, self.stride = weight.shape[2] - stride, stride
        self.convolution = IntegerConv1d(weight, stride)

    @property
    def linear_map(self) -> IntegerConv1d:
        """The convolution."""
        return self.convolution

    @property
    def weight(self) -> Tensor:
        """The int8 weights (out, in, time)."""
        return self.convolution.weight

    def taps(self) -> Taps:
        """Give the matrices of its kernel."""
        return kernel_taps(self.weight, self.stride)

    def forward(self, values: Tensor, past: Tensor | None = None) -> Tensor:
        """Map (time, batch, feature) to int64 sums (time // stride, batch, out)."""
        padded = with_past(values, self.n_past, past)
        sums = self.convolution(padded.permute(1, 2, 0))
        return cast("Tensor", sums.permute(2, 0, 1).long())


class Dense(Weights):
    """A linear map at every step, in integers."""

    kind = "dense"

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.constants = {}
        self.linear = IntegerLinear(weight)

    @property
    def linear_map(self) -> IntegerLinear:
        """The linear map."""
        return self.linear

    @property
    def weight(self) -> Tensor:
        """The int8 weights (out, in)."""
        return self.linear.weight

    def taps(self) -> Taps:
        """Give the one matrix."""
        return Taps(self.weight[None])

    def forward(self, values: Tensor) -> Tensor:
        """Map (time, batch, feature) to sums (time, batch, neuron), int64."""
        return cast("Tensor", self.linear(values).long())


class Delayed(Weights):
    """Each feature at several delays, and a linear map of them, in integers.

    Source f·count + k is feature f, k·every steps ago, silent before the window.
    """

    kind = "delayed"

    def __init__(self, weight: Tensor, *, count: int, every: int) -> None:
        super().__init__()
        self.constants = {"count": count, "every": every}
        self.delays = Delays(count, every)
        self.n_past = self.delays.n_past
        self.linear = IntegerLinear(weight)

    @property
    def linear_map(self) -> IntegerLinear:
        """The linear map of the copies."""
        return self.linear

    @property
    def weight(self) -> Tensor:
        """The int8 weights (out, feature·count)."""
        return self.linear.weight

    def taps(self) -> Taps:
        """Give the matrix of each delay."""
        return delayed_taps(self.weight, **self.constants)

    def forward(self, values: Tensor, past: Tensor | None = None) -> Tensor:
        """Map (time, batch, feature) to sums (time, batch, neuron), int64."""
        return cast("Tensor", self.linear(self.delays(values, past)).long())
