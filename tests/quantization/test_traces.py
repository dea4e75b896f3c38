"""The read-out of traces in integers, beside a plain loop, floats and its bounds."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.networks.parts.heads import At
from pipeline.neurons.relu import Relu
from pipeline.quantization.arithmetic import WORD, WordOverflowError
from pipeline.quantization.bounds import QuantizationError, settled
from pipeline.quantization.network import IntegerNetwork, describe, rebuild
from pipeline.quantization.quantize import quantize
from pipeline.quantization.traces import IntegerTraces
from pipeline.training.batches import Windows
from pipeline.training.early import moments, running_logits

N_STEPS, WIDE, CLASSES = 60, 50, 2
TRACES, BATCH = 3, 2
ROWS = TRACES * CLASSES


def drawn(seed: int) -> IntegerTraces:
    rng = torch.Generator().manual_seed(seed)

    def numbers(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=rng)

    tensors = {
        "alpha": numbers(-(2**14), 2**15, ROWS),
        "bias": numbers(-300, 300, ROWS),
        "multiplier": numbers(0, 2**16, ROWS),
    }
    weight = numbers(-127, 128, ROWS, WIDE).to(torch.int8)
    constants = {"classes": CLASSES, "up": 2, "shift": 9, "scale": 0.5}
    return IntegerTraces(weight, tensors, **constants)


def plain(head: IntegerTraces, inputs: Tensor) -> list[list[int]]:
    """Logits at every step of one window, (time, channel), by Python's integers."""
    rows = head.linear.weight.tolist()
    alpha, bias, factor = (head.get_buffer(name).tolist() for name in head.TENSORS)
    traces, logits = [0] * ROWS, []
    for values in inputs.long().tolist():
        for k, row in enumerate(rows):
            total = sum(w * v for w, v in zip(row, values, strict=True))
            kept = (alpha[k] * traces[k] + 2**14) // 2**15
            traces[k] = kept + total * 4 + bias[k]
        shares = [(y * m + 2**8) // 2**9 for y, m in zip(traces, factor, strict=True)]
        logits.append([sum(shares[c::CLASSES]) for c in range(CLASSES)])
    return logits


@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from((1, 127)))
@settings(max_examples=8, deadline=None)
def test_logits_are_those_of_a_plain_loop(seed: int, most: int) -> None:
    head, rng = drawn(seed), torch.Generator().manual_seed(seed)
    values = torch.randint(0, most + 1, (17, BATCH, WIDE), generator=rng)
    pieces = [head.read(piece, 0, 17) for piece in values.split(5)]
    wanted = torch.tensor([plain(head, window) for window in values.unbind(1)])
    assert torch.equal(head.steps(pieces), wanted.transpose(0, 1))
    assert torch.equal(head.logits(pieces), wanted[:, -1])
    at = At(torch.tensor([1, 0, 1]), torch.tensor([3, 17, 4]))
    assert torch.equal(head.logits_at(pieces, at), wanted[at.row, at.stop - 1])


def read_out(**choices: Any) -> Any:
    """Make a read-out of the input's spikes, of small sound weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        settings = Dense(units=(), **{"read_out": "traces", "traces": TRACES} | choices)
        built: Any = settings.build(Shape(N_STEPS, WIDE, CLASSES, 0.01), Relu()).eval()
    built.head.linear.weight.data.uniform_(-0.1, 0.1)
    return built


def silent(network: Any) -> IntegerNetwork:
    return quantize(network, torch.zeros(N_STEPS, 1, WIDE))


@pytest.mark.parametrize("kind", ["traces", "membrane"])
@pytest.mark.parametrize("longest_s", [0.1, 20.0])
def test_logits_are_those_of_floats(kind: str, longest_s: float) -> None:
    """But for rounded weights, and time constants of few digits."""
    network = read_out(read_out=kind, longest_s=longest_s)
    spikes = (torch.rand(N_STEPS, 30, WIDE) < 0.2).float()
    integers = silent(network)
    with torch.no_grad():
        wanted = network.steps(spikes).double()
    found = integers.values(integers.steps(spikes))
    off = (found - wanted).square().mean() / wanted.square().mean()
    assert float(off.sqrt()) < 0.05
    assert {t.dtype for t in integers.state_dict().values()} == {
        torch.int8,
        torch.int32,
    }


def test_a_file_brings_the_same_read_out_back() -> None:
    integers = silent(read_out())
    again = rebuild(integers.state_dict(), describe(integers))
    spikes = (torch.rand(N_STEPS, 4, WIDE) < 0.2).float()
    assert torch.equal(again(spikes), integers(spikes))
    assert describe(again) == describe(integers)


def test_running_logits_are_those_of_every_step() -> None:
    integers, n = silent(read_out()), 5
    trains = (torch.rand(N_STEPS * n, WIDE) < 0.2).to(torch.uint8)
    firsts = torch.arange(n) * N_STEPS
    windows = Windows(trains, firsts, torch.zeros(n).long(), N_STEPS, 0.01)
    when = moments(integers, windows)
    spikes = windows.spikes(torch.arange(n))
    wanted = integers.steps(spikes)[torch.tensor(when.read) - 1]
    assert torch.equal(running_logits(integers, spikes, when), wanted)


def worst(network: IntegerNetwork) -> tuple[int, int]:
    """Drive each trace as far as can be; gives how far traces and logits go.

    Every step raises where 32 bits do not hold a number.
    """
    head: Any = network.head
    rows = head.linear.weight
    pushes = torch.cat([rows > 0, rows < 0]).float()
    sums = head.read(pushes[None], 0, 1).expand(3000, -1, -1)
    return int(head._traces([sums]).abs().max()), int(head.logits([sums]).abs().max())


@pytest.mark.parametrize("offender", range(ROWS))
def test_one_wide_row_takes_bits_from_all(offender: int) -> None:
    network = read_out(longest_s=0.5)
    network.head.linear.weight.data[:, 1:] *= 1e-4
    sound = silent(network).head.constants["up"]
    network.head.linear.weight.data[offender] = 0.1
    slow = network.head.membranes.learned["log_tau"].data
    slow[offender] = math.log(60.0)
    integers = silent(network)
    assert 0 < integers.head.constants["up"] < sound
    assert WORD / 8 < worst(integers)[0] < WORD


def test_traces_that_fit_alone_are_bounded_together() -> None:
    """A logit adds up all time constants: equal ones take as many bits more."""
    ups = []
    for traces in (1, 8):
        network = read_out(traces=traces)
        network.head.linear.weight.data.fill_(0.1)
        network.head.membranes.learned["log_tau"].data.fill_(math.log(30.0))
        integers = silent(network)
        assert WORD / 8 < worst(integers)[1] < WORD
        ups.append(integers.head.constants["up"])
    assert ups == [ups[0], ups[0] - 3]


@pytest.mark.parametrize("offender", range(ROWS))
def test_one_trace_that_hardly_leaks_is_refused(offender: int) -> None:
    with torch.random.fork_rng(devices=[]):
        settings = Dense(units=(), read_out="traces", traces=TRACES)
        shape = Shape(N_STEPS, 700, CLASSES, 0.01)
        network: Any = settings.build(shape, Relu()).eval()
    network.head.linear.weight.data.fill_(0.1)
    silence = torch.zeros(N_STEPS, 1, 700)
    quantize(network, silence)
    assert settled(127 * 700, 2**15 - 1) > WORD
    network.head.membranes.learned["log_tau"].data[offender] = math.log(1e4)
    with pytest.raises(QuantizationError, match="read-out: its numbers might not fit"):
        quantize(network, silence)


def test_a_shift_that_was_tampered_with_raises_and_does_not_wrap() -> None:
    integers = silent(read_out())
    parts = describe(integers)
    parts["head"]["up"] += 16
    with pytest.raises(WordOverflowError, match="read-out: traces"):
        worst(rebuild(integers.state_dict(), parts))
