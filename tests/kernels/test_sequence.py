"""What torch takes the compiled loops for: operators like its own."""

import copy
import gc
import pickle
import tracemalloc
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.library import opcheck

from pipeline.components import available
from pipeline.components import find as find_component
from pipeline.kernels.neurons.sequence import UnstableError, find
from pipeline.kernels.neurons.surrogates import surrogate_options
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.polynomial import Polynomial

OPTIONS = (1.0, 0.0, 0.0, 0.0, *surrogate_options("atan", 2.0))
"""Of the leaky kernel: reset by subtraction, delayed."""


class Layer(nn.Module):
    """A map and its neurons over a complete window."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(4, 3)
        self.neurons = Polynomial().build((3,), dt=0.01)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (time, batch, 4) to spikes (time, batch, 3)."""
        return self.neurons.run(5 * self.map(inputs))[0]


def _inputs(steps: int, batch: int) -> Tensor:
    generator = torch.Generator().manual_seed(steps + batch)
    return torch.randn(steps, batch, 4, generator=generator)


@pytest.mark.parametrize("name", [n for n in available("neurons") if n != "relu"])
@pytest.mark.parametrize("keep", [True, False])
def test_every_operator_passes_torchs_own_check(name: str, keep: bool) -> None:
    model: Any = find_component("neurons", name)()
    layer = model.build((3,), dt=0.01)
    generator = torch.Generator().manual_seed(5)
    currents = 0.5 + torch.randn(7, 2, 3 * model.inputs, generator=generator)
    state = torch.stack(layer.initial_state(currents[0]))
    arguments = [currents, state, layer.constants().detach()]
    for tensor in arguments if keep else ():
        tensor.requires_grad_()
    operator = getattr(torch.ops.biospike, layer.kernel.name).default
    opcheck(operator, (*arguments, list(layer.options), keep))


# torch's own remark on Python 3.13.0
@pytest.mark.filterwarnings("ignore:Guards may run slower:RuntimeWarning")
def test_compiling_takes_the_complete_graph_and_gives_the_same() -> None:
    layer = Layer()
    compiled = torch.compile(layer, fullgraph=True, dynamic=True, backend="aot_eager")
    for steps, batch in ((7, 2), (11, 5)):
        inputs = _inputs(steps, batch)
        layer.zero_grad()
        (expected := layer(inputs)).sum().backward()
        gradients = [p.grad.clone() for p in layer.parameters()]
        layer.zero_grad()
        (found := compiled(inputs)).sum().backward()
        assert torch.equal(found, expected)
        for parameter, gradient in zip(layer.parameters(), gradients, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)


def test_export_leaves_time_and_batch_free() -> None:
    layer = Layer().eval()
    free = ({0: Dim("time", min=1), 1: Dim("batch", min=1)},)
    exported = torch.export.export(layer, (_inputs(7, 3),), dynamic_shapes=free)
    for steps, batch in ((1, 1), (7, 3), (50, 8)):
        inputs = _inputs(steps, batch)
        assert torch.equal(exported.module()(inputs), layer(inputs))


def test_without_gradients_nothing_is_kept() -> None:
    operator = torch.ops.biospike.leaky
    options = list(OPTIONS)
    arguments = torch.ones(9, 2, 3), torch.zeros(1, 2, 3), torch.full((2, 3), 0.7)
    assert operator(*arguments, options, False)[2].numel() == 0
    assert operator(*arguments, options, True)[2].shape == (1, 9, 2, 3)


def test_the_first_bad_step_is_named() -> None:
    layer = Leaky().build((3,), dt=0.01)
    currents = torch.zeros(9, 2, 3)
    currents[4, 1, 2] = float("inf")
    with pytest.raises(UnstableError, match="step 4"):
        layer.run(currents)
    explosive = Polynomial(reset="none").build((1,), dt=0.01)
    with torch.no_grad():
        explosive.learned["a0"].fill_(6e8)
    with pytest.raises(UnstableError, match="step 1"):
        explosive.run(torch.full((9, 1, 1), 1.0))


def test_backward_leaves_gradients_and_inputs_alone() -> None:
    kernel = find("leaky")
    state = torch.full((1, 2, 3), 0.2, requires_grad=True)
    currents = torch.rand(9, 2, 3, requires_grad=True)
    constants = torch.full((2, 3), 0.7)
    kept = state.detach().clone()
    spikes, last = kernel.run(currents, state, constants, OPTIONS)
    weight = torch.ones_like(last)
    torch.autograd.grad([spikes, last], [state], [torch.ones_like(spikes), weight])
    assert torch.equal(state.detach(), kept)
    assert torch.equal(weight, torch.ones_like(last))


def test_no_steps_give_no_spikes_and_the_same_state() -> None:
    kernel = find("leaky")
    state, constants = torch.full((1, 2, 3), 0.2), torch.full((2, 3), 0.7)
    for run in (kernel.run, kernel.plain_run):
        spikes, last = run(torch.empty(0, 2, 3), state, constants, OPTIONS)
        assert spikes.shape == (0, 2, 3)
        assert torch.equal(last, state)


def test_layers_are_copied_and_pickled_by_their_kernels_name() -> None:
    layer = Polynomial().build((3,), dt=0.01)
    again = pickle.loads(pickle.dumps(copy.deepcopy(layer)))
    currents = _inputs(9, 2)[..., :3]
    assert torch.equal(again.run(currents)[0], layer.run(currents)[0])
    assert again.kernel is layer.kernel


def test_no_memory_grows_over_hundreds_of_runs() -> None:
    layer = Layer()

    def work() -> None:
        for _ in range(250):
            layer(_inputs(3, 1)).sum().backward()
        layer.zero_grad()

    tracemalloc.start()
    work()
    gc.collect()
    before, tensors = tracemalloc.get_traced_memory()[0], _n_tensors()
    work()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert _n_tensors() <= tensors  # those of other tests may have gone since
    assert grown < 50_000


def _n_tensors() -> int:
    return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())
