"""Weights of every kind as matrices of single steps, against what they compute."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pipeline.networks.parts.competing import DelayedWeights, Delays
from pipeline.networks.parts.layers import CausalConvolution
from pipeline.networks.parts.scaled import ScaledLinear, branch_mask
from pipeline.networks.parts.weights import Weights, taps_of
from pipeline.quantization.weights import Convolution, Delayed, Dense

STEPS, WINDOWS, SOURCES, TARGETS = 24, 2, 5, 4


def bytes_of(*shape: int) -> Tensor:
    return torch.randint(-127, 128, shape, dtype=torch.int8)


def convolution() -> CausalConvolution:
    made = CausalConvolution(SOURCES, 2, kernel=6, stride=3, branches=2, bias=False)
    made.norm = nn.Identity()
    made.convolution.gain.uniform_(0.5, 2)
    return made


WEIGHTS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: ScaledLinear(
        SOURCES, TARGETS, bias=False, mask=branch_mask(SOURCES, 2, 2)
    ),
    "convolution": convolution,
    "delayed": lambda: DelayedWeights(Delays(3, 4), SOURCES, TARGETS),
    "integer convolution": lambda: Convolution(bytes_of(TARGETS, SOURCES, 7), stride=2),
    "integer dense": lambda: Dense(bytes_of(TARGETS, SOURCES)),
    "integer delayed": lambda: Delayed(
        bytes_of(TARGETS, SOURCES * 3), count=3, every=2
    ),
}


@pytest.mark.parametrize("kind", WEIGHTS)
def test_taps_give_the_currents(kind: str) -> None:
    """A tap meets the spikes of some steps ago; an output is due at a stride's end."""
    torch.manual_seed(0)
    weights, spikes = WEIGHTS[kind](), (torch.rand(STEPS, WINDOWS, SOURCES) < 0.3)
    with torch.no_grad():
        expected = weights(spikes.float())
        taps = taps_of(weights)
    assert taps is not None
    for row, currents in enumerate(expected):
        now = (row + 1) * taps.stride - 1
        total = torch.zeros(WINDOWS, TARGETS)
        for number, matrix in enumerate(taps.matrices):
            if (then := now - number * taps.spacing) >= 0:
                total += spikes[then].float() @ matrix.float().t()
        torch.testing.assert_close(total, currents.float())


def test_what_is_no_sum_of_steps_has_no_taps() -> None:
    assert taps_of(nn.ReLU()) is None
    assert taps_of(Weights()) is None
